"""Measures of memorisation: are generated images nearer to training images than held-out ones?

After Meehan, Chaudhuri & Dasgupta 2020, "A non-parametric test to detect data-copying". For each
generated and each held-out real image, the distance to the nearest training image is measured in
the judge's features. Held-out images show the distances of images that are not copied.

- memorisation: P(d(generated) < d(held-out)), ties counted half: their statistic U / (N M). It is
  1/2 if generated images are neither nearer nor farther. A bad generator's images are farther, so
  it is below 1/2 and can hide that some images are copies.
- near_copies: the share of generated images among the nearest 1 % of held-out images. Without
  copying it is 0.01, and no more even if the other images are bad. If some held-out images are
  copies of training images themselves, a copier gets 0.01 over their share.

An image counts as a copy if the judge sees it as the same image.
"""

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stages.gan.evaluation.quality.blocks import Points, Rough, each, rows_of, squared_lengths
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.evaluation.quality.standard_errors import at_least, jackknife, of_share, parts

NAMES = ("memorisation", "near_copies")
NEAR = 0.01
# Expected values for images drawn like the held-out ones, for any number of both.
FLOOR = {"memorisation": Estimate(0.5, 0.0), "near_copies": Estimate(NEAR, 0.0)}
_COLUMNS = 1000


def nearest(queries: NDArray[np.floating], training: NDArray[np.floating]) -> NDArray[np.float32]:
    """Squared distance of each of (N, F) queries to the nearest of (M, F) training features, (N,).

    All distances are first computed in float32, with a bound on their errors. Then only those
    tiles are computed in float64 that may hold the nearest one: for most queries a single tile.
    So the result is that of float64.

    The training features are prepared tile by tile, so memory hardly grows with their number (by
    4 bytes for a query and 1,000 of them); they may be a memory map.
    """
    tiles = [
        slice(start, min(start + _COLUMNS, len(training)))
        for start in range(0, len(training), _COLUMNS)
    ]
    exact = Points(queries)
    longest = max(each(lambda tile: squared_lengths(training[tile]).max(), tiles))
    centre = np.asarray(queries, np.float64).mean(axis=0)
    rough = Rough(queries, centre)

    def lowest(tile: slice) -> tuple[NDArray[np.float32], float]:
        points = Rough(training[tile], centre)
        every = rows_of(slice(0, len(rough)))
        squares = [rough.squares_to(rows, points).min(axis=1) for rows in every]
        return np.concatenate(squares), float(points.lengths.max())

    both = max(longest, squared_lengths(queries).max())
    found = list(each(lowest, tiles))
    highest = functools.reduce(
        np.minimum, (low + rough.errors(furthest, both) for low, furthest in found)
    )

    def closest(task: tuple[slice, NDArray[np.int64]]) -> NDArray[np.float32]:
        tile, chosen = task
        points = Points(training[tile], longest)
        every = slice(0, len(points))
        return np.concatenate(
            [
                exact.squares_to(chosen[rows], points, every).min(axis=1)
                for rows in rows_of(slice(0, len(chosen)))
            ]
        )

    tasks = [
        # Not `<=`: where float32 overflows to NaN, the exact distances decide.
        (tile, np.flatnonzero(~(low - rough.errors(furthest, both) > highest)))
        for tile, (low, furthest) in zip(tiles, found, strict=True)
    ]
    tasks = [task for task in tasks if len(task[1])]
    nearest_of = np.full(len(exact), np.inf, np.float32)
    for (_, chosen), squares in zip(tasks, each(closest, tasks), strict=True):
        nearest_of[chosen] = np.minimum(nearest_of[chosen], squares)
    return nearest_of


def closer(held_out: NDArray[np.float32], generated: NDArray[np.float32]) -> float:
    """P(generated < held-out) over all pairs of (N,) and (M,) distances, ties counted half.

    Examples
    --------
    >>> closer(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.875
    """
    ordered = np.sort(held_out)
    below = np.searchsorted(ordered, generated, "left") + np.searchsorted(
        ordered, generated, "right"
    )
    return float(1.0 - below.mean() / (2.0 * len(ordered)))


def near_copies(held_out: NDArray[np.float32], generated: NDArray[np.float32]) -> float:
    """The share of (M,) generated distances that are among the lowest 1 % of (N,) held-out ones.

    A generated image with p nearer held-out images counts fully if p + 1 <= r = 0.01 (N + 1), and
    the next one counts by the rest of r. Ties count as the mean over all their orders: with L
    held-out images nearer and T equally near, p is L, L + 1, ... or L + T, all equally often, and
    the sum of min(max(r - p, 0), 1) over these is min(max(r - L, 0), T + 1). So images drawn like
    the held-out ones have exactly the expectation 0.01, for any N and any ties. With fewer than 99
    held-out images r is below 1, and even a copy counts at most r.

    Examples
    --------
    >>> near_copies(np.arange(1.0, 200.0), np.array([0.5, 1.5, 2.5, 3.5]))  # r = 2
    0.5
    """
    ordered = np.sort(held_out)
    before = np.searchsorted(ordered, generated, "left")
    orders = np.searchsorted(ordered, generated, "right") - before + 1
    among = NEAR * (len(ordered) + 1)
    return float(np.mean(np.clip(among - before, 0, orders) / orders))


def compare(
    held_out: NDArray[np.float32], generated: NDArray[np.float32], number: int
) -> dict[str, Estimate]:
    """Both measures of (N,) and (M,) distances to the nearest training image.

    The errors are the jackknife's over `number` parts, and never smaller than the error of a share
    among so many images (for memorisation: a share of 0 or 1). The training images are the same in
    every part, because the measures are about them. In simulations the errors were 0.95 to 1.2
    times the true spread.
    """

    def rest(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return [np.delete(values, part) for part in parts(len(values), number)]

    without = list(zip(rest(held_out), rest(generated), strict=True))

    def estimate(measure: Callable[[NDArray, NDArray], float]) -> Estimate:
        return jackknife(measure(held_out, generated), [measure(*pair) for pair in without])

    near = estimate(near_copies)
    fewer = min(len(held_out), len(generated))
    return {
        "memorisation": at_least(of_share(0.0, fewer), estimate(closer)),
        "near_copies": at_least(of_share(near.value, len(generated)), near),
    }
