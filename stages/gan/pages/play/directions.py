"""The directions of latent codes along which a generator's images change most."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.runtime import one_blas_thread

# Half the distance between two codes whose images are compared: far above float32's rounding, far
# below the length of a code.
_STEP = 0.01
_AT_ONCE = 2


def find(
    generate: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    codes: NDArray[np.float32],
    count: int,
) -> list[tuple[float, NDArray[np.float64]]]:
    """The eigenvectors of the mean of J^T J with the largest eigenvalues, largest first.

    J is the Jacobian of the image by the code (all pixels, by all entries), from central
    differences. A step of length e along a unit vector v changes an image by e |J v|, so over
    all codes the squared change along an eigenvector is its eigenvalue. For one code these would
    be the right singular vectors of J.

    Parameters
    ----------
    generate : callable
        Codes (N, latent_size) to images (N, ...), each image of its own code alone. It is called
        in two threads at a time.
    codes : (M, latent_size)
        The codes over which the mean is taken.
    count : int
        How many directions; fewer are returned if codes have fewer entries.

    Returns
    -------
    list of (share, direction)
        The share of all squared changes, 0 to 1, and a unit vector (latent_size,) whose entry of
        the largest size is positive.
    """
    size = codes.shape[1]
    steps = np.float32(_STEP) * np.concatenate([np.eye(size), -np.eye(size)]).astype(np.float32)
    with (
        one_blas_thread(),  # the same sums on any number of cores
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        squares = np.zeros((size, size))
        for start in range(0, len(codes), _AT_ONCE):  # not all: their images take memory
            near = [code + steps for code in codes[start : start + _AT_ONCE]]
            for generated in pool.map(generate, near):  # in their order
                images = generated.reshape(2 * size, -1).astype(np.float64)
                slopes = (images[:size] - images[size:]) / (2 * _STEP)
                squares += slopes @ slopes.T
        values, vectors = np.linalg.eigh(squares)
    total = max(float(values.sum()), float(np.finfo(float).tiny))
    found = []
    for index in np.argsort(-values, kind="stable")[:count]:
        vector = vectors[:, index]
        sign = np.sign(vector[np.abs(vector).argmax()])
        found.append((max(float(values[index]), 0.0) / total, sign * vector))
    return found
