"""A run as the page shows it, and how the params of runs differ."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.gan.common.language import _, marked
from stages.gan.common.yaml_files import as_yaml
from stages.gan.measures.headline import Finding

# Params that change only the reports of a run, not its result.
OF_NO_EFFECT = ("train.on_failure", "train.lecture_log", "report.title", "language")
# In place of the verdict of a run that failed before it had one.
NO_VERDICT = marked("failed")


@dataclass(frozen=True)
class Run:
    """One run and its results.

    Parameters
    ----------
    name : str
    params : dotted names, without the data set, to values
    verdict : str
    train : the content of train.json; empty if the run failed
    figures : name of a measure to its value
    history : column to one value per epoch
    levels : "discriminator" and "generator" to their losses at equilibrium, if they have one
    picture : PNG of generated images; None if it is not on this machine
    note : str
        The text in place of the picture; for a failed run, the reason.
    judge : str
        The hash of the judge that gave the scores, or "".
    found : Finding or None
        What the scores say against the run.
    code : str
        The code that made the run, from its dvc.lock; "" if unknown.
    made_on : str
        The machine that made it, or "".
    """

    name: str
    params: Mapping[str, Any]
    verdict: str
    train: Mapping[str, Any]
    figures: Mapping[str, "Figure"]
    history: Mapping[str, Sequence[float]]
    levels: Mapping[str, float]
    picture: bytes | None
    note: str
    judge: str
    found: Finding | None = None
    code: str = ""
    made_on: str = ""


@dataclass(frozen=True)
class Figure:
    """A measured value and its reference: the value at equilibrium, or of real images."""

    value: float | None
    error: float | None
    reference: float | None
    reference_error: float | None
    sentence: str


def differing(contents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names whose values differ between the contents, in the order of appearance.

    Examples
    --------
    >>> differing([{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 2, "c": 4}])
    ['b', 'c']
    """
    names = list(dict.fromkeys(itertools.chain(*contents)))
    return [name for name in names if len({shown(each, name) for each in contents}) > 1]


def matters(name: str) -> bool:
    """Whether a param can change the result."""
    return not name.endswith(OF_NO_EFFECT)


def shown(params: Mapping[str, Any], name: str) -> str:
    """The value of a param as it is written in params.yaml."""
    return as_yaml(params[name]) if name in params else _("(none)")
