import re
from pathlib import Path

import pytest
from data_helpers import SHIPPED, load_params, message_of, set_param, shipped
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan import losses, params


@pytest.fixture
def complaint(tmp_path):
    """The message that one wrong value ends in."""

    def of(place, value, dataset="mnist"):
        return message_of(load_params, tmp_path, dataset, **{place.replace(".", "__"): value})

    return of


def test_shipped_mnist_is_the_lectures_recipe():
    train = params.load(SHIPPED, "mnist").train
    assert (train.epochs, train.batch_size, train.learning_rate) == (200, 128, 2e-4)
    assert (train.beta1, train.beta2, train.grid_seed) == (0.5, 0.999, 2323)
    assert (train.loss, train.latents) == ("bce", "attached")
    assert train.generator.widths == [128, 256, 512, 1024]
    assert train.generator.activation == "relu"
    assert train.generator.batch_norm is True
    assert train.discriminator.widths == [512, 256]
    assert train.discriminator.activation == "leaky_relu"
    assert train.discriminator.leaky_slope == 0.2
    assert train.discriminator.batch_norm is False


def test_shipped_mnist_data_is_the_lectures():
    dataset = params.load(SHIPPED, "mnist")
    assert (dataset.kind.format, dataset.kind.network) == ("idx", "mlp")
    assert (dataset.preprocess.image_size, dataset.preprocess.channels) == (28, 1)
    assert dataset.preprocess.latent_size == 100
    assert dataset.preprocess.maximum_images is None
    assert len(dataset.download.sha256) == 4


def test_shipped_faces_is_a_dcgan_on_64_pixels():
    dataset = params.load(SHIPPED, "faces")
    assert (dataset.kind.format, dataset.kind.network) == ("images", "dcgan")
    assert (dataset.preprocess.image_size, dataset.preprocess.channels) == (64, 3)
    assert (dataset.train.epochs, dataset.train.learning_rate) == (200, 2e-4)
    assert (dataset.train.beta1, dataset.train.grid_seed) == (0.5, 2323)
    assert dataset.train.generator.widths == [512, 256, 128, 64]
    assert dataset.train.discriminator.widths == [64, 128, 256, 512]


def test_params_cannot_be_changed_after_loading():
    dataset = params.load(SHIPPED, "mnist")
    with pytest.raises(ValueError, match="frozen"):
        dataset.train.epochs = 1


def test_misspelt_key_is_named_with_its_place_and_the_nearest_key(complaint):
    text = complaint("mnist.train.lerning_rate", 0.1)
    assert "unknown key mnist.train.lerning_rate, did you mean learning_rate?" in text


def test_misspelt_key_of_a_network_is_named(complaint):
    text = complaint("mnist.train.generator.width", [1])
    assert "unknown key mnist.train.generator.width, did you mean widths?" in text


def test_misspelt_key_of_datasets_is_named(complaint):
    assert "unknown key datasets.mnist.netwrk, did you mean network?" in complaint(
        "datasets.mnist.netwrk", "mlp"
    )


def test_key_like_nothing_valid_still_lists_what_is(complaint):
    text = complaint("mnist.evaluate.zzz", 1)
    assert "unknown key mnist.evaluate.zzz (valid: samples, seed," in text


@pytest.mark.parametrize("key", ["int", "none", "a[b]"])
def test_unknown_key_that_looks_like_pydantics_own_names(complaint, key):
    assert f"unknown key mnist.train.{key}" in complaint(f"mnist.train.{key}", 1)


def test_unknown_key_at_the_top_is_named(complaint):
    assert "unknown key mnsit, did you mean mnist?" in complaint("mnsit", {})


@pytest.mark.parametrize("section", [[], ["mnist"], ["mnist", "train"]])
def test_key_that_is_a_number_is_named(tmp_path, section):
    content = shipped()
    inner = content
    for key in section:
        inner = inner[key]
    inner[7] = 1
    file = tmp_path / "params.yaml"
    file.write_text(params.yaml.safe_dump(content))
    text = message_of(params.load, file, "mnist")
    assert f"unknown key {'.'.join([*section, '7'])} (valid:" in text


def test_kind_belongs_into_datasets(complaint):
    assert "belongs into datasets.mnist" in complaint("mnist.kind", {})


def test_unknown_data_set_names_the_nearest():
    text = message_of(params.load, SHIPPED, "mnits")
    assert text == "no data set 'mnits', did you mean mnist? (valid: mnist, faces)"
    assert message_of(params.check_name, SHIPPED, "mnits") == text


def test_known_data_set_passes_the_check_of_names():
    params.check_name(SHIPPED, "faces")


WHOLE = "a whole number from 1 to 100000"
WIDTH = "a whole number from 1 to 65536"
WRONG = [
    ("train.epochs", "many", "'many'", WHOLE),
    ("train.epochs", True, "true", WHOLE),
    ("train.epochs", None, "null", WHOLE),
    ("train.epochs", 1.5, "1.5", WHOLE),
    ("train.epochs", [3], "[3]", WHOLE),
    ("train.epochs", 0, "0", WHOLE),
    ("train.epochs", 100001, "100001", WHOLE),
    ("train.epochs", 10**30, str(10**30), WHOLE),
    ("train.seed", -1, "-1", "a whole number from 0 to 4294967295"),
    ("train.seed", 2**32, "4294967296", "a whole number from 0 to 4294967295"),
    ("train.learning_rate", "fast", "'fast'", "a number above 0 to 10"),
    ("train.learning_rate", True, "true", "a number above 0 to 10"),
    ("train.learning_rate", 0, "0", "a number above 0 to 10"),
    ("train.learning_rate", 10.5, "10.5", "a number above 0 to 10"),
    ("train.learning_rate", float("nan"), "nan", "a number above 0 to 10"),
    ("train.learning_rate", float("inf"), "inf", "a number above 0 to 10"),
    ("train.learning_rate", "nan", "'nan'", "a number above 0 to 10"),
    ("train.discriminator_learning_rate", 0, "0", "a number above 0 to 10 or null"),
    ("train.schedule.kind", "linear", "'linear'", "constant | cosine | exponential | step"),
    ("train.schedule.warm_up_steps", -1, "-1", "a whole number from 0 to 2147483648"),
    ("train.schedule.decay", 0, "0", "a number above 0 to 1"),
    ("train.schedule.every", 0, "0", "a whole number from 1 to 2147483648"),
    ("train.schedule.final", 1.5, "1.5", "a number from 0 to 1"),
    ("train.schedule", None, "null", "a mapping of the keys in the shipped params.yaml"),
    ("train.optimizer", "adamax", "'adamax'", "adam | adamw | rmsprop | sgd"),
    ("train.weight_decay", -0.1, "-0.1", "a number from 0 to 1"),
    ("train.momentum", 1, "1", "a number from 0 below 1"),
    ("train.discriminator_steps", 0, "0", "a whole number from 1 to 1000"),
    ("train.instance_noise", -0.1, "-0.1", "a number from 0 to 10"),
    ("train.r1", "on", "'on'", "a number from 0 to 1000000"),
    ("train.ema", 1.0, "1.0", "a number from 0 below 1"),
    ("train.discriminator.spectral_norm", 3, "3", "true | false"),
    ("train.beta1", 1.0, "1.0", "a number from 0 below 1"),
    ("train.beta2", -0.1, "-0.1", "a number from 0 below 1"),
    ("preprocess.test_fraction", 1, "1", "a number above 0 below 1"),
    ("preprocess.test_fraction", 0, "0", "a number above 0 below 1"),
    ("train.max_steps", 0, "0", "a whole number from 1 to 2147483648 or null"),
    ("train.max_steps", "all", "'all'", "a whole number from 1 to 2147483648 or null"),
    ("train.max_steps", True, "true", "a whole number from 1 to 2147483648 or null"),
    ("download.bundled_count", 19, "19", "a whole number from 20 to 100000 or null"),
    ("download.bundled_count", 2.5, "2.5", "a whole number from 20 to 100000 or null"),
    ("train.init_from", "", "''", "a text of 1 or more characters or null"),
    ("train.init_from", 3, "3", "a text of 1 or more characters or null"),
    ("train.lecture_log", 3, "3", "true | false"),
    ("train.lecture_log", None, "null", "true | false"),
    ("train.loss", "bec", "'bec'", "bce | bce_with_logits | softplus | mse | hinge | wgan_gp"),
    ("train.loss_options.reduction", "none", "'none'", "mean | sum (a training step needs one"),
    ("train.loss_options.reduction", "many", "'many'", "mean | sum (a training step needs one"),
    ("train.loss_options.weight", 0, "0", "a number from 0.001 to 1000"),
    ("train.loss_options.weight", True, "true", "a number from 0.001 to 1000"),
    ("train.loss_options.pos_weight", 101, "101", "a number from 0.01 to 100"),
    ("train.loss_options.label_smoothing", -0.1, "-0.1", "a number from 0 to 0.5"),
    ("train.loss_options.gradient_penalty", "no", "'no'", "a number from 0 to 1000"),
    ("train.latents", 1, "1", "attached | fresh"),
    ("train.generator.activation", "rely", "'rely'", "relu | leaky_relu | elu | tanh"),
    ("preprocess.channels", 2, "2", "1 | 3"),
    ("preprocess.channels", True, "true", "1 | 3"),
    ("train.generator.widths", 5, "5", f"a list of 1 to 16 entries, each {WIDTH}"),
    ("train.generator.widths", [], "[]", f"a list of 1 to 16 entries, each {WIDTH}"),
    ("train.generator.widths", [1] * 17, "[1, 1,", f"a list of 1 to 16 entries, each {WIDTH}"),
    ("train.generator", 3, "3", "a mapping of the keys in the shipped params.yaml"),
    ("train", None, "null", "a mapping of the keys in the shipped params.yaml"),
    ("download.sources", "x", "'x'", "a list of 1 or more entries, each a text of 1 or more"),
    ("download.sources", [], "[]", "a list of 1 or more entries, each a text of 1 or more"),
    ("download.sha256", 5, "5", "a mapping of file name to 64 hex digits, in lower case"),
    ("report.title", "x" * 201, "'xxx", "a text of 1 to 200 characters"),
]


@pytest.mark.parametrize(("place", "value", "shown", "valid"), WRONG)
def test_wrong_value_is_named_with_what_is_valid(complaint, place, value, shown, valid):
    text = complaint(f"mnist.{place}", value)
    assert f" mnist.{place} is {shown}" in text
    assert f": valid is {valid}" in text
    assert not re.search("pydantic|input|type=|https?:", text)
    assert len(text) < 400


@pytest.mark.parametrize(
    ("place", "value", "entry", "shown", "valid"),
    [
        ("train.generator.widths", [128, 0], "1", "0", WIDTH),
        ("train.generator.widths", [128, True], "1", "true", WIDTH),
        ("train.discriminator.widths", ["a", 1], "0", "'a'", WIDTH),
        ("download.sources", ["a", None], "1", "null", "a text of 1 or more characters"),
        ("download.sources", [""], "0", "''", "a text of 1 or more characters"),
        ("download.sha256", {"a": "b"}, "a", "'b'", "64 hex digits, in lower case"),
        ("download.sha256", {"a": 1}, "a", "1", "64 hex digits, in lower case"),
        ("download.sha256", {"a": "F" * 64}, "a", "'FFF", "64 hex digits, in lower case"),
    ],
)
def test_wrong_entry_of_a_list_or_mapping_is_named(complaint, place, value, entry, shown, valid):
    text = complaint(f"mnist.{place}", value)
    assert f" mnist.{place}.{entry} is {shown}" in text
    assert text.endswith(f": valid is {valid}")


def test_wrong_format_of_a_data_set_is_placed_under_datasets(complaint):
    text = complaint("datasets.mnist.format", "idxx")
    assert text.endswith("datasets.mnist.format is 'idxx': valid is idx | images")


def test_every_mistake_is_named_at_once(tmp_path):
    text = message_of(load_params, tmp_path, "mnist", mnist__train__epochs=0, mnist__train__sed=1)
    assert "mnist.train.epochs is 0" in text
    assert "unknown key mnist.train.sed, did you mean seed?" in text


def test_line_breaks_in_keys_and_values_do_not_reach_the_message(complaint):
    assert r"'a\nb'" in complaint("mnist.train.epochs", "a\nb")
    assert "mnist.train.a b" in complaint("mnist.train.a\nb", 1)


def test_long_value_is_shortened(complaint):
    assert len(complaint("mnist.train.epochs", "x" * 5000)) < 250


@pytest.mark.parametrize(
    "place",
    ["mnist.train.epochs", "mnist.train.generator.batch_norm", "datasets.mnist.network"],
)
def test_missing_key_is_named(tmp_path, place):
    content = shipped()
    *sections, key = place.split(".")
    inner = content
    for section in sections:
        inner = inner[section]
    del inner[key]
    file = tmp_path / "params.yaml"
    file.write_text(params.yaml.safe_dump(content))
    assert message_of(params.load, file, "mnist").endswith(f"{place} is missing")


@pytest.mark.parametrize("value", [None, 3])
def test_data_set_without_params_is_missing(complaint, value):
    assert "mnist is missing" in complaint("mnist", value)


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "0.0001"])
def test_scientific_notation_is_a_number(tmp_path, text):
    shipped_text = SHIPPED.read_text(encoding="utf-8")
    changed = shipped_text.replace("learning_rate: 0.0002", f"learning_rate: {text}")
    assert changed != shipped_text
    file = tmp_path / "params.yaml"
    file.write_text(changed, encoding="utf-8")
    assert params.load(file, "mnist").train.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("name", "owners"), [("weight_decay", "adamw"), ("momentum", "rmsprop | sgd")]
)
def test_what_the_optimizer_has_not_is_refused(complaint, name, owners):
    text = complaint(f"mnist.train.{name}", 0.1)
    assert f"train.{name} is 0.1, but train.optimizer adam has none" in text
    assert text.endswith(f"valid is 0, or optimizer {owners}")


def test_a_penalty_on_gradients_is_refused_where_images_share_a_batch_norm(complaint):
    text = complaint("faces.train.r1", 5.0, "faces")
    assert "train.r1 is 5.0, but with train.discriminator.batch_norm" in text
    assert text.endswith("valid is r1 0, or batch_norm false")


def test_so_is_that_of_wgan_gp(complaint, tmp_path):
    text = complaint("faces.train.loss", "wgan_gp", "faces")
    assert "train.loss_options.gradient_penalty is 10.0, but with train.discriminator" in text
    assert text.endswith("valid is loss_options.gradient_penalty 0, or batch_norm false")
    dataset = load_params(tmp_path, "mnist", mnist__train__loss="wgan_gp")
    assert (dataset.train.gradient_penalty, dataset.train.differentiates_twice) == (10.0, True)
    dataset = load_params(tmp_path, "mnist")
    assert (dataset.train.gradient_penalty, dataset.train.differentiates_twice) == (0.0, False)


@pytest.mark.parametrize("size", [60, 16, 100])
def test_dcgan_refuses_a_side_that_its_layers_do_not_divide(complaint, size):
    text = complaint("faces.preprocess.image_size", size, "faces")
    assert f"preprocess.image_size is {size}" in text
    assert "valid is a multiple of 16 from 32 on" in text


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("pos_weight", [1.0, 2.0])
@pytest.mark.parametrize("name", losses.LOSSES)
def test_an_option_is_refused_where_the_loss_refuses_it(
    tmp_path, name, pos_weight, smoothing, reduction
):
    options = {
        "reduction": reduction, "weight": 2.0, "pos_weight": pos_weight,
        "label_smoothing": smoothing, "gradient_penalty": 10.0,
    }  # fmt: skip
    changes = {"mnist__train__loss": name, "mnist__train__loss_options": options}
    try:
        losses.build(name, losses.Options(reduction, 2.0, pos_weight, smoothing))
    except ValueError:
        text = message_of(load_params, tmp_path, "mnist", **changes)
        bad = "pos_weight is 2.0" if "pos_weight is" in text else "label_smoothing is 0.1"
        assert f"mnist: train.loss_options.{bad}, but train.loss is {name}, which has no" in text
        assert "a loss of bce | bce_with_logits | softplus" in text
    else:
        train = load_params(tmp_path, "mnist", **changes).train
        assert losses.Options(**train.loss_options.of_terms()).pos_weight == pos_weight


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_shipped_options_add_nothing_to_the_loss(dataset):
    options = params.load(SHIPPED, dataset).train.loss_options
    assert losses.Options(**options.of_terms()) == losses.Options()
    assert options.gradient_penalty == 10.0


@pytest.mark.parametrize("size", [32, 48, 64])
def test_dcgan_accepts_a_side_that_its_layers_divide(tmp_path, size):
    dataset = load_params(tmp_path, "faces", faces__preprocess__image_size=size)
    assert dataset.preprocess.image_size == size


def test_mlp_accepts_any_side(tmp_path):
    dataset = load_params(tmp_path, "mnist", mnist__preprocess__image_size=29)
    assert dataset.preprocess.image_size == 29


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: [1", "is not valid YAML"),
        ("\t a: 1", "is not valid YAML"),
        ("datasets: {[1]: 3}", "is not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        ("", "a mapping `datasets`"),
        ("- 1", "a mapping `datasets`"),
        ("datasets: [mnist]", "a mapping `datasets`"),
    ],
)
def test_file_that_holds_no_params_is_refused(tmp_path, text, part):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    assert part in message_of(params.load, file, "mnist")


def test_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in message_of(params.load, file, "mnist")


def test_missing_file_says_where_to_run():
    assert "run this from the project's folder" in message_of(
        params.load, Path("nowhere/params.yaml"), "mnist"
    )


@settings(max_examples=15, deadline=None)
@given(st.integers().filter(lambda number: not 2 <= number <= 65536))
def test_any_batch_size_out_of_range_is_named(tmp_path_factory, number):
    folder = tmp_path_factory.getbasetemp()
    text = message_of(load_params, folder, "mnist", mnist__train__batch_size=number)
    # What is very long is shortened.
    assert f"mnist.train.batch_size is {str(number)[:70]}" in text
    assert text.endswith("valid is a whole number from 2 to 65536")


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 65536))
def test_any_batch_size_in_range_is_accepted(tmp_path_factory, number):
    folder = tmp_path_factory.getbasetemp()
    dataset = load_params(folder, "mnist", mnist__train__batch_size=number)
    assert dataset.train.batch_size == number


@settings(max_examples=60, deadline=None)
@given(
    place=st.sampled_from(
        [
            "train.epochs",
            "train.generator.widths",
            "train.generator",
            "download.sources",
            "download.sha256",
            "download.bundled_count",
            "preprocess.channels",
            "train.init_from",
            "report.title",
        ]
    ),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.integers() | st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=5,
    ),
)
def test_any_value_anywhere_is_accepted_or_ends_in_one_line(place, value):
    content = shipped()
    set_param(content, f"mnist.{place}", value)
    section = {"kind": content["datasets"]["mnist"], **content["mnist"]}
    try:
        params.Dataset.model_validate(section)
    except params.ValidationError as error:
        for problem in error.errors():
            assert f"mnist.{place}" in params._explain("mnist", problem)
