"""The params of most measurements: those of params.yaml, with the recipe `lecture`."""

from collections.abc import Mapping
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


def settings(
    dataset: str, changes: Mapping[str, Any] | None = None, network: str | None = None
) -> params.Dataset:
    """The same as a typed model.

    Parameters
    ----------
    dataset : str
    changes : mapping, optional
        Params below `<dataset>.train`, such as `discriminator.batch_norm`, to other values.
    network : str, optional
        Another kind of network.
    """
    named = {f"{dataset}.train.{place}": value for place, value in (changes or {}).items()}
    changed = recipes.applied(content(dataset), named, "benchmarks")
    kind = changed["datasets"][dataset]
    common = {
        "language": changed["language"],
        "kind": {**kind, "network": network} if network else kind,
    }
    return params.Dataset.model_validate({**common, **changed[dataset]})
