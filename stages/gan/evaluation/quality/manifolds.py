"""Precision, recall, density and coverage: who lies within whose nearest neighbours' balls.

Round each image lies a ball that reaches to its k-th nearest neighbour of its own kind (which
the image itself is not). The union of the balls stands for the manifold the images lie on.

- precision: the share of generated images within a ball of a real one (Kynkaanniemi et al. 2019,
  equations 1 and 2): are they like real ones?
- recall: the share of real images within a ball of a generated one (the same): is everything
  that is real generated? A few outliers with large balls make it too good.
- density: in how many real balls a generated image lies, over k, on average (Naeem et al. 2020,
  equation 4): precision that an outlier cannot spoil; may be above 1.
- coverage: the share of real balls with a generated image inside (equation 5 there): recall that
  outliers cannot spoil.

An image on the edge of a ball lies outside, as in the code of Naeem et al. All four depend on k and
on the number of images. The distances are computed tile by tile, so memory grows with the number
of images and time with its square.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.gan.evaluation.quality.blocks import Points, each, rows_of
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.evaluation.quality.spread import HALVES, at_least, half_samples, of_share, parts

NAMES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Manifold:
    """A set of features and their balls.

    Parameters
    ----------
    points : N features
    slices : (P,)
        The parts that are put together into halves, for the errors.
    neighbours : k
    radii : (1 + H, N)
        Squared radius of each ball: to the k-th neighbour in the whole set, and in that half that
        the image is in, for each of H ways to halve the set.
    """

    points: Points
    slices: list[slice]
    neighbours: int
    radii: NDArray[np.float32]


def manifold(features: NDArray[np.floating], neighbours: int) -> Manifold:
    """Find the balls of (N, F) features, of the whole and within halves.

    Raises
    ------
    ValueError
        If there are fewer images than parts, or a half has no more of them than k.
    """
    points = Points(features)
    slices = parts(len(points), HALVES.shape[1])
    sizes = np.array([part.stop - part.start for part in slices])
    smallest = int(np.concatenate([HALVES @ sizes, ~HALVES @ sizes]).min())
    if not 1 <= neighbours < smallest:
        raise ValueError(
            f"{neighbours} neighbours in halves of {smallest} images, valid is 1 to {smallest - 1}"
        )

    def radii_of(task: tuple[int, slice]) -> NDArray[np.float32]:
        own, rows = task
        # The k nearest in each part hold the k nearest of any parts together.
        nearest = []
        for part in slices:
            squares = points.squares_to(rows, points, part)
            if part is slices[own]:
                itself = np.arange(rows.start, rows.stop) - part.start
                squares[np.arange(len(squares)), itself] = np.inf
            nearest.append(_smallest(squares, neighbours))
        together = [np.ones(len(slices), bool), *(half == half[own] for half in HALVES)]
        return np.stack(
            [
                _smallest(
                    np.concatenate([nearest[part] for part in np.flatnonzero(which)], axis=1),
                    neighbours,
                ).max(axis=1)
                for which in together
            ]
        )

    radii = np.concatenate(list(each(radii_of, _tasks(slices))), axis=1)
    return Manifold(points, slices, neighbours, radii)


def _tasks(slices: list[slice]) -> list[tuple[int, slice]]:
    """The rows of a tile, and the part that they are of."""
    return [(i, rows) for i, part in enumerate(slices) for rows in rows_of(part)]


def _smallest(squares: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The smallest so many of each row, or all if there are fewer, in any order."""
    count = min(count, squares.shape[1])
    return np.partition(squares, count - 1, axis=1)[:, :count]


@dataclass(frozen=True)
class _Looks:
    """What was seen between n real images (some, all of a half, or all) and M generated ones.

    Parameters
    ----------
    balls : (M,)
        In how many of the real images' balls each generated one is.
    held : (n,)
        Whether each real one is in a generated one's ball.
    covered : (n,)
        Whether each real one's ball holds a generated one.
    """

    balls: NDArray[np.integer]
    held: NDArray[np.bool_]
    covered: NDArray[np.bool_]

    @classmethod
    def at(cls, squares: NDArray, real: NDArray, generated: NDArray) -> "_Looks":
        """Between n and M images at squared distances (n, M), with squared radii (n,), (M,)."""
        inside = squares < real[:, None]
        return cls(
            np.add.reduce(inside.view(np.uint8), axis=0, dtype=np.uint8),  # n < 256
            (squares < generated).any(axis=1),
            inside.any(axis=1),
        )

    @classmethod
    def beside(cls, looks: Sequence["_Looks"]) -> "_Looks":
        """The same real images, looked at with one lot of generated ones after the other."""
        return cls(
            np.concatenate([look.balls for look in looks]),
            np.logical_or.reduce([look.held for look in looks]),
            np.logical_or.reduce([look.covered for look in looks]),
        )

    def measures(self, neighbours: int) -> dict[str, float]:
        """The four measures."""
        return {
            "precision": float(np.mean(self.balls > 0)),
            "recall": float(np.mean(self.held)),
            "density": float(np.mean(self.balls)) / neighbours,
            "coverage": float(np.mean(self.covered)),
        }


class _Below:
    """The same generated images, looked at with one lot of real ones after the other.

    Each look is as long as there are generated images, so they are added up as they come.
    """

    def __init__(self) -> None:
        self._balls: NDArray[np.int64] | None = None
        self._held: list[NDArray[np.bool_]] = []
        self._covered: list[NDArray[np.bool_]] = []

    def add(self, look: _Looks) -> None:
        """Take the next lot."""
        if self._balls is None:
            self._balls = np.zeros(len(look.balls), np.int64)
        self._balls += look.balls
        self._held.append(look.held)
        self._covered.append(look.covered)

    def together(self) -> _Looks:
        """What was seen with all of them; of one lot at least."""
        assert self._balls is not None
        return _Looks(self._balls, np.concatenate(self._held), np.concatenate(self._covered))


def compare(real: Manifold, generated: Manifold) -> dict[str, Estimate]:
    """The four measures, for sets with the same k.

    Values are those of the authors' code, which keeps whole matrices (a test). The errors are
    those of half samples, and never less than a mean over so many independent images has (of
    balls, for density).

    Simulated with k = 5: one Gaussian, or ten clusters of unequal width, in 8 and 20 dimensions;
    generated images alike, narrower, wider, shifted little or far, or without four of the
    clusters. Against the true spread the errors of shares from 0.02 to 0.98 were

    - 0.7 to 1.5 times as large with 200 images of each kind,
    - 0.7 to 1.2 times with 300 and with 1,000 (30 to 80 draws of each, so each factor is itself
      right by about a tenth),
    - 0.8 to 1.7 times with 10,000 (10 draws, 8 dimensions, clusters; right by about a quarter),

    and of density 0.6 to 2.7, 0.65 to 1.6, 0.7 to 1.2 and 1.3 to 1.4 times. So they are right
    within a factor of 1.7 from 200 images on, those of density from 300 on. Nearer to 0 and 1
    those of shares are too large, 1 to 6 times, as so few images can not tell 1 from 0.99.
    """

    def look(task: tuple[int, slice]) -> tuple[_Looks, dict[int, _Looks]]:
        own, rows = task
        whole: list[_Looks] = []
        halves: dict[int, list[_Looks]] = {half: [] for half in range(len(HALVES))}
        for part, columns in enumerate(generated.slices):
            squares = real.points.squares_to(rows, generated.points, columns)

            def at(index: int, squares: NDArray = squares, columns: slice = columns) -> _Looks:
                return _Looks.at(squares, real.radii[index, rows], generated.radii[index, columns])

            whole.append(at(0))
            for half, looks in halves.items():
                if HALVES[half, own] == HALVES[half, part]:
                    looks.append(at(1 + half))
        return _Looks.beside(whole), {half: _Looks.beside(halves[half]) for half in halves}

    tasks = _tasks(real.slices)
    all_of_them = _Below()
    sides = [(_Below(), _Below()) for _ in HALVES]
    for (own, _), (seen, seen_in_halves) in zip(tasks, each(look, tasks), strict=True):
        all_of_them.add(seen)
        for half, looks in seen_in_halves.items():
            sides[half][int(HALVES[half, own])].add(looks)

    every = all_of_them.together()
    whole = every.measures(real.neighbours)
    pairs = [tuple(side.together().measures(real.neighbours) for side in both) for both in sides]
    # What the draw of those images adds alone that the mean is over, the other set being given.
    precise = of_share(whole["precision"], len(generated.points))
    deviation = max(precise, float(np.std(every.balls)) / math.sqrt(len(every.balls)))
    least = {
        "precision": precise,
        "recall": of_share(whole["recall"], len(real.points)),
        "density": deviation / real.neighbours,
        "coverage": of_share(whole["coverage"], len(real.points)),
    }
    return {
        name: at_least(
            least[name], half_samples(value, [(one[name], other[name]) for one, other in pairs])
        )
        for name, value in whole.items()
    }
