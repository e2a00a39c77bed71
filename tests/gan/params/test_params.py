from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan import losses, params
from stages.gan.params import choices
from tests.helpers.data import SHIPPED, load_params, message_of


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
    assert len(dataset.train.generator.widths) == len(dataset.train.discriminator.widths) == 4


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_a_shipped_run_is_short_and_draws_with_the_average(dataset):
    """It is a first look: whoever wants the lecture's own run has the recipe `lecture`."""
    train = params.load(SHIPPED, dataset).train
    assert train.max_steps is not None
    assert train.ema > 0
    assert train.init_from is None
    assert (train.on_failure, train.grid_seed) == ("stop", 2323)


def test_params_cannot_be_changed_after_loading():
    dataset = params.load(SHIPPED, "mnist")
    with pytest.raises(ValueError, match="frozen"):
        dataset.train.epochs = 1


def test_unknown_key_at_the_top_is_named(complaint):
    assert "unknown key mnsit, did you mean mnist?" in complaint("mnsit", {})


def test_kind_belongs_into_datasets(complaint):
    assert "belongs in datasets.mnist" in complaint("mnist.kind", {})


@pytest.mark.parametrize("value", ["fr", "ZH", 1, True, ["en"], {}])
def test_the_language_is_one_that_is_known(complaint, value):
    assert complaint("language", value).endswith(": valid is en | zh")
    assert "language is " in complaint("language", value)


def test_a_missing_language_is_named(complaint):
    assert complaint("language", None).endswith("language is missing: valid is en | zh")


def test_all_data_sets_share_a_language(complaint, tmp_path):
    assert "all data sets share `language`" in complaint("mnist.language", "zh")
    for name in ("mnist", "faces"):
        given = load_params(tmp_path, name, language="zh")
        assert given.language == "zh"
        assert "language" not in params.shareable(given)
    assert params.language(SHIPPED) == "en"


def test_unknown_data_set_names_the_nearest():
    text = message_of(params.load, SHIPPED, "mnits")
    assert text == "no data set 'mnits', did you mean mnist? (valid: mnist, faces)"
    assert message_of(params.check_name, SHIPPED, "mnits") == text


def test_known_data_set_passes_the_check_of_names():
    params.check_name(SHIPPED, "faces")


@pytest.mark.parametrize("value", [None, 3])
def test_data_set_without_params_is_missing(complaint, value):
    assert "mnist is missing" in complaint("mnist", value)


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "0.0001"])
def test_scientific_notation_is_a_number(tmp_path, text):
    shipped_text = SHIPPED.read_text(encoding="utf-8")
    changed = shipped_text.replace("instance_noise: 0.0", f"instance_noise: {text}")
    assert changed != shipped_text
    file = tmp_path / "params.yaml"
    file.write_text(changed, encoding="utf-8")
    assert params.load(file, "mnist").train.instance_noise == 1e-4


@pytest.mark.parametrize(
    ("name", "owners"), [("weight_decay", "adamw"), ("momentum", "rmsprop | sgd")]
)
def test_what_the_optimizer_has_not_is_refused(complaint, name, owners):
    text = complaint(f"mnist.train.{name}", 0.1)
    assert f"train.{name} is 0.1, but train.optimizer adam has none" in text
    assert text.endswith(f"valid is 0, or optimizer {owners}")


@pytest.mark.parametrize(
    ("place", "value", "valid"),
    [("download.subset", "letters", "null"), ("preprocess.transposed", True, "false")],
)
def test_what_is_for_idx_files_is_refused_for_images(complaint, tmp_path, place, value, valid):
    text = complaint(f"faces.{place}", value, "faces")
    shown = "true" if value is True else value
    assert f"{place} is {shown}, but format images does not use it" in text
    assert text.endswith(f"valid is {valid}, or format idx")
    load_params(tmp_path, "mnist", **{f"mnist__{place.replace('.', '__')}": value})


@pytest.mark.parametrize(
    ("place", "value", "valid"),
    [("burn_in.penalty", 0.1, 1.0), ("penalty.kind", "difference", "exact")],
)
def test_how_penalties_are_computed_and_moved_needs_one(complaint, tmp_path, place, value, valid):
    text = complaint(f"mnist.train.{place}", value)
    assert text.endswith(
        f"train.{place} is {value}, but train.r1 and train.r2 are 0: valid is {valid}, or r1 or r2 "
        "above 0"
    )
    for name in ("r1", "r2"):
        changes = {f"mnist__train__{name}": 1.0, f"mnist__train__{place.replace('.', '__')}": value}
        load_params(tmp_path, "mnist", **changes)


def test_steps_of_a_burn_in_need_something_that_moves(complaint, tmp_path):
    for changes in ({}, {"mnist__train__r1": 1.0}):
        text = complaint("mnist.train.burn_in.steps", 9, **changes)
        assert "train.burn_in.steps is 9, but burn_in.penalty is 1.0" in text
        assert text.endswith("nothing moves: valid is null, or another penalty or beta2")
    for changes in ({"r1": 1.0, "burn_in__penalty": 0.1}, {"burn_in__beta2": 0.9}):
        named = {f"mnist__train__{name}": value for name, value in changes.items()}
        load_params(tmp_path, "mnist", mnist__train__burn_in__steps=9, **named)


def test_a_game_without_a_value_is_not_searched(complaint):
    text = complaint("mnist.evaluate.game.steps", 9, mnist__train__loss="wgan_gp")
    assert "evaluate.game.steps is 9, but the game of train.loss wgan_gp has no finite" in text
    assert text.endswith(
        "valid is 0, or a loss of bce | bce_with_logits | softplus | mse | hinge | rpgan"
    )


def test_the_best_checkpoint_needs_scores(complaint):
    assert complaint("mnist.evaluate.checkpoint", "best").endswith(
        "evaluate.checkpoint is best, but train.quick_score is 0, so no epoch is scored: valid is "
        "last, or a quick_score of 1 or more"
    )


def test_the_ways_with_copies_are_named(complaint):
    text = complaint("mnist.preprocess.duplicates", "remove")
    assert "duplicates is 'remove': valid is one_side | drop | keep" in text


def test_a_penalty_on_gradients_is_refused_where_images_share_a_batch_norm(complaint):
    text = complaint("faces.train.r1", 5.0, "faces")
    assert "train.r1 is 5.0, but with train.discriminator.batch_norm" in text
    assert text.endswith("valid is r1 0, or batch_norm false")


def test_so_is_that_on_generated_images_and_that_by_difference(complaint):
    text = complaint("faces.train.r2", 5.0, "faces")
    assert "train.r2 is 5.0, but with train.discriminator.batch_norm" in text
    changes = {"faces__train__r1": 2.0, "faces__train__penalty__kind": "difference"}
    text = complaint("faces.train.r2", 5.0, "faces", **changes)
    assert "train.r1 is 2.0, but with train.discriminator.batch_norm" in text


def test_a_penalty_by_difference_leaves_d_its_fast_layers(tmp_path):
    for changes, twice in (
        ({}, False),
        ({"r1": 1.0}, True),
        ({"r2": 1.0}, True),
        ({"penalty__kind": "difference", "r1": 1.0}, False),
        ({"penalty__kind": "difference", "r1": 1.0, "r2": 1.0}, False),
        ({"penalty__kind": "difference", "r2": 1.0, "loss": "wgan_gp"}, True),
    ):
        named = {f"mnist__train__{name}": value for name, value in changes.items()}
        train = load_params(tmp_path, "mnist", **named).train
        assert train.differentiates_twice == twice, changes


@pytest.mark.parametrize("option", choices.OPTIONS)
def test_rpgan_has_no_labels_to_weigh_or_to_smooth(complaint, option):
    text = complaint(f"mnist.train.loss_options.{option}", 0.3, mnist__train__loss="rpgan")
    assert f"train.loss_options.{option} is 0.3, but train.loss is rpgan" in text
    assert text.endswith(f"or a loss of {' | '.join(choices.losses_that_take(option))}")


def test_so_is_that_of_wgan_gp(complaint, tmp_path):
    text = complaint("faces.train.loss", "wgan_gp", "faces")
    assert "train.loss_options.gradient_penalty is 10.0, but with train.discriminator" in text
    assert text.endswith("valid is loss_options.gradient_penalty 0, or batch_norm false")
    dataset = load_params(tmp_path, "mnist", mnist__train__loss="wgan_gp")
    assert (dataset.train.gradient_penalty, dataset.train.differentiates_twice) == (10.0, True)
    dataset = load_params(tmp_path, "mnist")
    assert (dataset.train.gradient_penalty, dataset.train.differentiates_twice) == (0.0, False)


def test_an_unknown_network_names_the_known(complaint):
    text = complaint("datasets.mnist.network", "dcgn")
    assert f"datasets.mnist.network is 'dcgn': valid is {' | '.join(choices.NETWORKS)}" in text


@pytest.mark.parametrize("size", [60, 16, 100])
def test_dcgan_refuses_a_side_that_its_layers_do_not_divide(complaint, size):
    text = complaint("faces.preprocess.image_size", size, "faces")
    assert f"preprocess.image_size is {size}" in text
    assert "train.generator.widths has 4 entries and train.discriminator.widths has 4" in text
    assert "valid is a multiple of 16 from 32 on, or fewer widths" in text


@pytest.mark.parametrize(("generator", "discriminator"), [([64], [8, 64]), ([64, 8], [64])])
def test_mixed_refuses_a_network_without_convolutions(tmp_path, generator, discriminator):
    text = message_of(
        load_params, tmp_path, "mnist",
        mnist__train__generator__widths=generator,
        mnist__train__discriminator__widths=discriminator,
        datasets__mnist__network="mixed",
    )  # fmt: skip
    assert text.endswith("valid are two widths or more, one of them for a dense layer")


def test_mixed_halves_the_side_once_less_than_it_has_widths(tmp_path):
    widths = {
        "mnist__train__generator__widths": [64, 8, 8, 8],
        "mnist__train__discriminator__widths": [8, 8, 8, 64],
    }
    kind = {"datasets__mnist__network": "mixed"}
    text = message_of(load_params, tmp_path, "mnist", **widths, **kind)
    assert "valid is a multiple of 8 from 16 on, or fewer widths" in text
    load_params(tmp_path, "mnist", **widths, **kind, mnist__preprocess__image_size=32)


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
        able = " | ".join(choices.losses_that_take(bad.split()[0]))
        assert (
            f"mnist: train.loss_options.{bad}, but train.loss is {name}, which does not use it"
            in text
        )
        assert text.endswith(f"or a loss of {able}")
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
        ("", "should hold a mapping of names to values"),
        ("- 1", "should hold a mapping of names to values"),
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
@given(st.integers(2, 65536))
def test_any_batch_size_in_range_is_accepted(tmp_path_factory, number):
    folder = tmp_path_factory.getbasetemp()
    dataset = load_params(folder, "mnist", mnist__train__batch_size=number)
    assert dataset.train.batch_size == number


@pytest.mark.parametrize(
    ("workers", "batch", "valid"),
    [
        (3, 128, "1 | 2 | 4 | 8 | 16 | 32 | 64"),
        (128, 128, "1 | 2 | 4 | 8 | 16 | 32 | 64"),
        (2, 9, "1 | 3"),
        (2, 7, "1"),
    ],
)
def test_a_batch_that_cannot_be_shared_out_names_the_numbers_that_can(
    tmp_path, workers, batch, valid
):
    changes = {
        "mnist__train__distributed__workers": workers,
        "mnist__train__batch_size": batch,
    }
    text = message_of(load_params, tmp_path, "mnist", **changes)
    assert f"train.distributed.workers is {workers}, but train.batch_size {batch} cannot" in text
    assert f"valid is {valid}, or another batch_size" in text


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_a_batch_is_shared_out(tmp_path, workers):
    changes = {"mnist__train__distributed__workers": workers}
    assert load_params(tmp_path, "mnist", **changes).train.distributed.workers == workers


def test_what_is_shown_to_others_names_no_folder_of_this_machine(tmp_path):
    own = {
        "mnist__download__sources": ["/home/somebody/digits"],
        "mnist__train__init_from": "/home/somebody/earlier",
    }
    shown = params.shareable(load_params(tmp_path, "mnist", **own))
    assert "/home/somebody" not in str(shown)
    assert shown["train"]["init_from"] == "earlier"
    assert shown["train"]["learning_rate"] == 2e-4
