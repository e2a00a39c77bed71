"""Draws and scores a generator with averages of several lengths, on the same latent codes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from stages.gan import networks
from stages.gan.common import paths
from stages.gan.common.files import sha256, write_json
from stages.gan.common.language import _
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation import scoring
from stages.gan.evaluation.judge import storage
from stages.gan.params import Evaluate
from stages.gan.trained import grids
from stages.gan.trained.averaging.snapshots import Combined
from stages.gan.trained.checkpoints import Checkpoint
from stages.gan.trained.sampling import generate

COLUMNS = 10
# Pixels beside the pictures, for the length of each row.
MARGIN = 40


def write(
    folder: Path,
    dataset: str,
    settings: Evaluate,
    checkpoint: Checkpoint,
    averages: Sequence[Combined],
    announce: Callable[[str], None],
) -> None:
    """Write sweep.png and scores.json.

    The first row of both is the generator of the checkpoint's last step, without an average.

    Parameters
    ----------
    folder : Path
        It must exist.
    dataset : str
    settings : Evaluate
        Codes and counts are those of the stage evaluate. So the scores of the judge are comparable
        with its own; those of the critic are left out, because it takes long to train.
    checkpoint : Checkpoint
    averages : sequence of Combined, at least one
    announce : callable
        Takes a line about each length.

    Raises
    ------
    UserError
        If data or judge are missing or do not fit the networks.
    """
    known, held_out = (prepared.load(paths.prepared(dataset), name) for name in prepared.SPLITS)
    checkpoint.check_images(held_out.images.shape[1:])
    generator, discriminator = networks.build(checkpoint.description)
    checkpoint.restore_networks(generator, discriminator)
    count = min(settings.samples, len(held_out))
    size = checkpoint.description.latent_size
    codes = latent_codes(stream(settings.seed, "evaluation latents"), count, size)
    judge = paths.judge(dataset)
    drawn: list[NDArray[np.float32]] = []
    rows: list[dict[str, Any]] = []
    for average in (None, *averages):
        if average is not None:
            average.put_into(generator)
        drawn.append(generate(generator, codes[:COLUMNS]))
        images = generate(generator, codes, kept_as=prepared.to_levels)
        quality = scoring.quality(known, held_out, judge, images, settings)
        rows.append(
            {
                "length": average.length if average else None,
                "profile_error": average.error if average else None,
                "quality": quality,
            }
        )
        announce(f"{dataset}: {_about(average)}: {_line(quality)}")
    write_json(
        folder / "scores.json",
        {
            "step": checkpoint.step,
            "samples": count,
            "judge": sha256(judge / storage.STATE),
            "averages": rows,
        },
    )
    picture = _labelled(
        grids.grid(np.concatenate(drawn), columns=len(drawn[0])),
        ["none", *(f"{average.length:g}" for average in averages)],
    )
    picture.save(folder / "sweep.png")


def _about(average: Combined | None) -> str:
    if average is None:
        return _("the last step, without an average")
    return _("length {length:g}, combined with an error of {error:.1%}").format(
        length=average.length, error=average.error
    )


def _line(found: dict[str, Any]) -> str:
    shown = ("frechet_distance", "kernel_distance", "precision", "recall", "coverage")
    return ", ".join(f"{name} {_number(found[name]['value'])}" for name in shown)


def _number(value: float | None) -> str:
    return _("not known") if value is None else f"{value:.4g}"


def _labelled(picture: Image.Image, labels: Sequence[str]) -> Image.Image:
    """The picture with a label to the left of each of its rows."""
    canvas = Image.new("RGB", (picture.width + MARGIN, picture.height), "white")
    canvas.paste(picture, (MARGIN, 0))
    draw = ImageDraw.Draw(canvas)
    height = picture.height / len(labels)
    for index, label in enumerate(labels):
        draw.text((4, (index + 0.5) * height), label, "black", anchor="lm")
    return canvas
