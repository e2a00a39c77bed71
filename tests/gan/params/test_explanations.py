import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.gan import params
from stages.gan.params import choices
from stages.gan.params.explanations import explain
from tests.helpers.data import load_params, message_of, set_param, shipped


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


@pytest.mark.parametrize("section", [[], ["mnist"], ["mnist", "train"]])
def test_key_that_is_a_number_is_named(tmp_path, section):
    content = shipped()
    inner = content
    for key in section:
        inner = inner[key]
    inner[7] = 1
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(content))
    text = message_of(params.load, file, "mnist")
    assert f"unknown key {'.'.join([*section, '7'])} (valid:" in text


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
    ("train.distributed.workers", 0, "0", "a whole number from 1 to 1024"),
    ("train.distributed", 2, "2", "a mapping of the keys in the shipped params.yaml"),
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
    ("train.loss", "bec", "'bec'", " | ".join(choices.LOSSES)),
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
    file.write_text(yaml.safe_dump(content))
    assert message_of(params.load, file, "mnist").endswith(f"{place} is missing")


@settings(max_examples=15, deadline=None)
@given(st.integers().filter(lambda number: not 2 <= number <= 65536))
def test_any_batch_size_out_of_range_is_named(tmp_path_factory, number):
    folder = tmp_path_factory.getbasetemp()
    text = message_of(load_params, folder, "mnist", mnist__train__batch_size=number)
    # What is very long is shortened.
    assert f"mnist.train.batch_size is {str(number)[:70]}" in text
    assert text.endswith("valid is a whole number from 2 to 65536")


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
    common = {"language": content["language"], "kind": content["datasets"]["mnist"]}
    section = {**common, **content["mnist"]}
    try:
        params.Dataset.model_validate(section)
    except ValidationError as error:
        for problem in error.errors():
            assert f"mnist.{place}" in explain(params.Dataset, "mnist", problem)
