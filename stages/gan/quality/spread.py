"""Standard errors from the parts that the images are cut into.

The bootstrap draws some images twice. A copy is its own nearest neighbour, and doubles its
weight in a covariance, so that bootstrapped k-NN measures and Frechet distances are of other
samples than those measured (Abadie & Imbens 2008 show it of matching). Both ways here are
without copies. In both, part i of the real images goes with part i of the generated ones: their
order is random, so pairs of parts are as independent as images are.

- jackknife: the measure without each part in turn. All replicates are of nine tenths of the
  images, so that it does not matter that a measure changes with their number. For sums over
  images or pairs. Between equal distributions Frechet and kernel distance are not linear in the
  samples even for many of them, and the error comes out too large, 1.4 to 1.6 times the true one.
- subsets: the measure on each part alone. For nearest neighbours, which the jackknife gets wrong
  by more (it gave 0.9 to 2.6 times the true spread in the simulations where subsets gave 0.6
  to 1.6), as taking points away moves many balls a little. It assumes that the spread falls
  with the root of the number of images.
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


def jackknife(value: float, replicates: Sequence[float]) -> Estimate:
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
    >>> round(jackknife(1.0, [0.9, 1.1]).error, 9)
    0.1
    """
    found = np.asarray(replicates, np.float64) - replicates[0]  # exactly 0 if all are equal
    spread = float(np.sum((found - found.mean()) ** 2))
    return Estimate(float(value), math.sqrt((len(found) - 1) / len(found) * spread))


def subsets(value: float, alone: Sequence[float]) -> Estimate:
    """A value and the error that the same on each part alone tells: their spread / sqrt(P).

    As uncertain as the jackknife's, and only as right as its assumption: see above.

    Parameters
    ----------
    value : of all images
    alone : (P,) of part i only

    Examples
    --------
    >>> round(subsets(1.0, [0.9, 1.1]).error, 9)
    0.1
    """
    return Estimate(float(value), float(np.std(alone, ddof=1)) / math.sqrt(len(alone)))
