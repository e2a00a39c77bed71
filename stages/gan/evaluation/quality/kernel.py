"""The kernel distance (KID): unbiased squared maximum mean discrepancy (Binkowski et al. 2018).

MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y), with k(x, y) = (x . y / F + 1)^3. The means
of k(x, x') and k(y, y') are over pairs of different images (equation 3 and section 4 there; Gretton
et al. 2012, equation 3). Unlike the Frechet distance, its expectation does not depend on the number
of images. Between equal distributions the expectation is 0, so a value may be below 0. It compares
only the first three moments.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.gan.evaluation.quality.blocks import each, rows_of
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.evaluation.quality.standard_errors import jackknife, parts

NAMES = ("kernel_distance",)


@dataclass(frozen=True)
class Set:
    """One set of features in P parts, and the sums of the kernel within it.

    Parameters
    ----------
    left, right : (N, F + 1)
        Their products are x . y / F + 1.
    slices : (P,)
    within : (P, P)
        Sums of k(x, x') over x in part i, x' in part j, x other than x'.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    slices: list[slice]
    within: NDArray[np.float64]


def prepare(features: NDArray[np.floating], number: int) -> Set:
    """Cut (N, F) features into `number` parts and sum the kernel within them."""
    plain = np.asarray(features, np.float64)
    ones = np.ones((len(plain), 1))
    left = np.hstack([plain / plain.shape[1], ones])
    right = np.hstack([plain, ones])
    slices = parts(len(plain), number)
    within = _sums(left, slices, right, slices, symmetric=True)
    own = np.einsum("ij,ij->i", left, right) ** 3
    within[np.diag_indices(number)] -= [own[part].sum() for part in slices]
    return Set(left, right, slices, within)


def compare(real: Set, generated: Set) -> dict[str, Estimate]:
    """The distance by its name."""
    return {"kernel_distance": distance(real, generated)}


def distance(real: Set, generated: Set) -> Estimate:
    """MMD^2 between two sets in the same number of parts; 0 is expected of equal distributions.

    All pairs are used, not subsets of 1,000 images as in the paper: the expectation is the same,
    the noise smaller. The error is the jackknife's. It uses the sums of pairs of parts, so its
    replicates take no time. In simulations it was 0.95 to 1.15 times the true spread between
    different distributions, and 1.4 to 1.6 times between equal ones.
    """
    across = _sums(real.left, real.slices, generated.right, generated.slices)
    number = len(real.slices)
    return jackknife(
        _discrepancy(real, generated, across, None),
        [_discrepancy(real, generated, across, part) for part in range(number)],
    )


def _discrepancy(real: Set, generated: Set, across: NDArray[np.float64], without: int | None):
    kept = [part for part in range(len(across)) if part != without]
    sizes = [
        sum(one.slices[part].stop - one.slices[part].start for part in kept)
        for one in (real, generated)
    ]
    pairs = np.ix_(kept, kept)
    same = [
        one.within[pairs].sum() / (size * (size - 1))
        for one, size in zip((real, generated), sizes, strict=True)
    ]
    return float(sum(same) - 2.0 * across[pairs].sum() / (sizes[0] * sizes[1]))


def _sums(
    left: NDArray[np.float64],
    left_parts: list[slice],
    right: NDArray[np.float64],
    right_parts: list[slice],
    symmetric: bool = False,
) -> NDArray[np.float64]:
    """Sums of the kernel over each pair of parts, (P, Q); only half are computed if symmetric."""
    tasks = [
        (i, j, rows)
        for i, part in enumerate(left_parts)
        for j in range(i if symmetric else 0, len(right_parts))
        for rows in rows_of(part)
    ]

    def total(task: tuple[int, int, slice]) -> float:
        _, j, rows = task
        products = (left[rows] @ right[right_parts[j]].T).ravel()
        return float(np.dot(products * products, products))

    sums = np.zeros((len(left_parts), len(right_parts)))
    for (i, j, _), found in zip(tasks, each(total, tasks), strict=True):
        sums[i, j] += found
    return np.triu(sums) + np.triu(sums, 1).T if symmetric else sums
