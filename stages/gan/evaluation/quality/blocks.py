"""Matrices of all pairs, tile by tile, on all cores, the same to the last bit on any number.

A BLAS may sum in another order when it has another number of threads. So each tile is computed
by one thread, and the tiles are handed to as many threads as there are cores (NumPy lets go of
the interpreter's lock meanwhile); results come back in the order of the tiles.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
import scipy.linalg  # noqa: F401  (brings a BLAS of its own, which is to be found)
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from stages.gan.common.runtime import usable_cores

# Rows of a tile. Less than 256, so that its rows can be counted in 8 bits. With the 1,000
# columns of a part a tile fills 2 MB, which a core's own cache holds.
ROWS = 250
# Of the squared length: the noise of a product in float64 is a hundredth of this.
_NOISE = 1e-13

Task = TypeVar("Task")
Result = TypeVar("Result")


@functools.cache
def _libraries() -> ThreadpoolController:
    """The BLAS libraries in this process; looking for them takes a millisecond."""
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """In it every BLAS has one thread: the same sums in the same order on any machine's cores."""
    return _libraries().limit(limits=1, user_api="blas")


def each(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """work(task) for each task, in their order, with one BLAS thread a task."""
    with one_thread(), ThreadPoolExecutor(usable_cores()) as pool:
        yield from pool.map(work, tasks)


def rows_of(part: slice) -> Iterator[slice]:
    """The part in pieces of at most ROWS rows."""
    for start in range(part.start, part.stop, ROWS):
        yield slice(start, min(start + ROWS, part.stop))


def squared_lengths(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """|x|^2 of each of (N, F) features, (N,), in float64."""
    plain = np.asarray(features, np.float64)
    return np.einsum("ij,ij->i", plain, plain)


class Points:
    """Features ready for products of all pairs: with the columns that make these distances.

    |x - y|^2 = (x, |x|^2, 1) . (-2 y, 1, |y|^2): the sum of norms comes with the product, in
    float64, as differences of large numbers need.

    Parameters
    ----------
    features : (N, F), finite
    longest : float, optional
        The largest squared length among the points that these are some of, where they are: then
        distances to all of them are rounded alike.
    """

    def __init__(self, features: NDArray[np.floating], longest: float | None = None) -> None:
        plain = np.asarray(features, np.float64)
        norms = squared_lengths(plain)[:, None]
        if longest is None:
            longest = norms.max(initial=0.0)
        ones = np.ones_like(norms)
        self._left = np.hstack([plain, norms, ones])
        # What a product's rounding leaves of 0 is taken off all distances alike, so that
        # copies are at 0 and the order of others stays.
        self._right = np.hstack([-2.0 * plain, ones, norms - _NOISE * longest])

    def __len__(self) -> int:
        return len(self._left)

    def squares_to(self, rows: slice, other: "Points", columns: slice) -> NDArray[np.float32]:
        """Squared distances of some rows (n) to some of another's (m): (n, m)."""
        products = self._left[rows] @ other._right[columns].T
        squares = np.empty(products.shape, np.float32)
        return np.maximum(products, 0.0, out=squares, casting="same_kind")
