"""What runs were scored with, as a table."""

import json
import statistics
from typing import Any

from benchmarks.scores.runs import Run
from stages.gan import paths

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
CRITIC = {"bce": "critic's BCE", "jsd_lower_bound": "JSD at least"}


def scores_of(run: Run) -> dict[str, Any]:
    """What `evaluate` measured, flat: each a value and a floor."""
    folder = run.folder / paths.metrics(run.dataset)
    metrics = json.loads((folder / "evaluate.json").read_text())
    found = {
        key: {part: metrics[section][key][part] for part in ("value", "error", "floor")}
        for section, keys in (("quality", MEASURES), ("critic", CRITIC))
        for key in keys
    }
    return {
        "samples": metrics["samples"],
        "judge": metrics["judge"],
        "scores": found,
        "own_bce": metrics["bce"]["discriminator"]["value"],
    }


def table(finished: list[Run]) -> str:
    """Markdown: for each data set the floors, then a row a recipe: mean and spread over seeds."""
    lines = []
    for dataset in sorted({run.dataset for run in finished}):
        rows: dict[str, list[dict[str, Any]]] = {}
        for run in finished:
            if run.dataset == dataset:
                found = scores_of(run)["scores"]
                rows.setdefault(f"{run.recipe}, {run.spoken_length}", []).append(found)
        names = MEASURES | CRITIC
        lines += [f"| {dataset} | seeds | {' | '.join(names.values())} |"]
        lines += ["|" + "---|" * (len(names) + 2)]
        some = next(iter(rows.values()))[0]
        floors = " | ".join(_cell([some[key]["floor"]]) for key in names)
        lines += [f"| real images | | {floors} |"]
        for name, seeds in rows.items():
            cells = []
            for key in names:
                cells.append(_cell([found[key]["value"] for found in seeds]))
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
