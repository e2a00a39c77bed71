"""Runs networks in evaluation mode: latent codes to images, images to logits.

Both run outside the compiled step, in bounded batches, with batch norm's running statistics.
"""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.common.tensors import as_tensor

# The DCGAN needs 3 MB of memory per image.
_BATCH = 200


@contextmanager
def evaluation_mode(network: nn.Cell):
    """Switch a network to evaluation mode in the block, and back to its earlier mode."""
    was_training = network.training
    network.set_train(False)
    try:
        yield
    finally:
        network.set_train(was_training)


def generate(
    generator: nn.Cell,
    latents: NDArray[np.float32],
    batch: int = _BATCH,
    kept_as: Callable[[NDArray[np.float32]], NDArray[Any]] = np.asarray,
) -> NDArray[Any]:
    """Decode latent codes (N, latent_size) to images (N, C, H, W) in [-1, 1].

    Parameters
    ----------
    generator : nn.Cell
    latents : (N, latent_size), N from 1 on
    batch : int
        Codes that are decoded together.
    kept_as : callable
        Converts each batch (M, C, H, W) float32 before it is stored. `prepared.to_levels`, for
        example, halves the memory. By default nothing is converted.
    """
    latents = np.ascontiguousarray(latents, np.float32)
    images = np.empty(0)
    with evaluation_mode(generator):
        for start in range(0, len(latents), batch):
            part = kept_as(generator(as_tensor(latents[start : start + batch])).asnumpy())
            if start == 0:
                images = np.empty((len(latents), *part.shape[1:]), part.dtype)
            images[start : start + batch] = part
    return images


def logits(
    discriminator: nn.Cell, images: NDArray[np.floating], batch: int = _BATCH
) -> NDArray[np.float64]:
    """The discriminator's logits (N,) for images (N, C, H, W) in [-1, 1]."""
    with evaluation_mode(discriminator):
        parts = [
            discriminator(
                as_tensor(np.ascontiguousarray(images[start : start + batch], np.float32))
            ).asnumpy()
            for start in range(0, len(images), batch)
        ]
    return np.concatenate(parts).reshape(-1).astype(np.float64)


def interpolate(
    start: NDArray[np.float32], end: NDArray[np.float32], steps: int
) -> NDArray[np.float32]:
    """Latent codes on the great circle from one code to another (White 2016).

    The straight line between two draws of N(0, I) passes closer to 0 than draws usually are; on
    the circle the length stays typical.

    Parameters
    ----------
    start, end : (latent_size,)
    steps : int
        The number of codes, including both ends, at least 2.

    Returns
    -------
    float32 array of shape (steps, latent_size)
    """
    ways = np.linspace(0.0, 1.0, steps)[:, None]
    a, b = start.astype(np.float64), end.astype(np.float64)
    cosine = np.dot(a, b) / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if np.sin(angle) < 1e-6:  # the same or opposite directions: there is no unique circle
        codes = (1.0 - ways) * a + ways * b
    else:
        codes = (np.sin((1.0 - ways) * angle) * a + np.sin(ways * angle) * b) / np.sin(angle)
    return codes.astype(np.float32)
