"""Reads sweeps: questions that several runs answer, each with a few changed params.

A sweep is a file in `sweeps/`. It names params as in params.yaml, but without the data set, so that
it works for every data set. It holds either a grid, which tries all combinations of values,

    grid:
      train: {learning_rate: [0.0002, 0.002], beta1: [0.5, 0.9]}

or named settings, each with params that belong together:

    settings:
      narrow: {train: {generator: {widths: [16]}, discriminator: {widths: [16]}}}
      wide: {train: {generator: {widths: [64]}, discriminator: {widths: [64]}}}

The comment at the top of the file is the question.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked
from stages.gan.common.yaml_files import as_yaml, flat, read_mapping
from stages.tools.recipe.recipes import about, find

FOLDER = Path("sweeps")
_KINDS = ("grid", "settings")


@dataclass(frozen=True)
class Sweep:
    """A sweep: name of a setting to its params, dotted names without the data set to values."""

    name: str
    about: str
    settings: Mapping[str, Mapping[str, Any]]


def load(name: str, folder: Path = FOLDER) -> Sweep:
    """Read a sweep.

    Raises
    ------
    UserError
        If there is no sweep of that name, or its file is not valid.
    """
    file = find(marked("sweep"), name, folder)
    content = read_mapping(file)
    if len(content) != 1 or not set(content) <= set(_KINDS):
        found = ", ".join(map(str, content)) or _("nothing")
        raise UserError(
            _("{file} should hold {kinds}, but holds {found}").format(
                file=file, kinds=" or ".join(_KINDS), found=found
            )
        )
    ((kind, entries),) = content.items()
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(
            _("{file}: `{kind}` should hold a mapping of names").format(file=file, kind=kind)
        )
    settings = _grid(file, entries) if kind == "grid" else _settings(file, entries)
    return Sweep(name, about(file), settings)


def place(dataset: str, name: str) -> str:
    """The dotted name of a setting's param in params.yaml.

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
            raise UserError(
                _("{file}: {name} should hold a list of values to try, not {values!r}").format(
                    file=file, name=name, values=values
                )
            )
    found: dict[str, dict[str, Any]] = {}
    for values in itertools.product(*axes.values()):
        label = "-".join(_label(value) for value in values)
        if not label or label in found:
            raise UserError(
                _("{file}: two settings have the name {label!r}, or it is empty").format(
                    file=file, label=label
                )
            )
        found[label] = dict(zip(axes, values, strict=True))
    return found


def _settings(file: Path, entries: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    for name, changes in entries.items():
        if _label(name) != name:
            raise UserError(
                _(
                    "{file}: {name!r} cannot name an experiment: valid are letters, "
                    "digits, and _ . - within"
                ).format(file=file, name=name)
            )
        if not isinstance(changes, Mapping) or not changes:
            raise UserError(
                _("{file}: {name} should hold a mapping of params to values").format(
                    file=file, name=name
                )
            )
    return {name: flat(changes) for name, changes in entries.items()}


def _label(value: Any) -> str:
    """A value as part of a name that git accepts."""
    text = f"{value:.15g}" if isinstance(value, float) else as_yaml(value)
    return re.sub(r"\.{2,}|[^A-Za-z0-9_.-]+", "-", text).strip("-.")
