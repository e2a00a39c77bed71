"""Tables of the runs of a sweep: what the tasks about sweeps are answered and checked with.

A table is a CSV among the answers, so it goes into the bundle: one row a run, with its setting, its
seed, what was found, and its scores. It is made from the experiments of this project.
"""

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _
from stages.gan.common.yaml_files import NO_YAML, as_yaml, read_mapping
from stages.gan.measures import headline
from stages.gan.measures import table as measures
from stages.tools.course import parts
from stages.tools.dvc import revisions
from stages.tools.dvc.revisions import Revision
from stages.tools.sweep import definitions, plan

# Not among the params that tell settings apart: a setting is repeated with several seeds.
_SEED = "train.seed"
_RECORDED = "recorded"
Row = dict[str, Any]


def path_of(part: int, name: str) -> Path:
    """Where the table of a sweep stands, among the answers to a part."""
    return parts.ANSWERS / f"{part}-{name}.csv"


def options(name: str, base: Mapping[str, Any], dataset: str = "mnist") -> dict[str, Any]:
    """The params to set for all runs of a sweep: those of `base` that it does not vary itself.

    Parameters
    ----------
    name : str
        The sweep: the name of a file in sweeps/.
    base : mapping
        Dotted names of params.yaml to values.
    dataset : str
    """
    settings = definitions.load(name).settings.values()
    varied = {definitions.place(dataset, key) for setting in settings for key in setting}
    return {key: value for key, value in base.items() if key not in varied}


def command(name: str, common: Mapping[str, Any], seeds: str = "") -> str:
    """The command that runs a sweep with these params.

    Examples
    --------
    >>> command("loss", {"mnist.train.max_steps": 9}, "1,2")
    'python -m stages sweep loss --seeds 1,2 -S mnist.train.max_steps=9'
    """
    parts = ["python", "-m", "stages", "sweep", name, *(["--seeds", seeds] if seeds else [])]
    for key, value in common.items():
        parts += ["-S", f"{key}={as_yaml(value)}"]
    return shlex.join(parts)


def table(part: int, name: str, common: Mapping[str, Any], dataset: str = "mnist") -> list[Row]:
    """Find the finished runs of a sweep, write their table, and return its rows.

    Parameters
    ----------
    part : int
        The part of the course.
    name : str
        The sweep: the name of a file in sweeps/.
    common : mapping
        Dotted names of params.yaml to the values that were set for all runs (-S).
    dataset : str

    Raises
    ------
    UserError
        If there is no such sweep, or a setting has no finished run.
    """
    rows = []
    experiments = [run for each in _experiments() if (run := _read(each, dataset))]
    sweep = definitions.load(name)
    content = read_mapping(paths.PARAMS)
    for label, setting in sweep.settings.items():
        planned = plan.plan(replace(sweep, settings={label: setting}), dataset, content, common)
        wanted = _without_seed(planned[0].outcome)
        by_seed = {
            run["params"][_SEED]: run
            for run in experiments
            if _without_seed(run["params"]) == wanted
        }
        # The sweep does not train again what the workspace has.
        if any(plan.is_in_workspace(each, dataset) for each in planned):
            here = _read(Revision(revisions.WORKSPACE, None), dataset)
            by_seed |= {here["params"][_SEED]: here} if here else {}
        if not by_seed:
            raise UserError(
                _("sweep {sweep} has no finished run of {setting}: run the sweep first").format(
                    sweep=name, setting=label
                )
            )
        about = ", ".join(f"{key}={as_yaml(value)}" for key, value in setting.items())
        rows += [_row(label, about, by_seed[seed]) for seed in sorted(by_seed)]
    return write(path_of(part, name), rows)


def recorded(part: int, name: str) -> list[Row]:
    """Take the runs that come with the course, made by its authors, as the table of a sweep.

    Raises
    ------
    UserError
        If the course has no such table.
    """
    file = parts.find(part).folder / _RECORDED / f"{name}.csv"
    if not file.is_file():
        raise UserError(
            _("part {number} has no recorded runs of {sweep}: {file} is not there").format(
                number=part, sweep=name, file=file
            )
        )
    return write(path_of(part, name), parse(file.read_text(encoding="utf-8")))


def write(path: Path, rows: Sequence[Row]) -> list[Row]:
    """Write a table, and return its rows as `parse` reads them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with whole_file(path) as scratch:
        scratch.write_text(text.getvalue(), encoding="utf-8", newline="\n")
    return parse(text.getvalue())


def parse(text: str) -> list[Row]:
    """The rows of a table; numbers are numbers.

    Raises
    ------
    ValueError
        If it is no table of runs.

    Examples
    --------
    >>> parse("setting,seed,verdict,quality.recall\\nfast,1,diverged,0.5\\n")
    [{'setting': 'fast', 'seed': 1, 'verdict': 'diverged', 'quality.recall': 0.5}]
    """
    rows: list[Row] = []
    for line in csv.DictReader(io.StringIO(text)):
        if None in line or None in line.values() or not {"setting", "seed"} <= set(line):
            raise ValueError(_("it is no table of runs"))
        row: Row = dict(line)
        for key, value in line.items():
            if key == "seed":
                row[key] = int(value)
            elif "." in key:
                row[key] = float(value) if value else None
        rows.append(row)
    if not rows:
        raise ValueError(_("it has no run"))
    return rows


def values(rows: Sequence[Row], setting: str, measure: str) -> dict[int, float]:
    """The values of a measure for a setting, by the seed; runs without that score are left out."""
    return {
        row["seed"]: row[measure]
        for row in rows
        if row["setting"] == setting and row.get(measure) is not None
    }


def show(rows: Sequence[Row], *columns: str) -> None:
    """Print some columns of a table; of a score, the digits that matter."""
    heads = [column.rpartition(".")[2] for column in columns]
    cells = [[_text(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)))


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)


def _experiments() -> list[Revision]:
    """The finished experiments that began from the last commit, with the code that is here."""
    head = revisions.head()
    return [
        Revision(each.name, each.commit, True)
        for each in revisions.experiments()
        if each.baseline == head and revisions.is_same_code(each.commit)
    ]


def _read(revision: Revision, dataset: str) -> dict[str, Any] | None:
    """Name, params and results of a run; None if it was not trained and evaluated."""
    metrics = paths.metrics(dataset)
    read = [
        revision.content(path)
        for path in (paths.PARAMS, metrics / "train.json", metrics / paths.SCORES)
    ]
    if None in read:
        return None
    params, train, scores = (content or b"" for content in read)
    try:
        return {
            "name": revision.name,
            "params": plan.outcome(yaml.safe_load(params), dataset),
            "train": json.loads(train),
            "scores": json.loads(scores),
        }
    except (UserError, *NO_YAML):
        return None


def _without_seed(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != _SEED}


def _row(label: str, about: str, run: Mapping[str, Any]) -> Row:
    found = headline.finding(run["scores"])
    scored = {
        f"{measure.section}.{measure.key}": score["value"]
        for measure, score in measures.scored(run["scores"])
    }
    return {
        "setting": label,
        "seed": run["params"][_SEED],
        "changes": about,
        "experiment": run["name"],
        "verdict": run["train"]["verdict"],
        "finding": found.name if found else "",
        **{f"{each.section}.{each.key}": scored.get(f"{each.section}.{each.key}")
           for each in measures.ALWAYS},
    }  # fmt: skip
