"""Finds nearest images in pixel space, in blocks of bounded memory."""

import numpy as np
from numpy.typing import NDArray

from stages.gan.data.prepared.array_files import let_go

_BLOCK = 1024


def nearest(
    queries: NDArray[np.floating], candidates: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each query, find the candidate at the smallest Euclidean distance.

    Parameters
    ----------
    queries : (N, ...) images
    candidates : (M, ...) images of the same shape; may be a memory map

    Returns
    -------
    indices : (N,) into candidates
    distances : (N,)
    """
    flat = queries.reshape(len(queries), -1).astype(np.float32)
    best = np.full(len(flat), np.inf)
    indices = np.zeros(len(flat), np.int64)
    norms = (flat.astype(np.float64) ** 2).sum(axis=1)
    for start in range(0, len(candidates), _BLOCK):
        block = candidates[start : start + _BLOCK].astype(np.float32)
        let_go(candidates)
        block = block.reshape(len(block), -1)
        squares = norms[:, None] + (block.astype(np.float64) ** 2).sum(axis=1)
        squares -= 2.0 * (flat @ block.T)
        closest = squares.argmin(axis=1)
        distance = squares[np.arange(len(flat)), closest]
        better = distance < best
        best[better] = distance[better]
        indices[better] = closest[better] + start
    return indices, np.sqrt(np.maximum(best, 0.0))
