"""The page that compares runs of one data set: params, verdicts, scores and pictures."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from stages.gan import pages
from stages.gan.common.language import _
from stages.gan.measures import headline
from stages.gan.measures.table import Measure
from stages.gan.pages.charts import png
from stages.gan.training.watch import verdicts
from stages.tools.compare import ranking
from stages.tools.compare.groups import SEEDS, Group, grouped, spread, value_of
from stages.tools.compare.runs import Run, differing, matters, shown

FAILED = (
    verdicts.SATURATED, verdicts.WON, verdicts.COLLAPSED, verdicts.RANGE, verdicts.DIVERGED,
)  # fmt: skip
_LOSSES = {"discriminator": "D", "generator": "G"}


def page_of(
    title: str,
    dataset: str,
    runs: Sequence[Run],
    commands: Mapping[str, str],
    by: Measure | None = None,
) -> str:
    """The page, as HTML that needs no other file, in the language now spoken.

    Parameters
    ----------
    title : str
    dataset : str
    runs : sequence of Run, at least one, with different names
    commands : name of a run to the command that brings it into the workspace, if any
    by : Measure or None
        If a setting has several runs, settings are ordered by this measure; None is the default.
    """
    by = by or ranking.measure(ranking.DEFAULT)
    groups = grouped(runs)
    has_seeds = any(len(group.runs) > 1 for group in groups)
    if has_seeds:
        groups = ranking.in_order(groups, by)
        runs = [run for group in groups for run in group.runs]
    changed = [name for name in differing([run.params for run in runs]) if matters(name)]
    between = [name for name in changed if not has_seeds or name not in SEEDS]
    judges = {run.judge for run in runs if run.judge}
    return pages.render(
        {
            "title": title,
            "dataset": dataset,
            "runs": [_column(run, changed, commands) for run in runs],
            "changed": changed,
            "groups": [_setting(group, between) for group in groups],
            "between": between,
            "ranking": ranking.view(groups, by, between) if has_seeds else None,
            "rows": rows(groups),
            "curves": _curves(groups),
            "judges": sorted(judges),
            "machines": sorted({run.made_on for run in runs if run.made_on}),
            "bundled": [run.name for run in runs if run.train.get("bundled_data")],
            "pairs": _pairs(groups),
        },
        "side_by_side.html",
    )


def title_of(dataset: str) -> str:
    """The title of a page that answers no question of a sweep."""
    return _("{dataset}: runs side by side").format(dataset=dataset)


def note_of(command: str) -> str:
    """What stands in the place of a picture that the command would fetch."""
    return _("The picture is not on this machine: {command}").format(command=command)


def rows(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The rows of the table of measures: one cell per group, and the reference if all share one.

    The cell of several runs has their mean and standard deviation, and beside it each value.
    """
    runs = [run for group in groups for run in group.runs]
    table = []
    for name in dict.fromkeys(itertools.chain(*(run.figures for run in runs))):
        known = [figure for run in runs if (figure := run.figures.get(name))]
        references = {_number(figure.reference, figure.reference_error) for figure in known}
        is_common = len(references) == 1
        cells, each = [], []
        for group in groups:
            figure = group.first.figures.get(name)
            if len(group.runs) > 1:
                values = group.values(name)
                text = _number(statistics.fmean(values) if values else None, spread(values))
            else:
                text = _number(figure.value, figure.error) if figure else ""
            reference = _number(figure.reference, figure.reference_error) if figure else ""
            # With several runs the reference of the first one: their differences are small.
            has_own = bool(text and reference) and not is_common
            cells.append(
                _("{value} (of {reference})").format(value=text, reference=reference)
                if has_own
                else text
            )
            each.append(_each([value_of(run, name) for run in group.runs]))
        table.append(
            {
                "name": name,
                "cells": cells,
                "each": each,
                "reference": references.pop() if is_common else _("see cells"),
                "sentence": known[0].sentence,
            }
        )
    return table


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
        "changes": {name: shown(run.params, name) for name in changed},
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


def _setting(group: Group, between: Sequence[str]) -> dict[str, Any]:
    """A column of the tables: a group, or the only run of it."""
    runs = [_column(run, between, {}) for run in group.runs]
    names = [run["verdict"] for run in runs]
    lengths = list(dict.fromkeys((run["steps"], run["epochs"]) for run in runs if run["steps"]))
    ratios = [float(run["diversity"]) for run in runs if run["diversity"]]
    return {
        "name": group.name,
        "changes": runs[0]["changes"],
        "verdict": _(", ").join(
            name
            if len(names) == 1
            else _("{count} of {all} {verdict}").format(
                count=names.count(name), all=len(names), verdict=name
            )
            for name in dict.fromkeys(names)
        ),
        "failed": all(run["failed"] for run in runs),
        "lengths": lengths,
        "diversity": (
            f"{statistics.fmean(ratios):.2f} ± {deviation:.1g}"
            if (deviation := spread(ratios)) is not None
            else runs[0]["diversity"]
        ),
        "diversities": _each(ratios),
    }


def _each(values: Sequence[float | None]) -> str:
    """The values of several runs in a line; nothing for one run."""
    if len(values) < 2 or all(value is None for value in values):
        return ""
    return ", ".join(_("none") if value is None else f"{value:.4g}" for value in values)


def _curves(groups: Sequence[Group]) -> dict[str, Any]:
    """The losses of all runs by epoch: one drawing for D, one for G; a group has one colour."""
    drawn = {}
    finished = [run for group in groups for run in group.runs if run.history]
    settings = {run.name: group.name for group in groups for run in group.runs}
    for key, letter in _LOSSES.items():
        if finished:
            picture = png.overlay(
                {run.name: (run.history["epoch"], run.history[f"{key}_loss"]) for run in finished},
                {run.name: run.levels.get(key) for run in finished},
                "epoch",
                f"{letter}'s loss",
                settings,
            )
            drawn[letter] = pages.embedded(picture, "png")
    return drawn


def _pairs(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The params that differ, for each pair of groups; for groups of several, but for seeds."""
    is_single = all(len(group.runs) == 1 for group in groups)
    return [
        {
            "left": left,
            "right": right,
            "names": (groups[left].name, groups[right].name),
            "params": [
                (name, shown(one, name), shown(other, name))
                for name in differing([one, other])
                if is_single or name not in SEEDS
            ],
        }
        for left, right in itertools.combinations(range(len(groups)), 2)
        for one, other in [(groups[left].first.params, groups[right].first.params)]
    ]
