import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stages.tools.recipe import recipes
from stages.tools.sweep import definitions
from tests.helpers.data import SHIPPED, message_of
from tests.helpers.project import lecture_params

FOLDER = SHIPPED.parent / "sweeps"


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine"):
        (tmp_path / f"{name}.yaml").write_text(text)
        return lambda: definitions.load(name, tmp_path)

    return write


def test_a_grid_tries_each_value_with_each_other_one(write):
    sweep = write("# What\n# if?\ngrid:\n  train: {a: [0.5, 2.0e-05], b: [x, [1, 2]]}\n")()
    assert (sweep.name, sweep.about) == ("mine", "What if?")
    assert sweep.settings == {
        "0.5-x": {"train.a": 0.5, "train.b": "x"},
        "0.5-1-2": {"train.a": 0.5, "train.b": [1, 2]},
        "2e-05-x": {"train.a": 2e-05, "train.b": "x"},
        "2e-05-1-2": {"train.a": 2e-05, "train.b": [1, 2]},
    }


def test_settings_are_params_that_belong_together(write):
    sweep = write("settings:\n  two.a: {train: {a: {b: 1}}, kind: {network: mlp}}\n")()
    assert sweep.settings == {"two.a": {"train.a.b": 1, "kind.network": "mlp"}}


def test_seeds_stand_beside_grid_or_settings(write):
    assert write("grid: {train: {a: [1]}}\nseeds: [3, 1]\n")().seeds == (3, 1)
    assert write("grid: {train: {a: [1]}}\n")().seeds == ()


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, unique=True))
def test_seeds_of_the_command_line_are_as_in_the_file(seeds):
    assert definitions.read_seeds(",".join(map(str, seeds))) == tuple(seeds)


@pytest.mark.parametrize("text", ["", "1,,2", "1,1", "one", "-1", "4294967296", "1.5"])
def test_seeds_that_are_none_are_told(text):
    assert f"--seeds is {text!r}: valid are" in message_of(definitions.read_seeds, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}\n", "holds nothing"),
        ("grid: {a: [1]}\nsettings: {}\n", "holds grid, settings"),
        ("train: {a: [1]}\n", "should hold grid or settings, but holds train"),
        ("grid: [1]\n", "`grid` should hold a mapping"),
        ("settings: {}\n", "`settings` should hold a mapping"),
        ("grid: {train: {a: 1}}\n", "train.a should hold a list of values to try, not 1"),
        ("grid: {train: {a: []}}\n", "train.a should hold a list"),
        ("grid: {a: [1, 1]}\n", "two settings have the name '1', or it is empty"),
        ("grid: {a: ['/']}\n", "two settings have the name '', or it is empty"),
        ("settings: {a b: {c: 1}}\n", "'a b' cannot name an experiment"),
        ("settings: {a..b: {c: 1}}\n", "cannot name an experiment"),
        ("settings: {1: {c: 1}}\n", "1 cannot name an experiment"),
        ("settings: {a: 3}\n", "a should hold a mapping"),
        ("grid: {a: [1]}\nseeds: 3\n", "seeds should be different whole numbers from 0"),
        ("grid: {a: [1]}\nseeds: []\n", "not []"),
        ("grid: {a: [1]}\nseeds: [1, 1]\n", "not [1, 1]"),
        ("grid: {a: [1]}\nseeds: [true]\n", "not [True]"),
        ("grid: {train: {seed: [1]}}\nseeds: [1]\n", "a setting has train.seed itself"),
        ("seeds: [1]\n", "should hold grid or settings, but holds nothing"),
    ],
)
def test_what_is_no_sweep_ends_in_one_line(write, text, told):
    message = message_of(write(text))
    assert told in message
    assert "mine.yaml" in message


def test_a_misspelt_name_is_told_with_the_right_one():
    text = message_of(definitions.load, "learning_rat", FOLDER)
    assert "did you mean learning_rate?" in text


@pytest.mark.parametrize("name", recipes.names(FOLDER))
def test_what_is_shipped_has_a_question_and_names_params_that_there_are(name):
    sweep = definitions.load(name, FOLDER)
    assert "?" in sweep.about
    assert len(sweep.settings) > 1
    content = yaml.safe_load(SHIPPED.read_text())
    for changes in sweep.settings.values():
        for key in changes:
            section = content["mnist"]
            for part in key.split("."):
                section = section[part]


def test_the_lectures_own_value_is_among_those_of_each_shipped_one():
    """So that a table of docs/experiments.md has the baseline's row."""
    mnist = lecture_params()["mnist"]
    for name in recipes.names(FOLDER):
        found = []
        for changes in definitions.load(name, FOLDER).settings.values():
            same = []
            for key, value in changes.items():
                section = mnist
                for part in key.split("."):
                    section = section[part]
                same.append(section == value)
            found.append(all(same))
        assert found.count(True) == 1, name
