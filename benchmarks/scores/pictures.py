"""Samples of runs, side by side."""

from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.scores.runs import Run
from stages.gan.common import paths

_SIDE = 300  # of a grid, about


def picture(shown: list[Run], file: Path) -> None:
    """Real images and those of runs, side by side under their names."""
    grids = [("real", shown[0].folder / paths.evaluation_pictures(shown[0].dataset) / "real.png")]
    for run in shown:
        folder = run.folder / paths.evaluation_pictures(run.dataset)
        grids.append((f"{run.recipe}, {run.spoken_length}", folder / "generated.png"))
    images = [Image.open(path).convert("RGB") for _, path in grids]
    side = max(image.width for image in images)
    side *= max(1, round(_SIDE / side))  # by a whole number, so that pixels stay squares
    whole = Image.new("RGB", ((side + 8) * len(images) - 8, side + 24), "white")
    draw = ImageDraw.Draw(whole)
    for index, ((name, _), image) in enumerate(zip(grids, images, strict=True)):
        draw.text((index * (side + 8), 4), name, fill="black", font_size=14)
        scaled = image.resize((side, side), Image.Resampling.NEAREST)
        whole.paste(scaled, (index * (side + 8), 24))
    whole.save(file)
