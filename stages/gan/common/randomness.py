"""All random numbers of the pipeline: seeded streams, one for each purpose.

A stream depends on the seed, its purpose and a position in the run (an epoch, a step), never
on how many numbers were drawn before. So a resumed run draws the same numbers as an unbroken
run, and no two purposes share numbers.
"""

import numpy as np
from numpy.typing import NDArray

_PURPOSES = (
    "weights",
    "order",
    "fresh latents",
    "attached latents",
    "fixed latents",
    "split",
    "evaluation latents",
    "pictures",
    "drawing",
    "instance noise",
    "spectral norm",
    "gradient penalty",
    "transformations",
    "clusters",
    "critic latents",
    "quality",
    "critic images",
    "augmentation",
    "export",
    "play",
    "penalty on real",
    "penalty on fake",
    "game",
    "samples",
    "set aside",
    "quick score",
)


def stream(seed: int, purpose: str, position: int = 0) -> np.random.Generator:
    """A generator of random numbers for one purpose at one position of a run.

    Parameters
    ----------
    seed : int
        The user's seed, >= 0.
    purpose : str
        One of the purposes this module lists.
    position : int
        Epoch, step or index, >= 0.

    Raises
    ------
    ValueError
        If the purpose is not listed.

    Examples
    --------
    >>> bool(stream(1, "order", 5).random() == stream(1, "order", 5).random())
    True
    >>> bool(stream(1, "order", 5).random() == stream(1, "order", 6).random())
    False
    """
    return np.random.default_rng([seed, _PURPOSES.index(purpose), position])


def latent_codes(generator: np.random.Generator, count: int, size: int) -> NDArray[np.float32]:
    """Draw latent codes z ~ N(0, I).

    Returns
    -------
    float32 array of shape (count, size)
    """
    return generator.standard_normal((count, size), dtype=np.float32)
