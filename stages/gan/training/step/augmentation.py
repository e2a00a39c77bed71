"""Differentiable augmentation: random changes to all images that the discriminator sees.

It helps with small data sets (Zhao et al. 2020, section 3.3). The discriminator can hardly learn
the training images by heart, because they are changed each time. The generator does not learn the
changes, because its images are changed too. A step's losses and the penalties R1 and WGAN-GP are
computed on changed images; `evaluate` measures unchanged ones. A generated image is changed in
the same way for both updates. The random numbers are drawn in NumPy, and the compiled step takes
them as arrays, for each image one entry of each kind:

    color          brightness (added), saturation and contrast (factors): (N, 3)
    translation    by up to an eighth of the side (rounded) each way, filled with 0: (N, side,
                   side) twice, a matrix of 0 and 1 that moves rows and one that moves columns
    cutout         a square of half the side (rounded), at any place, is 0: (N, 1, side, side)
"""

from collections.abc import Collection

import numpy as np
from mindspore import Tensor, ops
from numpy.typing import NDArray

POLICIES = ("color", "translation", "cutout")
_SHIFT = 1 / 8
_CUT = 1 / 2


def draw(
    generator: np.random.Generator,
    policies: Collection[str],
    count: int,
    image_shape: tuple[int, ...],
) -> dict[str, NDArray[np.float32]]:
    """Draw the changes to `count` images.

    Parameters
    ----------
    generator : numpy.random.Generator
    policies : collection of str
        Names from POLICIES.
    count : int
    image_shape : (channels, height, width)

    Returns
    -------
    dict of float32 arrays
        The arguments of `augment`, by name.
    """
    _, height, width = image_shape
    drawn = {}
    # The numbers of one kind do not depend on which other kinds are used.
    colours, moves, cuts = generator.spawn(len(POLICIES))
    if "color" in policies:
        low, high = (-0.5, 0.0, 0.5), (0.5, 2.0, 1.5)
        drawn["color"] = colours.uniform(low, high, (count, 3)).astype(np.float32)
    if "translation" in policies:
        drawn["rows"] = _moving(moves, count, height)
        drawn["columns"] = _moving(moves, count, width)
    if "cutout" in policies:
        keep = np.ones((count, 1, height, width), np.float32)
        tall, wide = _cut(cuts, count, height), _cut(cuts, count, width)
        keep[(tall[:, :, None] & wide[:, None, :])[:, None]] = 0
        drawn["keep"] = keep
    return drawn


def _moving(generator: np.random.Generator, count: int, side: int) -> NDArray[np.float32]:
    """Matrices (N, side, side) with 1 at [n, i, j] where position i takes the value of j."""
    most = int(side * _SHIFT + 0.5)
    shifts = generator.integers(-most, most, count, endpoint=True)
    places = np.arange(side)
    return (places[:, None] - places == shifts[:, None, None]).astype(np.float32)


def _cut(generator: np.random.Generator, count: int, side: int) -> NDArray[np.bool_]:
    """Which positions (N, side) along one side are cut out; at the border there may be fewer."""
    size = int(side * _CUT + 0.5)
    # The middle may be anywhere, the border included, as in the authors' code.
    first = generator.integers(0, side + (1 - size % 2), count) - size // 2
    places = np.arange(side)
    return (places >= first[:, None]) & (places < first[:, None] + size)


def augment(
    images: Tensor,
    color: Tensor | None = None,
    rows: Tensor | None = None,
    columns: Tensor | None = None,
    keep: Tensor | None = None,
) -> Tensor:
    """Images (N, C, H, W), changed as drawn; differentiable, for use in a compiled step.

    Colours may leave [-1, 1], as in the paper. With one channel, saturation changes nothing.
    """
    if color is not None:
        images = _coloured(images, color)
    if rows is not None:
        images = _moved(images, rows, columns)
    if keep is not None:
        images = images * keep
    return images


def _coloured(images, color):
    count = images.shape[0]
    brightness, saturation, contrast = (
        ops.reshape(color[:, index], (count, 1, 1, 1)) for index in range(3)
    )
    images = images + brightness
    grey = ops.mean(images, 1, True)
    images = (images - grey) * saturation + grey
    level = ops.mean(images, (1, 2, 3), True)
    return (images - level) * contrast + level


def _moved(images, rows, columns):
    """Moves images by products with matrices of 0 and 1, whose sums are exact in any order."""
    count, channels, height, width = images.shape
    product = ops.BatchMatMul(transpose_b=True)
    moved = product(ops.reshape(images, (count, channels * height, width)), columns)
    moved = ops.transpose(ops.reshape(moved, (count, channels, height, width)), (0, 1, 3, 2))
    moved = product(ops.reshape(moved, (count, channels * width, height)), rows)
    return ops.transpose(ops.reshape(moved, (count, channels, width, height)), (0, 1, 3, 2))
