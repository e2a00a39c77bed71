"""Changes to every image that the discriminator sees, real and generated, drawn at random.

Differentiable augmentation for small data sets (Zhao et al. 2020, section 3.3): the discriminator
can hardly learn the training images by heart, as they come changed each time, and the generator
does not learn the changes, as its images go through them, too. The losses that a step returns are
those on changed images; `evaluate` measures on unchanged ones. The penalties r1 and WGAN-GP are
taken at changed images. A generated image is changed alike for the discriminator's update and for
the generator's. What is drawn for an image is drawn in NumPy and given to the compiled step as
arrays, one of each kind an image:

    color          brightness, saturation and contrast, (N, 3): added, and two factors
    translation    up to an eighth of the side (rounded) each way, what comes in is 0: (N, side,
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
    """Draw what happens to so many images.

    Parameters
    ----------
    generator : numpy.random.Generator
    policies : collection of str
        Of POLICIES.
    count : int
    image_shape : (channels, height, width)

    Returns
    -------
    dict of float32 arrays
        What `augment` takes by these names.
    """
    _, height, width = image_shape
    drawn = {}
    # One kind's numbers do not depend on which other kinds there are.
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
    """Matrices (N, side, side) whose entry [n, i, j] is 1 where place i shows what j held."""
    most = int(side * _SHIFT + 0.5)
    shifts = generator.integers(-most, most, count, endpoint=True)
    places = np.arange(side)
    return (places[:, None] - places == shifts[:, None, None]).astype(np.float32)


def _cut(generator: np.random.Generator, count: int, side: int) -> NDArray[np.bool_]:
    """Which places (N, side) along one side are cut out; at the border it may be fewer."""
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
    """Images (N, C, H, W), changed as drawn; for use in a compiled step, and differentiable.

    Colours may leave [-1, 1], as in the paper. Of one channel saturation changes nothing.
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
    """By products with matrices of 0 and 1, whose sums are exact in any order."""
    count, channels, height, width = images.shape
    product = ops.BatchMatMul(transpose_b=True)
    moved = product(ops.reshape(images, (count, channels * height, width)), columns)
    moved = ops.transpose(ops.reshape(moved, (count, channels, height, width)), (0, 1, 3, 2))
    moved = product(ops.reshape(moved, (count, channels * width, height)), rows)
    return ops.transpose(ops.reshape(moved, (count, channels, width, height)), (0, 1, 3, 2))
