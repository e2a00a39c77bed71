import pytest
import yaml

from stages.gan import params
from stages.tools.recipe import recipes
from tests.helpers.data import SHIPPED, message_of

SHIPPED_RECIPES = SHIPPED.parent / "recipes"


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine"):
        (tmp_path / f"{name}.yaml").write_text(text)
        return lambda: recipes.load(name, tmp_path)

    return write


def test_a_recipe_is_what_its_file_says(write):
    load = write("# Two lines\n# about it.\nmnist: {train: {ema: 0.9, generator: {widths: [2]}}}\n")
    assert load() == recipes.Recipe(
        "mine",
        "mnist",
        "Two lines about it.",
        {"mnist.train.ema": 0.9, "mnist.train.generator.widths": [2]},
    )


def test_the_kind_of_network_belongs_to_it(write):
    recipe = write("datasets:\n  mnist: {network: dcgan}\nmnist:\n  train: {ema: 0.9}\n")()
    assert (recipe.dataset, recipe.about) == ("mnist", "")
    assert recipe.changes == {"datasets.mnist.network": "dcgan", "mnist.train.ema": 0.9}


def test_changes_are_applied_to_a_copy(write):
    content = {"datasets": {"a": {"network": "mlp"}}, "a": {"train": {"ema": 0.0, "r1": 0.0}}}
    changed = write("a:\n  train: {ema: 0.9}\n")().applied(content)
    assert changed["a"]["train"] == {"ema": 0.9, "r1": 0.0}
    assert content["a"]["train"] == {"ema": 0.0, "r1": 0.0}


@pytest.mark.parametrize("text", ["a:\n  train: {emma: 1}\n", "a:\n  drain: {ema: 1}\n"])
def test_a_param_that_there_is_not_is_named(write, text):
    recipe = write(text)()
    text = message_of(recipe.applied, {"datasets": {}, "a": {"train": {"ema": 0.0}}})
    (name,) = recipe.changes
    assert text == f"recipe mine: params.yaml has no {name}"


@pytest.mark.parametrize(
    "text", ["datasets: 3\na: {}\n", "datasets: [{a: 1}]\na: {}\n", "datasets: null\na: {}\n"]
)
def test_what_is_no_mapping_is_refused(write, tmp_path, text):
    text = message_of(write(text))
    assert text == (f"{tmp_path}/mine.yaml: `datasets` should hold a mapping of names to changes")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a: {train: {ema: {x: 1}}}\n", "params.yaml has no a.train.ema.x"),
        ("a: {train: 3}\n", "a.train is a section of params, so it cannot be 3"),
        ("a: {train: null}\n", "a.train is a section of params, so it cannot be None"),
    ],
)
def test_a_value_in_a_sections_place_is_refused_and_the_other_way_round(write, text, end):
    recipe = write(text)()
    text = message_of(recipe.applied, {"datasets": {}, "a": {"train": {"ema": 0.0}}})
    assert text == f"recipe mine: {end}"


def test_one_data_set_a_recipe(write, tmp_path):
    load = write("mnist: {train: {ema: 1}}\nfaces: {train: {ema: 1}}\n")
    assert message_of(load) == f"{tmp_path}/mine.yaml should change one data set, but changes 2"
    assert message_of(write("{}")) == (
        f"{tmp_path}/mine.yaml should change one data set, but changes 0"
    )


def test_an_unknown_name_is_told_the_nearest(write, tmp_path):
    write("mnist: {train: {ema: 1}}\n")
    assert "mine" in message_of(recipes.load, "nine", tmp_path)


@pytest.mark.parametrize("name", recipes.names(SHIPPED_RECIPES))
def test_shipped_recipes_are_valid_and_change_what_they_name(name, tmp_path):
    recipe = recipes.load(name, SHIPPED_RECIPES)
    assert recipe.about
    content = yaml.safe_load(SHIPPED.read_text())
    changed = recipe.applied(content)
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(changed))
    params.load(file, recipe.dataset)
    for key in recipe.changes:
        before, after = content, changed
        for part in key.split("."):
            before, after = before[part], after[part]
        assert before != after, key
    # Only how it is trained: data and judge are the same, so that scores can be compared.
    allowed = (f"datasets.{recipe.dataset}.network", f"{recipe.dataset}.train.")
    assert all(key.startswith(allowed) for key in recipe.changes)


def test_there_are_shipped_ones():
    assert {recipes.load(name, SHIPPED_RECIPES).dataset for name in recipes.names(SHIPPED_RECIPES)}
