"""What runs were scored with, as a table."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scores.runs import Run
from stages.gan.common import paths
from stages.gan.evaluation import scoring
from stages.gan.measures import table as measures

# Others say the same or nearly so. results.json has their scores, too.
_LEFT_OUT = ("class_coverage", "near_copies", "equilibrium_distance", "accuracy", "p_value")
# The columns: a measure's key and what stands at its head.
COLUMNS = {each.key: each.head for each in measures.ALWAYS if each.key not in _LEFT_OUT}
_PARTS = ("value", "error", "floor", "floor_error")


def scores_of(run: Run) -> dict[str, Any]:
    """What `evaluate` scored, flat: each a value and a floor, with the errors of both."""
    folder = run.folder / paths.metrics(run.dataset)
    metrics = json.loads((folder / paths.SCORES).read_text())
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
    lines = []
    for dataset, judge in sorted(tables):
        rows = tables[dataset, judge]
        lines += [f"Judge {judge[:8]}:", ""]
        lines += [f"| {dataset} | seeds | {' | '.join(COLUMNS.values())} |"]
        lines += ["|" + "---|" * (len(COLUMNS) + 2)]
        some = next(iter(rows.values()))[0]
        floors = " | ".join(_cell([some], key, "floor") for key in COLUMNS)
        lines += [f"| real images | | {floors} |"]
        for name, seeds in sorted(rows.items()):
            cells = [_cell(seeds, key, "value") for key in COLUMNS]
            lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(seeds: Sequence[Mapping[str, Any]], key: str, part: str) -> str:
    """Mean and, of several seeds, spread of a measure's value or floor.

    It is "-" where there were too few images to score, or where the run is older than the measure.
    """
    values = [scores[key][part] for scores in seeds if key in scores]
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    spread = f" ± {statistics.stdev(known):.2g}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4g}{spread}"
