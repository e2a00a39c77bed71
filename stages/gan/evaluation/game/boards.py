"""What a game is played with: images and latent codes to find responses, to choose, and to score.

The three parts share no image and no code. So no response is scored on what it was found with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data.prepared import array_files, as_single

# At most this many pairs choose the best weights of a search.
MOST_CHOOSING = 2000
Draw = Callable[[np.random.Generator, int], NDArray[np.float32]]


@dataclass(frozen=True)
class Part:
    """Pairs of a real image and a latent code.

    Parameters
    ----------
    real : (N, C, H, W) in [-1, 1]
    codes : (N, latent_size), what the generator takes
    """

    real: NDArray[Any]
    codes: NDArray[Any]


@dataclass(frozen=True)
class Board:
    """All that a game is played with.

    Parameters
    ----------
    real, codes : callable
        Draw so many real images, or so many latent codes, to find responses with.
    choosing, scoring : Part
    """

    real: Draw
    codes: Draw
    choosing: Part
    scoring: Part


def of_pair(
    known: NDArray[Any], held_out: NDArray[Any], latent_size: int, count: int, seed: int
) -> Board:
    """The board of a trained pair: training images, and `count` held-out images with new codes.

    Parameters
    ----------
    known, held_out : (M, C, H, W) and (N, C, H, W) in [-1, 1]; may be memory maps
    latent_size : int
    count : int
        The number of held-out images that are used, at most N, at least 2.
    seed : int
    """
    draw = stream(seed, "game")
    rows = draw.permutation(len(held_out))[:count]
    codes = latent_codes(draw, len(rows), latent_size)
    choosing, scoring = _cut(array_files.rows(held_out, rows), codes)

    def fresh(drawing: np.random.Generator, number: int) -> NDArray[np.float32]:
        return latent_codes(drawing, number, latent_size)

    return Board(_of(known, np.arange(len(known))), fresh, choosing, scoring)


def of_equilibrium(known: NDArray[Any], held_out: NDArray[Any], count: int, seed: int) -> Board:
    """The board of a pair at equilibrium: other real images in place of generated ones.

    Its generator takes images as codes and returns them. Each set of images is divided into two
    halves, so no image is on both sides. Parameters are those of `of_pair`.
    """
    draw = stream(seed, "game", 1)
    mixed = draw.permutation(len(known))
    rows = draw.permutation(len(held_out))[: count // 2 * 2]
    choosing, scoring = _cut(
        *(array_files.rows(held_out, side) for side in (rows[::2], rows[1::2]))
    )
    return Board(_of(known, mixed[::2]), _of(known, mixed[1::2]), choosing, scoring)


def _cut(real: NDArray[Any], codes: NDArray[Any]) -> tuple[Part, Part]:
    """One part to choose with, and one to score with."""
    chosen = max(1, min(len(real) // 2, MOST_CHOOSING))
    return Part(real[:chosen], codes[:chosen]), Part(real[chosen:], codes[chosen:])


def _of(images: NDArray[Any], rows: NDArray[np.int64]) -> Draw:
    """Draws among these rows of the images."""

    def draw(drawing: np.random.Generator, number: int) -> NDArray[np.float32]:
        picked = rows[drawing.integers(0, len(rows), number)]
        return as_single(array_files.rows(images, picked))

    return draw
