"""Distances of all pairs, computed in tiles on all cores; any number of cores gives equal bits.

A BLAS may sum in another order if its number of threads changes. So each tile is computed by one
thread, and the tiles are divided among as many threads as there are cores (NumPy releases
Python's lock meanwhile). The results come in the order of the tiles.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.runtime import one_blas_thread, usable_cores
from stages.gan.evaluation import beside

# Rows of a tile: fewer than 256, so that rows can be counted in 8 bits. With the 1,000 columns of
# a part a tile takes 2 MB, which fits into a core's own cache.
ROWS = 250
# A share of the squared length; the rounding of a float64 product is a hundredth of it.
_NOISE = 1e-13

Task = TypeVar("Task")
Result = TypeVar("Result")


def each(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """work(task) for each task, in the order of the tasks, with one BLAS thread per task.

    Raises
    ------
    beside.Ended
        If it is done beside other work, and that has failed.
    """
    with one_blas_thread(), ThreadPoolExecutor(usable_cores()) as pool:
        for result in pool.map(work, tasks):
            beside.check()
            yield result


def rows_of(part: slice) -> Iterator[slice]:
    """Cut a part into pieces of at most ROWS rows."""
    for start in range(part.start, part.stop, ROWS):
        yield slice(start, min(start + ROWS, part.stop))


def squared_lengths(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """|x|^2 of each of (N, F) features, (N,), in float64."""
    plain = np.asarray(features, np.float64)
    return np.einsum("ij,ij->i", plain, plain)


class Points:
    """Features with extra columns, so that products of all pairs are squared distances.

    |x - y|^2 = (x, |x|^2, 1) . (-2 y, 1, |y|^2). The product includes the norms, in float64,
    because differences of large numbers need it.

    Parameters
    ----------
    features : (N, F), finite
    longest : float, optional
        If these points are a part of a larger set: the largest squared length in that set. Then
        distances to all its parts are rounded in the same way.
    """

    def __init__(self, features: NDArray[np.floating], longest: float | None = None) -> None:
        plain = np.asarray(features, np.float64)
        norms = squared_lengths(plain)[:, None]
        if longest is None:
            longest = norms.max(initial=0.0)
        ones = np.ones_like(norms)
        self._left = np.hstack([plain, norms, ones])
        # The rounding error of a product is subtracted from all distances, so that copies have
        # distance 0 and the order of other distances stays.
        self._right = np.hstack([-2.0 * plain, ones, norms - _NOISE * longest])

    def __len__(self) -> int:
        return len(self._left)

    def squares_to(
        self, rows: slice | NDArray[np.integer], other: "Points", columns: slice
    ) -> NDArray[np.float32]:
        """Squared distances of n rows of these points to m rows of `other`: (n, m)."""
        products = self._left[rows] @ other._right[columns].T
        squares = np.empty(products.shape, np.float32)
        return np.maximum(products, 0.0, out=squares, casting="same_kind")


class Rough:
    """Features in float32: squared distances at half the cost, with a bound on their errors.

    They find the few pairs whose exact distance (`Points.squares_to`) is worth computing.

    Parameters
    ----------
    features : (N, F), finite
    centre : (F,)
        Subtracted from all features of both sides: distances stay, and the errors become smaller.
    """

    def __init__(self, features: NDArray[np.floating], centre: NDArray[np.float64]) -> None:
        plain = np.asarray(features, np.float64) - centre
        norms = squared_lengths(plain)[:, None]
        ones = np.ones_like(norms)
        self.lengths = np.sqrt(norms[:, 0])
        self._left = np.hstack([plain, norms, ones]).astype(np.float32)
        self._right = np.hstack([-2.0 * plain, ones, norms]).astype(np.float32)

    def __len__(self) -> int:
        return len(self._left)

    def squares_to(self, rows: slice, other: "Rough") -> NDArray[np.float32]:
        """Squared distances of n rows to all m points of `other`, (n, m); may be below 0."""
        return self._left[rows] @ other._right.T

    def errors(self, furthest: float, longest: float) -> NDArray[np.float64]:
        """How far distances to other points are from `Points.squares_to` at most, (N,).

        A sum of n float32 products is off by at most n u / (1 - n u) times the sum of their
        absolute values, in any order, with u = 2^-24 (Higham 2002, equation 3.5). Here that sum
        is at most (|x| + |y|)^2, and rounding the factors adds 2 u. The second term is the same
        for float64, whose points are not centred.

        Parameters
        ----------
        furthest : float
            The largest of the other points' `lengths`.
        longest : float
            The largest squared length of the features of both sides.
        """
        terms = self._left.shape[1] + 6  # some more, for the terms in u^2
        reach = self.lengths + furthest
        return terms * (2.0**-24 * reach**2 + 2.0**-53 * 4.0 * longest)
