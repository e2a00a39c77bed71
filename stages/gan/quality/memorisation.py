"""Whether generated images are nearer to the training images than held-out real ones are.

After Meehan, Chaudhuri & Dasgupta 2020, "A non-parametric test to detect data-copying": of each
generated and each held-out real image the distance to the nearest training image is taken, in
the judge's features. Held-out images show how near an image gets that was not copied.

- memorisation: P(d(generated) < d(held-out)), ties counted half: their statistic U / (N M).
  1/2 if generated images are neither nearer nor farther. A generator that draws badly is
  farther, below 1/2, and may so hide that it copies some.
- near_copies: the share of generated images that are nearer than the nearest 1 % of held-out
  ones: 0.01 without copying, however badly the others are drawn.

Nearness is the judge's: what it takes for the same image counts as a copy.
"""

import numpy as np
from numpy.typing import NDArray

from stages.gan.quality.blocks import Points, each, rows_of
from stages.gan.quality.scores import Estimate
from stages.gan.quality.spread import jackknife, parts

NEAR = 0.01
_COLUMNS = 1000


def nearest(queries: Points, training: Points) -> NDArray[np.float32]:
    """Squared distance of each of N queries to the nearest training image, (N,)."""
    tiles = [
        slice(start, min(start + _COLUMNS, len(training)))
        for start in range(0, len(training), _COLUMNS)
    ]

    def closest(rows: slice) -> NDArray[np.float32]:
        found = np.full(rows.stop - rows.start, np.inf, np.float32)
        for tile in tiles:
            np.minimum(found, queries.squares_to(rows, training, tile).min(axis=1), out=found)
        return found

    return np.concatenate(list(each(closest, rows_of(slice(0, len(queries))))))


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
    """The share of generated distances below the 1 % quantile of the held-out ones."""
    return float(np.mean(generated < np.quantile(held_out, NEAR)))


def compare(
    held_out: NDArray[np.float32], generated: NDArray[np.float32], number: int
) -> dict[str, Estimate]:
    """Both measures of (N,) and (M,) distances to the nearest training image.

    The errors are of the jackknife over `number` parts; the training images are the same in
    every part, as the question is about them. Simulated: 0.95 to 1.2
    times the true spread.
    """

    def rest(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return [np.delete(values, part) for part in parts(len(values), number)]

    without = list(zip(rest(held_out), rest(generated), strict=True))
    return {
        name: jackknife(measure(held_out, generated), [measure(*pair) for pair in without])
        for name, measure in (("memorisation", closer), ("near_copies", near_copies))
    }
