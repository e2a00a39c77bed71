import pytest
import yaml

from stages.gan import params
from stages.tools.recipe import recipes
from tests.helpers.data import SHIPPED, message_of, shipped

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
        ("mnist",),
        "Two lines about it.",
        {"mnist.train.ema": 0.9, "mnist.train.generator.widths": [2]},
    )


def test_the_kind_of_network_belongs_to_it(write):
    recipe = write("datasets:\n  mnist: {network: dcgan}\nmnist:\n  train: {ema: 0.9}\n")()
    assert (recipe.datasets, recipe.about) == (("mnist",), "")
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


def test_a_recipe_may_have_several_data_sets(write):
    recipe = write("a: {train: {ema: 0.5}}\ndatasets: {b: {network: mlp}}\nb: {train: {r1: 1}}\n")()
    assert recipe.datasets == ("a", "b")
    assert recipe.of("a").changes == {"a.train.ema": 0.5}
    assert recipe.of("b").changes == {"datasets.b.network": "mlp", "b.train.r1": 1}
    assert recipe.of("c").changes == {}


def test_a_recipe_without_a_data_set_is_refused(write, tmp_path):
    told = f"{tmp_path}/mine.yaml should change the params of a data set, but changes none"
    assert message_of(write("{}")) == told
    assert message_of(write("datasets: {}")) == told


def test_an_unknown_name_is_told_the_nearest(write, tmp_path):
    write("mnist: {train: {ema: 1}}\n")
    assert "mine" in message_of(recipes.load, "nine", tmp_path)


@pytest.fixture
def loaded(tmp_path):
    """The typed params of a content of params.yaml."""

    def loaded(content, dataset):
        file = tmp_path / "params.yaml"
        file.write_text(yaml.safe_dump(content))
        return params.load(file, dataset)

    return loaded


@pytest.mark.parametrize("name", recipes.names(SHIPPED_RECIPES))
def test_shipped_recipes_are_valid_and_change_only_the_training(name, loaded):
    recipe = recipes.load(name, SHIPPED_RECIPES)
    assert recipe.about
    changed = recipe.applied(shipped())
    for dataset in recipe.datasets:
        assert loaded(changed, dataset) != params.load(SHIPPED, dataset)
        # Only how it is trained: data and judge are the same, so that scores can be compared.
        allowed = (f"datasets.{dataset}.network", f"{dataset}.train.")
        assert all(key.startswith(allowed) for key in recipe.of(dataset).changes)


@pytest.mark.parametrize("name", recipes.names(SHIPPED_RECIPES))
def test_a_shipped_recipe_gives_the_same_whether_the_shipped_params_or_the_lectures_are_changed(
    name, loaded
):
    """So its scores stay its own when the shipped params change; only its length may be theirs."""
    recipe = recipes.load(name, SHIPPED_RECIPES)
    lecture = recipes.load(recipes.LECTURE, SHIPPED_RECIPES).applied(shipped())
    for dataset in recipe.datasets:
        trained = [
            loaded(recipe.applied(content), dataset).train.model_copy(
                update={"max_steps": None, "checkpoint_every": 1}
            )
            for content in (shipped(), lecture)
        ]
        assert trained[0] == trained[1]


def test_there_are_shipped_ones_for_each_data_set():
    loaded = (recipes.load(name, SHIPPED_RECIPES) for name in recipes.names(SHIPPED_RECIPES))
    assert {name for recipe in loaded for name in recipe.datasets} == {"mnist", "faces"}
