"""Draws the grids of the stage evaluate."""

from pathlib import Path

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.data.prepared import Split
from stages.gan.evaluation.neighbours import nearest
from stages.gan.params import Evaluate
from stages.gan.trained.grids import COUNT, grid
from stages.gan.trained.sampling import generate, interpolate

INTERPOLATIONS = 5


def draw(
    folder: Path,
    generator: nn.Cell,
    codes: NDArray[np.float32],
    generated: NDArray[np.float32],
    known: Split,
    held_out: Split,
    settings: Evaluate,
) -> None:
    """Draw generated images, real images, interpolations, and nearest training images.

    Parameters
    ----------
    folder : Path
        It must exist.
    generator : nn.Cell
    codes : (N, latent_size)
    generated : (M, C, H, W)
        The images of the first codes, at least COUNT and `settings.nearest`.
    known, held_out : Split
        The training images, and images that the generator was not trained on.
    settings : Evaluate
    """
    grid(generated[:COUNT]).save(folder / "generated.png")
    grid(held_out.images[:COUNT]).save(folder / "real.png")
    steps, count = settings.interpolation_steps, len(codes)
    ways = [
        interpolate(codes[2 * i % count], codes[(2 * i + 1) % count], steps)
        for i in range(INTERPOLATIONS)
    ]
    between = generate(generator, np.concatenate(ways))
    grid(between, columns=steps).save(folder / "interpolation.png")
    shown = generated[: settings.nearest]
    indices, _ = nearest(shown, known.images)
    pairs = np.concatenate([shown, known.batch(indices)])
    grid(pairs, columns=len(shown)).save(folder / "nearest.png")
