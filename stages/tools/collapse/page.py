"""The page of the lecture's failing run and the repaired runs, side by side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan import pages
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import read_csv, read_json
from stages.gan.common.language import _, marked, translated
from stages.gan.pages import epochs, evidence
from stages.gan.training.watch import sentences

# The three runs.
FAILING = marked("the failing settings")
ON_LOGITS = marked("the same, on logits")
RECOMMENDED = marked("as recommended")
# Width and height of a curve in a column, in inches.
_SIZE = (4.4, 3.2)


@dataclass(frozen=True)
class Run:
    """One run: its name, its changed params, and its results."""

    name: str
    changes: dict[str, Any]
    verdict: dict[str, Any]
    train: dict[str, Any]
    rows: list[dict[str, float]]
    levels: dict[str, float]
    grid: Path


def read(folder: Path, dataset: str, name: str, changes: dict[str, Any]) -> Run:
    """Read the results of the train stage from a project's folder.

    Raises
    ------
    UserError
        If a file is missing or damaged.
    """
    metrics = folder / paths.metrics(dataset)
    pictures = folder / paths.training_pictures(dataset)
    verdict = read_json(pictures / "verdict.json")
    for key in ("name", "meaning", "seen", "levels", "earlier"):
        if key not in verdict:
            raise UserError(
                _("{file} is damaged: it has no {key}").format(
                    file=pictures / "verdict.json", key=key
                )
            )
    *_earlier, last = epochs.files(pictures).values()
    return Run(
        name,
        changes,
        verdict,
        read_json(metrics / "train.json"),
        read_csv(metrics / "history_steps.csv"),
        verdict["levels"],
        last,
    )


def page_of(title: str, runs: list[Run]) -> str:
    """The page, as HTML that needs no other file, in the language now spoken."""
    columns = []
    for run in runs:
        earlier = run.verdict["earlier"]
        marks = {"reported": float(earlier[0]["step"])} if earlier else {}
        drawn = evidence.pictures(
            run.rows, run.levels, run.train["real_diversity"], marks, size=_SIZE
        )
        columns.append(
            {
                "name": translated(run.name),
                "changes": run.changes,
                "verdict": {**run.verdict, **sentences.verdict(run.verdict)},
                "grid": pages.embedded_file(run.grid),
                "evidence": {name: pages.embedded(curve, "png") for name, curve in drawn.items()},
            }
        )
    content = {"title": title, "runs": columns, "names": evidence.titles()}
    return pages.render(content, "comparison.html")
