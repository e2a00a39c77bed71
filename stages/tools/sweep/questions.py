"""Sweeps: questions to be answered by several runs, each with a few params of its own.

A sweep is a file of `sweeps/`. Its params are named as in params.yaml below a data set, so that it
can be asked of each. It holds either a grid, in which each value is tried with each other one,

    grid:
      train: {learning_rate: [0.0002, 0.002], beta1: [0.5, 0.9]}

or settings by name, each of params that belong together:

    settings:
      narrow: {train: {generator: {widths: [16]}, discriminator: {widths: [16]}}}
      wide: {train: {generator: {widths: [64]}, discriminator: {widths: [64]}}}

The comment at its top says what is asked.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import as_yaml, flat, read_mapping
from stages.gan.params.explanations import nearest
from stages.tools.recipe.recipes import about

FOLDER = Path("sweeps")
_KINDS = ("grid", "settings")


@dataclass(frozen=True)
class Sweep:
    """A sweep: by name, settings of dotted names below a data set to values."""

    name: str
    about: str
    settings: Mapping[str, Mapping[str, Any]]


def names(folder: Path = FOLDER) -> list[str]:
    """Names of all sweeps."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def load(name: str, folder: Path = FOLDER) -> Sweep:
    """Read a sweep.

    Raises
    ------
    UserError
        If there is none of that name, or its file is not as it should be.
    """
    if name not in names(folder):
        raise UserError(f"no sweep {name!r}{nearest(name, names(folder))}")
    file = folder / f"{name}.yaml"
    content = read_mapping(file)
    if len(content) != 1 or not set(content) <= set(_KINDS):
        found = ", ".join(map(str, content)) or "nothing"
        raise UserError(f"{file} should hold {' or '.join(_KINDS)}, and holds {found}")
    ((kind, entries),) = content.items()
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(f"{file}: `{kind}` should hold a mapping of names")
    settings = _grid(file, entries) if kind == "grid" else _settings(file, entries)
    return Sweep(name, about(file), settings)


def place(dataset: str, name: str) -> str:
    """Where a setting's param stands in params.yaml.

    Examples
    --------
    >>> place("mnist", "train.beta1"), place("mnist", "kind.network")
    ('mnist.train.beta1', 'datasets.mnist.network')
    """
    if name.startswith("kind."):
        return f"datasets.{dataset}.{name.removeprefix('kind.')}"
    return f"{dataset}.{name}"


def _grid(file: Path, entries: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    axes = flat(entries)
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{file}: {name} should hold a list of values to try, not {values!r}")
    found: dict[str, dict[str, Any]] = {}
    for values in itertools.product(*axes.values()):
        label = "-".join(_label(value) for value in values)
        if not label or label in found:
            raise UserError(f"{file}: {label} is there twice, or names nothing")
        found[label] = dict(zip(axes, values, strict=True))
    return found


def _settings(file: Path, entries: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    for name, changes in entries.items():
        if _label(name) != name:
            raise UserError(
                f"{file}: {name!r} cannot name an experiment: valid are letters, digits, and "
                "_ . - within"
            )
        if not isinstance(changes, Mapping) or not changes:
            raise UserError(f"{file}: {name} should hold a mapping of params to values")
    return {name: flat(changes) for name, changes in entries.items()}


def _label(value: Any) -> str:
    """A value as part of a name that git takes."""
    text = f"{value:.15g}" if isinstance(value, float) else as_yaml(value)
    return re.sub(r"\.{2,}|[^A-Za-z0-9_.-]+", "-", text).strip("-.")
