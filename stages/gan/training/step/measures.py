"""Measures taken during training, beside the means that each step returns.

These are the lengths of both gradients, and the diversity: how much the images of fixed latent
codes differ from each other. The module `diagnosis` interprets them.
"""

from dataclasses import dataclass

import numpy as np
from mindspore import nn
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from stages.gan.common.compiled import jit
from stages.gan.common.tensors import as_tensor
from stages.gan.data.prepared import Split
from stages.gan.trained.sampling import evaluation_mode
from stages.gan.training.step import GRADIENTS, MEANS

# Steps between two measurements. Together they take less than 2 % of the time of training, and
# several fall within the 100 steps in which a failure must be reported. If images are nearly
# alike, their diversity is measured as often as the gradients.
GRADIENTS_EVERY = 10
DIVERSITY_EVERY = 50

# Half of one of 256 levels, in the images' [-1, 1]. Images that differ by less on average are one
# image to the eye and in an 8-bit file.
ALIKE = 1 / 255

# The columns of one row per step of a watched run; NaN where nothing was measured.
MEASURES = (*MEANS, *GRADIENTS, "diversity")

_REAL_IMAGES = 100
# Half of G's range [-1, 1], and what rounding adds.
_HALF = 1.0 + 1e-3
# In levels. float16 rounds a value near 1 by at most 0.00024, which is 0.03 levels.
_LEVEL_ERROR = 0.1


def mean_pairwise_distance(images: NDArray[np.floating]) -> float:
    """How much images differ: the mean over all pairs of their root mean square difference.

    Parameters
    ----------
    images : (N, channels, height, width) in [-1, 1], at least two

    Returns
    -------
    float
        0 (all alike) to 2; one of 256 levels is 0.0078.

    Examples
    --------
    >>> mean_pairwise_distance(np.array([[-1.0], [1.0], [1.0]]).reshape(3, 1, 1, 1))  # 2, 2, 0
    1.3333333333333333
    """
    rows = images.reshape(len(images), -1).astype(np.float64)
    return float(pdist(rows).mean() / np.sqrt(rows.shape[1]))


@dataclass(frozen=True)
class RealImages:
    """Reference values of the real images: how much they differ, and their range.

    `normalised` says that all values are 8-bit levels brought into [-1, 1], as preprocess does it.
    """

    diversity: float
    least: float
    most: float
    normalised: bool = True

    @property
    def within_reach(self) -> bool:
        """Whether a generator that ends in tanh can draw images of this range."""
        return self.least >= -1.0 and self.most <= 1.0

    @property
    def fills_half(self) -> bool:
        """Whether they fill half of G's range or less, and not because the images are pale.

        Images that are all bright or all dark, but were normalised, have values among the 256
        levels (2 x - 255) / 255. Of values x / 255 every second one lies half-way between two of
        these levels, and so does 0, which is then black.
        """
        return self.within_reach and self.most - self.least <= _HALF and not self.normalised


def look_at_real(data: Split) -> RealImages:
    """Measure up to 100 real images, evenly spread over the data."""
    indices = np.unique(np.linspace(0, len(data) - 1, _REAL_IMAGES).astype(np.int64))
    images = data.batch(indices)
    levels = (images + 1.0) * 127.5
    normalised = bool(np.abs(levels - np.rint(levels)).max() < _LEVEL_ERROR)
    least, most = float(images.min()), float(images.max())
    return RealImages(mean_pairwise_distance(images), least, most, normalised)


def gradients_are_due(step: int) -> bool:
    """Whether the gradients' lengths are measured in `step`, counted from 1."""
    return step % GRADIENTS_EVERY == 0


class DiversityMeter:
    """Measures how much a generator's images of fixed codes differ; more often if nearly alike.

    The generator draws in evaluation mode: in training mode batch norm would make the images
    differ more. Drawing is compiled: it takes 4 ms instead of 9 for the MLP GAN.

    Parameters
    ----------
    generator : nn.Cell
    codes : (N, latent_size)

    `last` is the last value, infinite at first; it must be restored when a run is resumed.
    """

    def __init__(self, generator: nn.Cell, codes: NDArray[np.float32]) -> None:
        self._generator = generator
        self._codes = as_tensor(np.ascontiguousarray(codes, np.float32))
        self.last = np.inf

        def draw(z):
            return generator(z)

        self._draw = jit(draw, generator)

    def look(self, step: int) -> float:
        """The images' mean pairwise distance, or NaN in a step without a measurement."""
        every = GRADIENTS_EVERY if self.last < 10 * ALIKE else DIVERSITY_EVERY
        if step % every:
            return float("nan")
        with evaluation_mode(self._generator):
            self.last = mean_pairwise_distance(self._draw(self._codes).asnumpy())
        return self.last
