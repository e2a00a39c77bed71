"""What was measured, as docs/equilibrium.json, docs/equilibrium.png, and a table."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.game.runs import RUNS, slug
from stages.gan.common.files import whole_file, write_json
from stages.gan.pages.charts.plain_matplotlib import plain
from stages.gan.pages.charts.png import encoded

GAPS = {
    "discriminator_gain": "D's gain",
    "duality_gap": "duality gap",
    "perturbed_gap": "perturbed gap",
    "proximal_gap": "proximal gap",
}
_TURNS = ("share of rotation", "leading eigenvalue", "the one that turns most", "D's moves apart")


def measured(output: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The runs that were measured, in the order of RUNS."""
    for name in RUNS:
        file = output / f"{slug(name)}.json"
        if file.exists():
            yield name, json.loads(file.read_text(encoding="utf-8"))


def table(found: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row for each run."""
    lines = [
        "| run | verdict | " + " | ".join([*GAPS.values(), *_TURNS]) + " |",
        "|" + "---|" * (len(GAPS) + len(_TURNS) + 2),
    ]
    for name, each in found.items():
        cells = [name, each["verdict"]]
        for key in GAPS:
            score = each["gaps"][key]
            cells.append(f"{score['value']:.2f} ± {score['error']:.2f}")
        turned = each["rotation"]
        cells.append(f"{turned['value']:.2f} ± {turned['error']:.2f}")
        turns_most = max(each["eigenvalues"], key=lambda pair: abs(pair[1]) / np.hypot(*pair))
        for real, imaginary in (each["eigenvalues"][0], turns_most):
            cells.append(f"{real:.3g} ± {abs(imaginary):.2g}i" if imaginary else f"{real:.3g}")
        cells.append(", ".join(f"{each:.2f}" for each in each["way"].get("discriminator", [])))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(found: dict[str, dict[str, Any]], file: Path) -> None:
    """Bars of each gap, a row for each run."""
    with plain():
        from matplotlib.figure import Figure
    figure = Figure(figsize=(9.0, 0.5 + 0.42 * len(found)), dpi=100, layout="constrained")
    names = list(found)
    for index, (key, title) in enumerate(GAPS.items()):
        axes = figure.add_subplot(1, len(GAPS), index + 1)
        scores = [found[name]["gaps"][key] for name in names]
        axes.barh(
            names,
            [score["value"] for score in scores],
            xerr=[2 * score["error"] for score in scores],
            color=f"C{index}",
            height=0.6,
        )
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.set_xscale("symlog", linthresh=1.0)
        axes.axvline(0.0, color="0.4", linewidth=0.8)
        axes.tick_params(labelsize=8, labelleft=index == 0)
    with whole_file(file) as scratch:
        scratch.write_bytes(encoded(figure))


def write(output: Path, docs: Path) -> None:
    """Write equilibrium.json and equilibrium.png, and print the table."""
    found = dict(measured(output))
    write_json(docs / "equilibrium.json", found)
    picture(found, docs / "equilibrium.png")
    print(table(found))
