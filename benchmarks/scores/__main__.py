"""Scores of recipes, seed by seed, and of the same networks trained in PyTorch.

    python -m benchmarks.scores FOLDER run NAME [NAME ...] [--source DATASET=SOURCE ...]
    python -m benchmarks.scores FOLDER table
    python -m benchmarks.scores FOLDER picture FILE NAME [NAME ...]

A NAME is DATASET:RECIPE:LENGTH:SEED, such as mnist:lecture:50:1. RECIPE is a name of recipes/,
`lecture` for what params.yaml has, or `pytorch` for that in PyTorch (see twin). LENGTH is a number
of epochs, or of steps with an s behind it.

Each run has a folder of its own in FOLDER; all runs of a data set share its data and judge, which
are made once, from the sources of params.yaml or from the one given. What is there is not made
again, and a run that was ended is taken up. `table` also writes results.json beside this file.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.scores import runs
from stages.gan import paths

RESULTS = Path(__file__).with_name("results.json")
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


def scores_of(run: runs.Run) -> dict[str, Any]:
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


def table(finished: list[runs.Run]) -> str:
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
        floors = " | ".join(f"{some[key]['floor']:.4g}" for key in names)
        lines += [f"| real images | | {floors} |"]
        for name, seeds in rows.items():
            cells = []
            for key in names:
                values = [found[key]["value"] for found in seeds]
                cell = f"{statistics.mean(values):.4g}"
                if len(values) > 1:
                    cell += f" ± {statistics.stdev(values):.2g}"
                cells.append(cell)
            lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def picture(shown: list[runs.Run], file: Path) -> None:
    """Real images and those of runs, side by side under their names."""
    grids = [("real", shown[0].folder / paths.evaluation_pictures(shown[0].dataset) / "real.png")]
    for run in shown:
        folder = run.folder / paths.evaluation_pictures(run.dataset)
        grids.append((f"{run.recipe}, {run.spoken_length}", folder / "generated.png"))
    images = [Image.open(path).convert("RGB") for _, path in grids]
    side = max(image.width for image in images)
    whole = Image.new("RGB", ((side + 8) * len(images) - 8, side + 24), "white")
    draw = ImageDraw.Draw(whole)
    for index, ((name, _), image) in enumerate(zip(grids, images, strict=True)):
        draw.text((index * (side + 8), 4), name, fill="black", font_size=14)
        scaled = image.resize((side, side), Image.Resampling.NEAREST)
        whole.paste(scaled, (index * (side + 8), 24))
    whole.save(file)


def main() -> None:
    """Parse the arguments and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("action", choices=("run", "table", "picture"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--source", action="append", default=[], help="DATASET=SOURCE")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.action == "run":
        sources = dict(source.split("=", 1) for source in arguments.source)
        for name in arguments.names:
            runs.Run.named(folder, name).finish(sources)
        return
    if arguments.action == "picture":
        file, *names = arguments.names
        picture([runs.Run.named(folder, name) for name in names], Path(file))
        return
    finished = runs.finished(folder)
    print(table(finished))
    content = {run.name: scores_of(run) for run in finished}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
