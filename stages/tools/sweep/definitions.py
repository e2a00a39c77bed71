"""Reads sweeps: questions that several runs answer, each with a few changed params.

A sweep is a file in `sweeps/`. It names params as in params.yaml, but without the data set, so that
it works for every data set. It holds either a grid, which tries all combinations of values,

    grid:
      train: {learning_rate: [0.0002, 0.002], beta1: [0.5, 0.9]}

or named settings, each with params that belong together:

    settings:
      narrow: {train: {generator: {widths: [16]}, discriminator: {widths: [16]}}}
      wide: {train: {generator: {widths: [64]}, discriminator: {widths: [64]}}}

Either may come with seeds, `seeds: [1, 2, 3]`: each setting is then trained once with each seed, so
that a page can tell a difference of settings from chance.

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
# The param that `seeds` varies: weights, order of images, and fresh latent codes.
SEED = "train.seed"
_KINDS = ("grid", "settings")
_SEEDS = "seeds"
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Sweep:
    """A sweep: its question, its settings, and its seeds.

    Parameters
    ----------
    name : str
    about : str
        The question.
    settings : name of a setting to its params, dotted names without the data set to values
    seeds : tuple of int
        Each setting is trained once with each of them. If empty, once with the seed of params.yaml.
    """

    name: str
    about: str
    settings: Mapping[str, Mapping[str, Any]]
    seeds: tuple[int, ...] = ()


def load(name: str, folder: Path = FOLDER) -> Sweep:
    """Read a sweep.

    Raises
    ------
    UserError
        If there is no sweep of that name, or its file is not valid.
    """
    file = find(marked("sweep"), name, folder)
    content = dict(read_mapping(file))
    seeds = check_seeds(f"{file}: {_SEEDS}", content.pop(_SEEDS)) if _SEEDS in content else ()
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
    if seeds and any(SEED in setting for setting in settings.values()):
        raise UserError(
            _("{file}: a setting has {seed} itself, so leave out `{seeds}`").format(
                file=file, seed=SEED, seeds=_SEEDS
            )
        )
    return Sweep(name, about(file), settings, seeds)


def check_seeds(where: str, values: Any) -> tuple[int, ...]:
    """The seeds, if they are valid.

    Parameters
    ----------
    where : str
        Where the values come from; the error begins with it.

    Raises
    ------
    UserError
        If it is not a list of one or more different whole numbers from 0 to 2^32 - 1.
    """
    seeds = list(values) if isinstance(values, (list, tuple)) else []
    valid = [type(seed) is int and 0 <= seed <= _LARGEST_SEED for seed in seeds]
    if not seeds or not all(valid) or len(set(seeds)) < len(seeds):
        raise UserError(
            _(
                "{where} should be different whole numbers from 0 to {largest}, such as "
                "[1, 2, 3], not {values!r}"
            ).format(where=where, largest=_LARGEST_SEED, values=values)
        )
    return tuple(seeds)


def read_seeds(text: str) -> tuple[int, ...]:
    """The seeds of the command line, `1,2,3`.

    Raises
    ------
    UserError
        If they are not valid.

    Examples
    --------
    >>> read_seeds("1,2,3")
    (1, 2, 3)
    """
    try:
        return check_seeds("--seeds", [int(part) for part in text.split(",")])
    except (UserError, ValueError):
        raise UserError(
            _(
                "--seeds is {text!r}: valid are different whole numbers from 0 to {largest}, "
                "such as 1,2,3"
            ).format(text=text, largest=_LARGEST_SEED)
        ) from None


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
