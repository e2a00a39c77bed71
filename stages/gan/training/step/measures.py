"""What is watched of a training run while it runs, beside the means that each step returns.

Both gradients' lengths every few steps, and how much the images of a fixed block of latent codes
differ from each other. What it all means is the matter of `diagnosis`.
"""

from dataclasses import dataclass

import mindspore as ms
import numpy as np
from mindspore import nn
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from stages.gan.common.tensors import as_tensor
from stages.gan.data.prepared import Split
from stages.gan.trained.sampling import evaluation_mode
from stages.gan.training.step import GRADIENTS, MEANS

# Steps between two looks, seldom enough for less than 2 % of a step together and often enough
# for several looks within the 100 steps in which a failure is to be told. Images that are nearly
# alike are looked at as often as gradients.
GRADIENTS_EVERY = 10
DIVERSITY_EVERY = 50

# Half of one of 256 levels, in the images' [-1, 1]: images nearer to each other than that on
# average are one image to the eye and in an 8-bit file.
ALIKE = 1 / 255

# One row a step of a watched run; NaN where nothing was measured.
MEASURES = (*MEANS, *GRADIENTS, "diversity")

_REAL_IMAGES = 100


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
    """What the generated images are compared with: how much real ones differ, and their range."""

    diversity: float
    least: float
    most: float

    @property
    def within_reach(self) -> bool:
        """Whether a generator that ends in tanh could draw them."""
        return self.least >= -1.0 and self.most <= 1.0


def look_at_real(data: Split) -> RealImages:
    """Look at up to 100 real images, evenly spread over the data."""
    indices = np.unique(np.linspace(0, len(data) - 1, _REAL_IMAGES).astype(np.int64))
    images = data.batch(indices)
    return RealImages(mean_pairwise_distance(images), float(images.min()), float(images.max()))


def gradients_are_due(step: int) -> bool:
    """Whether the gradients' lengths are measured in that step, counted from 1."""
    return step % GRADIENTS_EVERY == 0


class DiversityMeter:
    """Measures how much a generator's images of fixed codes differ, seldom, or often if little.

    In evaluation mode: in training mode batch norm would spread the images of a block apart.
    Compiled, as it takes half the time then: 4 ms instead of 9 for the MLP GAN.

    Parameters
    ----------
    generator : nn.Cell
    codes : (N, latent_size)

    `last` is what it measured last, infinite at first; a run that goes on has to be given it.
    """

    def __init__(self, generator: nn.Cell, codes: NDArray[np.float32]) -> None:
        self._generator = generator
        self._codes = as_tensor(np.ascontiguousarray(codes, np.float32))
        self.last = np.inf

        def draw(z):
            return generator(z)

        self._draw = ms.jit(draw)

    def look(self, step: int) -> float:
        """Their mean pairwise distance, or NaN in a step in which it is not looked at."""
        every = GRADIENTS_EVERY if self.last < 10 * ALIKE else DIVERSITY_EVERY
        if step % every:
            return float("nan")
        with evaluation_mode(self._generator):
            self.last = mean_pairwise_distance(self._draw(self._codes).asnumpy())
        return self.last
