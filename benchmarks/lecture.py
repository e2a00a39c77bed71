"""The params of most measurements: those of params.yaml, with the recipe `lecture`."""

from pathlib import Path
from typing import Any

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.yaml_files import read_mapping
from stages.tools.recipe import recipes

_RECIPES = Path(__file__).parents[1] / recipes.FOLDER


def content(dataset: str) -> dict[str, Any]:
    """The content of this folder's params.yaml, with the recipe's changes for one data set."""
    recipe = recipes.load(recipes.LECTURE, _RECIPES)
    return recipe.of(dataset).applied(read_mapping(paths.PARAMS))


def settings(dataset: str) -> params.Dataset:
    """The same as a typed model."""
    changed = content(dataset)
    common = {"language": changed["language"], "kind": changed["datasets"][dataset]}
    return params.Dataset.model_validate({**common, **changed[dataset]})
