"""k-means clustering with the same bits on any number of threads.

scikit-learn and SciPy sum in an order, or multiply with a library, that depends on the number of
threads. So two machines could put one image into different clusters.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from stages.gan.data.prepared import array_files

_ROUNDS = 100
_BLOCK = 4096


def nearest_centroid(
    points: NDArray[np.floating], centroids: NDArray[np.floating]
) -> NDArray[np.int64]:
    """For each point (N, D) the index (N,) of the nearest centroid (K, D).

    If several are equally near, the first is taken.
    """
    found = np.empty(len(points), np.int64)
    for part in array_files.blocks(len(points), (len(centroids),), _BLOCK):
        found[part] = cdist(points[part], centroids, "sqeuclidean").argmin(axis=1)
    return found


def centroids_of(
    points: NDArray[np.floating], count: int, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Centroids by Lloyd's iterations (Lloyd 1982), started with k-means++.

    Parameters
    ----------
    points : (N, D)
    count : int
        The number of centroids, from 1 on; at most the number of different points.
    draw : numpy.random.Generator
        For the start (Arthur and Vassilvitskii 2007, section 2.2).

    Returns
    -------
    float64 array of shape (K, D)
    """
    points = np.asarray(points, np.float64)
    centroids = _begin(points, count, draw)
    before = None
    for _ in range(_ROUNDS):
        nearest = nearest_centroid(points, centroids)
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        for index in np.unique(nearest):  # a centroid without points does not move
            centroids[index] = points[nearest == index].mean(axis=0)
    return centroids


def _begin(
    points: NDArray[np.float64], count: int, draw: np.random.Generator
) -> NDArray[np.float64]:
    """The first centroids: points, drawn by their squared distance from the others."""
    chosen = [points[draw.integers(len(points))]]
    squares = np.full(len(points), np.inf)
    while len(chosen) < count:
        squares = np.minimum(squares, cdist(points, chosen[-1][None], "sqeuclidean")[:, 0])
        sums = np.cumsum(squares)
        if sums[-1] == 0:
            break
        place = np.searchsorted(sums, draw.random() * sums[-1], side="right")
        chosen.append(points[min(place, len(points) - 1)])
    return np.array(chosen)
