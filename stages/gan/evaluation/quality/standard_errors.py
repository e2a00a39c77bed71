"""Standard errors by two resampling methods: the jackknife and half samples.

The bootstrap is not used, because it draws some images twice. A copy is its own nearest neighbour
and counts twice in a covariance, so bootstrapped k-NN measures and Frechet distances differ from
the measured ones (Abadie & Imbens 2008 show it for matching). Both methods here cut the images
into parts, without copies. Part i of the real images goes with part i of the generated images.
Their order is random, so pairs of parts are as independent as images are.

- jackknife: the measure without each part in turn, for sums over images or pairs. All replicates
  have nine tenths of the images, so it does not matter if a measure depends on their number.
  Between equal distributions Frechet and kernel distance are not linear in the samples, even for
  many images, and the error is too large: 1.4 to 1.6 times the true error.
- half samples: the measure on both halves of the images, for 15 balanced ways to halve them. It is
  for nearest neighbours. There the jackknife is less exact (0.9 to 2.6 times the true spread in
  simulations), because removing a few points changes many balls a little. Parts smaller than
  halves do not work: with the same k their balls are so large that precision saturates at 1 (parts
  of a tenth gave 0.23 to 4 times the true spread with 300 images), and k cannot be cut to a tenth.
  The method assumes that the spread falls with the root of the number of images, from N / 2 to N.
  It is right within a factor of 1.7 from 200 images on (density: 300), see `manifolds`.

Both give 0 for a share of 0 or 1 among N images, which is not certain; `of_share` corrects that.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.linalg import hadamard

from stages.gan.evaluation.quality.scores import Estimate

# Which of 16 parts are in the first half, for each of 15 ways: (15, 16). Any two ways share half of
# their parts, so for a sum over images the 15 ways give as much information as all parts.
HALVES = hadamard(16)[1:] > 0


def parts(count: int, number: int) -> list[slice]:
    """Cut `count` rows into `number` parts of nearly equal size.

    Raises
    ------
    ValueError
        If a part would be empty, or there are fewer than 2 parts.

    Examples
    --------
    >>> parts(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    if count < 2:
        raise ValueError(f"{count} rows cannot be cut into parts, valid is 2 rows or more")
    if not 2 <= number <= count:
        raise ValueError(f"{count} rows cannot be cut into {number} parts, valid is 2 to {count}")
    bounds = [index * count // number for index in range(number + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(bounds)]


def jackknife(value: float, replicates: Sequence[float]) -> Estimate:
    """A value and its error from replicates: sqrt((P - 1) / P * sum (v_i - mean)^2).

    The grouped jackknife (Shao & Tu 1995, The Jackknife and Bootstrap, equation 2.48 and
    section 5.1). With P parts the error is itself uncertain by about 1 / sqrt(2 (P - 1)), a
    quarter with 10.

    Parameters
    ----------
    value : of all images
    replicates : (P,) of all images except those of part i

    Examples
    --------
    >>> round(jackknife(1.0, [0.9, 1.1]).error, 9)
    0.1
    """
    found = np.asarray(replicates, np.float64) - replicates[0]  # exactly 0 if all are equal
    spread = float(np.sum((found - found.mean()) ** 2))
    return Estimate(float(value), math.sqrt((len(found) - 1) / len(found) * spread))


def half_samples(value: float, pairs: Sequence[tuple[float, float]]) -> Estimate:
    """A value and its error from pairs of halves: sqrt(mean (a_i - b_i)^2) / 2.

    Balanced half samples (McCarthy 1969, Pseudo-replication: half samples). The differences are
    between both halves, so it does not matter if a measure depends on the number of images. With
    15 ways to halve, the error is uncertain by about 1 / sqrt(2 * 15), a fifth.

    Parameters
    ----------
    value : of all images
    pairs : (H, 2) of both halves of the images, for each way to halve them

    Examples
    --------
    >>> round(half_samples(1.0, [(0.9, 1.1)]).error, 9)
    0.1
    """
    apart = np.diff(np.asarray(pairs, np.float64), axis=1)
    return Estimate(float(value), math.sqrt(float(np.mean(apart**2))) / 2.0)


def of_share(value: float, count: int) -> float:
    """The standard error of a share among `count` independent images, above 0 even at 0 and 1.

    It is the binomial error after two successes and two failures were added (Agresti & Coull
    1998). At 0 and 1 it is about 1.4 / count: what was never seen may be as frequent as 1 / count.

    Examples
    --------
    >>> round(of_share(0.5, 96), 3), round(of_share(0.0, 96), 3)
    (0.05, 0.014)
    """
    share = (value * count + 2.0) / (count + 4.0)
    return math.sqrt(share * (1.0 - share) / (count + 4.0))


def at_least(error: float, found: Estimate) -> Estimate:
    """The estimate, with its error raised to at least `error`."""
    return found if found.error is None else Estimate(found.value, max(found.error, error))
