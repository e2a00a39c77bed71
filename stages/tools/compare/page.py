"""The page that compares runs of one data set: params, verdicts, scores and pictures."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.gan import pages
from stages.gan.common.language import _
from stages.gan.common.yaml_files import as_yaml
from stages.gan.measures import headline
from stages.gan.measures.headline import Finding
from stages.gan.pages.charts import png
from stages.gan.training.watch import verdicts

# Params that change only the reports of a run, not its result.
OF_NO_EFFECT = ("train.on_failure", "train.lecture_log", "report.title")
FAILED = (
    verdicts.SATURATED, verdicts.WON, verdicts.COLLAPSED, verdicts.RANGE, verdicts.DIVERGED,
)  # fmt: skip
_LOSSES = {"discriminator": "D", "generator": "G"}


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
    made_on: str = ""


@dataclass(frozen=True)
class Figure:
    """A measured value and its reference: the value at equilibrium, or of real images."""

    value: float | None
    error: float | None
    reference: float | None
    reference_error: float | None
    sentence: str


def page_of(title: str, dataset: str, runs: Sequence[Run], commands: Mapping[str, str]) -> str:
    """The page, as HTML that needs no other file, in the language now spoken.

    Parameters
    ----------
    title : str
    dataset : str
    runs : sequence of Run, at least one, with different names
    commands : name of a run to the command that brings it into the workspace, if any
    """
    changed = [name for name in differing([run.params for run in runs]) if _matters(name)]
    judges = {run.judge for run in runs if run.judge}
    return pages.render(
        {
            "title": title,
            "dataset": dataset,
            "runs": [_column(run, changed, commands) for run in runs],
            "changed": changed,
            "rows": rows(runs),
            "curves": _curves(runs),
            "judges": sorted(judges),
            "machines": sorted({run.made_on for run in runs if run.made_on}),
            "bundled": [run.name for run in runs if run.train.get("bundled_data")],
            "pairs": _pairs(runs),
        },
        "side_by_side.html",
    )


def title_of(dataset: str) -> str:
    """The title of a page that answers no question of a sweep."""
    return _("{dataset}: runs side by side").format(dataset=dataset)


def note_of(command: str) -> str:
    """What stands in the place of a picture that the command would fetch."""
    return _("The picture is not on this machine: {command}").format(command=command)


def differing(contents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names whose values differ between the contents, in the order of appearance.

    Examples
    --------
    >>> differing([{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 2, "c": 4}])
    ['b', 'c']
    """
    names = list(dict.fromkeys(itertools.chain(*contents)))
    return [name for name in names if len({_shown(each, name) for each in contents}) > 1]


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The rows of the table of measures: one cell per run, and the reference if all share one."""
    table = []
    for name in dict.fromkeys(itertools.chain(*(run.figures for run in runs))):
        figures = [run.figures.get(name) for run in runs]
        known = [figure for figure in figures if figure]
        references = {_number(figure.reference, figure.reference_error) for figure in known}
        is_common = len(references) == 1
        cells = []
        for figure in figures:
            if figure is None:
                cells.append("")
                continue
            text = _number(figure.value, figure.error)
            reference = _number(figure.reference, figure.reference_error)
            cells.append(
                text
                if is_common or not reference
                else _("{value} (of {reference})").format(value=text, reference=reference)
            )
        table.append(
            {
                "name": name,
                "cells": cells,
                "reference": references.pop() if is_common else _("see cells"),
                "sentence": known[0].sentence,
            }
        )
    return table


def _matters(name: str) -> bool:
    return not name.endswith(OF_NO_EFFECT)


def _shown(params: Mapping[str, Any], name: str) -> str:
    return as_yaml(params[name]) if name in params else _("(none)")


def _number(value: float | None, error: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if error is None else f"{value:.4g} ± {error:.1g}"


def _column(run: Run, changed: Sequence[str], commands: Mapping[str, str]) -> dict[str, Any]:
    diversity = ""
    if run.train.get("diversity") is not None and run.train.get("real_diversity"):
        diversity = f"{run.train['diversity'] / run.train['real_diversity']:.2f}"
    return {
        "name": run.name,
        "changes": {name: _shown(run.params, name) for name in changed},
        "verdict": headline.name(run.verdict, run.found),
        "failed": run.verdict in FAILED or not run.train or bool(run.found and run.found.serious),
        "steps": run.train.get("steps"),
        "epochs": run.train.get("epochs"),
        "diversity": diversity,
        "picture": pages.embedded(run.picture, "png") if run.picture else "",
        "note": run.note,
        "made_on": run.made_on,
        "command": commands.get(run.name, ""),
    }


def _curves(runs: Sequence[Run]) -> dict[str, Any]:
    """The losses of all runs by epoch: one drawing for D, one for G."""
    drawn = {}
    finished = [run for run in runs if run.history]
    for key, letter in _LOSSES.items():
        if finished:
            picture = png.overlay(
                {run.name: (run.history["epoch"], run.history[f"{key}_loss"]) for run in finished},
                {run.name: run.levels.get(key) for run in finished},
                "epoch",
                f"{letter}'s loss",
            )
            drawn[letter] = pages.embedded(picture, "png")
    return drawn


def _pairs(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The params that differ, for each pair of runs."""
    return [
        {
            "left": left,
            "right": right,
            "names": (runs[left].name, runs[right].name),
            "params": [
                (name, _shown(runs[left].params, name), _shown(runs[right].params, name))
                for name in differing([runs[left].params, runs[right].params])
            ],
        }
        for left, right in itertools.combinations(range(len(runs)), 2)
    ]
