"""Standard errors by leaving out one part of the samples after the other.

The bootstrap draws some images twice. A copy is its own nearest neighbour, and doubles its
weight in a covariance, so that bootstrapped k-NN measures and Frechet distances are of other
samples than those measured (Abadie & Imbens 2008 show it of matching). Small disjoint subsets
have no copies, but these measures change with the number of images. Leaving out one part of
ten at a time has neither fault: all replicates are of nine tenths of the images, so that what
the number does to them cancels.

Real and generated images are left out together, part i of one with part i of the other: their
order is random, so pairs of parts are as independent as images are.

Where the two distributions are equal, the Frechet and kernel distances are not linear in the
samples even for many of them, and their errors come out too large, by up to about a half; the
test of each measure says what was seen.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from stages.gan.quality.scores import Estimate


def parts(count: int, number: int) -> list[slice]:
    """Cut `count` rows into `number` parts, as equal as can be.

    Raises
    ------
    ValueError
        If a part would be left empty, or there are fewer than 2.

    Examples
    --------
    >>> parts(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    if not 2 <= number <= count:
        raise ValueError(f"{count} rows cannot be cut into {number} parts, valid is 2 to {count}")
    bounds = [index * count // number for index in range(number + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(bounds)]


def estimate(value: float, replicates: Sequence[float]) -> Estimate:
    """A value and the error that its replicates tell: sqrt((P - 1) / P * sum (v_i - mean)^2).

    The grouped jackknife (Shao & Tu 1995, The Jackknife and Bootstrap, equation 2.48 and
    section 5.1). With P parts the error is itself uncertain by about 1 / sqrt(2 (P - 1)), a
    quarter with 10.

    Parameters
    ----------
    value : of all images
    replicates : (P,) of all images but those of part i

    Examples
    --------
    >>> round(estimate(1.0, [0.9, 1.1]).error, 9)
    0.1
    """
    found = np.asarray(replicates, np.float64)
    spread = float(np.sum((found - found.mean()) ** 2))
    return Estimate(float(value), math.sqrt((len(found) - 1) / len(found) * spread))
