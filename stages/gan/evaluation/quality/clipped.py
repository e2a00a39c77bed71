"""Clipped density and clipped coverage, from the counts that `manifolds` makes.

Salvy, Talbot & Thirion 2026, "Enhanced Generative Model Evaluation with Clipped Density and
Coverage" (arXiv 2507.01761). Here N real and M generated images, k neighbours, and for each real
image i the radius R_i: its distance to its k-th nearest real image.

- clipped density: a ball's radius is min(R_i, the median of all R). A generated image counts
  min(b / k, 1), with b the number of balls that it lies in. The mean over the generated images is
  divided by the same mean over the real images, each of which lies in the balls of other images
  only. At most 1. Density has neither limit: an outlier among the real images has a large ball,
  and an image in many balls makes up for a bad one. So density is above 1 for a generator that
  draws the most likely images too often.
- clipped coverage: a real image counts min(c / k, 1), with c the number of generated images in its
  ball, here of radius R_i. Their mean y is compared with f(m), the mean that is expected if m of
  the M images are drawn like real ones and the others lie far from all. The score is the m / M
  with f(m) = y, at most 1.

Both fall linearly with the share of bad images, from 1 to 0.

The formulas were read in the authors' code (github.com/nicolassalvy/ClippedDensityCoverage), not in
the text of the paper. A count includes the edge of a ball for density, and not for coverage, as
there. Two things differ. Between two whole m the score is interpolated, where the code rounds it up
and divides by M + 1. And f(m) is exact below k too, where the code has 0. For 1,000 images the two
scores differ by at most 0.001 (by 0.005 if nearly all images are bad).
"""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

NAMES = ("clipped_density", "clipped_coverage")


def median_radius(squares: NDArray[np.float32]) -> np.float32:
    """The square of the median of (N,) radii that are given as squares."""
    middle = len(squares) // 2
    if len(squares) % 2:
        return np.partition(squares, middle)[middle]
    two = np.partition(squares, (middle - 1, middle))[middle - 1 : middle + 1]
    if two[0] == two[1]:  # two images that are each other's nearest: both lie on the edge, exactly
        return two[0]
    return np.float32(np.mean(np.sqrt(two), dtype=np.float64) ** 2)


def clipped_mean(counts: NDArray[np.integer], neighbours: int) -> float:
    """The mean of min(count / k, 1).

    Examples
    --------
    >>> clipped_mean(np.array([0, 2, 4, 100]), 4)
    0.625
    """
    return float(np.minimum(counts, neighbours).mean()) / neighbours


def error_of_mean(counts: NDArray[np.integer], neighbours: int) -> float:
    """The standard error of `clipped_mean` over so many independent images."""
    return float(np.minimum(counts, neighbours).std()) / neighbours / len(counts) ** 0.5


@functools.lru_cache(maxsize=8)
def expected(real: int, generated: int, neighbours: int) -> NDArray[np.float64]:
    """f(m) for m from 0 to M = `generated`, (M + 1,), rising.

    The share of a distribution inside a ball around one of its N = `real` images, to the k-th
    neighbour, is distributed as Beta(k, N - k). So the number J of m images inside is
    beta-binomial, and f(m) = E min(J, k) / k = 1 - sum over j < k of (k - j) / k P(J = j).
    """
    m = np.arange(generated + 1.0)
    j = np.arange(neighbours)[:, None]
    with np.errstate(invalid="ignore"):
        choose = gammaln(m + 1) - gammaln(j + 1) - gammaln(np.maximum(m - j, 0) + 1)
        inside = betaln(neighbours + j, real - neighbours + np.maximum(m - j, 0))
        chance = np.exp(choose + inside - betaln(neighbours, real - neighbours))
    chance[m < j] = 0.0
    found = 1.0 - ((neighbours - j) / neighbours * chance).sum(axis=0)
    found.setflags(write=False)  # it is handed out again
    return found


def share_of_good(mean: float, real: int, generated: int, neighbours: int) -> float:
    """The m / M with f(m) = `mean`; above f(M) as if f went on straight, so above 1.

    Examples
    --------
    >>> values = expected(100, 50, 5)
    >>> round(share_of_good(values[25], 100, 50, 5), 12), share_of_good(0.0, 100, 50, 5)
    (0.5, 0.0)
    """
    values = expected(real, generated, neighbours)
    if mean <= values[-1]:
        return float(np.interp(mean, values, np.arange(generated + 1.0))) / generated
    return 1.0 + (mean - values[-1]) / (values[-1] - values[-2]) / generated


def slope(real: int, generated: int, neighbours: int, share: float) -> float:
    """How much faster than the mean `share_of_good` rises, at that share."""
    values = expected(real, generated, neighbours)
    place = min(max(round(share * generated), 1), generated)
    return float(1.0 / (values[place] - values[place - 1]) / generated)
