"""k-means, the same to the bit on any number of threads.

scikit-learn's and SciPy's sum in an order, or multiply by a library, that depends on how many
threads there are, so two machines could put one image into two clusters.
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
    """For each point (N, D) the index (N,) of the centroid (K, D) at the smallest distance.

    The first of several that are equally near.
    """
    found = np.empty(len(points), np.int64)
    for part in array_files.blocks(len(points), (len(centroids),), _BLOCK):
        found[part] = cdist(points[part], centroids, "sqeuclidean").argmin(axis=1)
    return found


def centroids_of(
    points: NDArray[np.floating], count: int, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Centroids by Lloyd's iterations (Lloyd 1982), begun as k-means++ does.

    Parameters
    ----------
    points : (N, D)
    count : int
        How many centroids, 1 on; no more are made than there are different points.
    draw : numpy.random.Generator
        Of the beginning (Arthur and Vassilvitskii 2007, section 2.2).

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
        for index in np.unique(nearest):  # a centroid without points stays where it is
            centroids[index] = points[nearest == index].mean(axis=0)
    return centroids


def _begin(
    points: NDArray[np.float64], count: int, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Points as first centroids, each drawn in proportion to its distance squared from the rest."""
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
