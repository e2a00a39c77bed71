"""What runs were scored with, as a table."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scores.runs import Run
from stages.gan.common import paths
from stages.gan.evaluation import scoring

# The columns. results.json has what else was scored, too.
MEASURES = {
    "frechet_distance": "Frechet",
    "kernel_distance": "kernel",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "class_divergence": "classes' KL",
    "memorisation": "memorisation",
}
_PARTS = ("value", "error", "floor", "floor_error")
CRITIC = {"bce": "critic's BCE", "jsd_lower_bound": "JSD at least"}


def scores_of(run: Run) -> dict[str, Any]:
    """What `evaluate` scored, flat: each a value and a floor, with the errors of both."""
    folder = run.folder / paths.metrics(run.dataset)
    metrics = json.loads((folder / "evaluate.json").read_text())
    found = {
        key: {part: metrics[section][key][part] for part in _PARTS}
        for section, keys in (("quality", scoring.QUALITY), ("critic", scoring.CRITIC))
        for key in keys
    }
    return {
        "samples": metrics["samples"],
        "judge": metrics["judge"],
        "scores": found,
        "own_bce": metrics["bce"]["discriminator"]["value"],
    }


def table(results: Mapping[str, Any]) -> str:
    """Markdown: for each judge the floors, then a row a recipe: mean and spread over seeds.

    Parameters
    ----------
    results : mapping
        A run's name to what `scores_of` found.
    """
    tables: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for name, found in results.items():
        run = Run.named(Path(), name)
        rows = tables.setdefault((run.dataset, found["judge"]["sha256"]), {})
        rows.setdefault(f"{run.recipe}, {run.spoken_length}", []).append(found["scores"])
    names = MEASURES | CRITIC
    lines = []
    for dataset, judge in sorted(tables):
        rows = tables[dataset, judge]
        lines += [f"Judge {judge[:8]}:", ""]
        lines += [f"| {dataset} | seeds | {' | '.join(names.values())} |"]
        lines += ["|" + "---|" * (len(names) + 2)]
        some = next(iter(rows.values()))[0]
        floors = " | ".join(_cell([some[key]["floor"]]) for key in names)
        lines += [f"| real images | | {floors} |"]
        for name, seeds in sorted(rows.items()):
            cells = [_cell([scores[key]["value"] for scores in seeds]) for key in names]
            lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(values: list[float | None]) -> str:
    """Their mean and, of several, their spread; "-" where there were too few images to score."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    spread = f" ± {statistics.stdev(known):.2g}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4g}{spread}"
