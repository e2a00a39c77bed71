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

An image on the edge of a ball lies outside, as in the authors' code. All four depend on k and
on the number of images. The distances are computed tile by tile, so memory grows with the number
of images and time with its square.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.gan.quality.blocks import Points, each, rows_of
from stages.gan.quality.jackknife import estimate, parts
from stages.gan.quality.scores import Estimate


@dataclass(frozen=True)
class Manifold:
    """A set of features and their balls.

    Parameters
    ----------
    points : N features
    slices : P parts
    neighbours : k
    radii : (P + 1, N)
        Squared radius of each ball: in row 0 of the whole set, in row i + 1 of all but part i,
        whose own images then have radius 0, which holds nothing.
    """

    points: Points
    slices: list[slice]
    neighbours: int
    radii: NDArray[np.float32]


def manifold(features: NDArray[np.floating], neighbours: int, number: int) -> Manifold:
    """Find the balls of (N, F) features, of the whole and without each of `number` parts.

    Raises
    ------
    ValueError
        If a part has no more images than k.
    """
    points = Points(features)
    slices = parts(len(points), number)
    smallest = min(part.stop - part.start for part in slices)
    if not 1 <= neighbours < smallest:
        raise ValueError(
            f"{neighbours} neighbours in parts of {smallest} images, valid is 1 to {smallest - 1}"
        )
    tasks = [(i, rows) for i, part in enumerate(slices) for rows in rows_of(part)]

    def radii_of(task: tuple[int, slice]) -> NDArray[np.float32]:
        own, rows = task
        # The k nearest in each part hold the k nearest of any choice of parts.
        nearest = []
        for part in slices:
            squares = points.squares_to(rows, points, part)
            if part is slices[own]:
                squares[np.arange(len(squares)), np.arange(rows.start, rows.stop) - part.start] = (
                    np.inf
                )
            nearest.append(np.partition(squares, neighbours - 1, axis=1)[:, :neighbours])
        found = np.stack(nearest, axis=1)  # (rows, P, k)
        radii = np.zeros((number + 1, len(found)), np.float32)
        for left_out in [None, *range(number)]:
            if left_out != own:
                kept = [part for part in range(number) if part != left_out]
                some = found[:, kept].reshape(len(found), -1)
                place = 0 if left_out is None else left_out + 1
                radii[place] = np.partition(some, neighbours - 1, axis=1)[:, neighbours - 1]
        return radii

    radii = np.concatenate(list(each(radii_of, tasks)), axis=1)
    return Manifold(points, slices, neighbours, radii)


def compare(real: Manifold, generated: Manifold) -> dict[str, Estimate]:
    """The four measures, for sets in the same number of parts and with the same k.

    The errors are the jackknife's. Simulated: right within a third. The authors' own way, with
    matrices of all pairs, gives the same values (a test).
    """
    number = len(real.slices)
    versions = range(number + 1)
    tasks = [(i, rows) for i, part in enumerate(real.slices) for rows in rows_of(part)]

    def look(task: tuple[int, slice]) -> tuple[NDArray, NDArray, NDArray]:
        own, rows = task
        count = rows.stop - rows.start
        balls = np.zeros((number + 1, len(generated.points)), np.uint8)
        held = np.zeros((number + 1, count), bool)
        nearest = np.zeros((number, count), np.float32)
        for j, columns in enumerate(generated.slices):
            squares = real.points.squares_to(rows, generated.points, columns)
            nearest[j] = squares.min(axis=1)
            for version in versions:
                if version != own + 1:
                    inside = squares < real.radii[version, rows, None]
                    np.add.reduce(
                        inside.view(np.uint8), axis=0, out=balls[version, columns], dtype=np.uint8
                    )
                if version not in (own + 1, j + 1):
                    inside = squares < generated.radii[version, None, columns]
                    held[version] |= inside.any(axis=1)
        return balls, held, nearest

    balls = np.zeros((number + 1, len(generated.points)), np.int64)
    held, nearest = [], []
    for found in each(look, tasks):
        balls += found[0]
        held.append(found[1])
        nearest.append(found[2])
    return _measures(
        real, generated, balls, np.concatenate(held, axis=1), np.concatenate(nearest, axis=1)
    )


def _measures(
    real: Manifold,
    generated: Manifold,
    balls: NDArray[np.int64],
    held: NDArray[np.bool_],
    nearest: NDArray[np.float32],
) -> dict[str, Estimate]:
    """From how many real balls (P + 1, M), whether in a generated one (P + 1, N), and the distances
    to the nearest generated image of each part (P, N)."""
    values: dict[str, list[float]] = {}
    for version in range(len(balls)):
        kept = [part for part in range(len(nearest)) if part != version - 1]
        reals = np.concatenate([np.arange(len(held[0]))[real.slices[part]] for part in kept])
        fakes = np.concatenate([np.arange(len(balls[0]))[generated.slices[p]] for p in kept])
        inside = balls[version, fakes]
        covered = nearest[kept].min(axis=0)[reals] < real.radii[version, reals]
        for name, found in (
            ("precision", (inside > 0).mean()),
            ("recall", held[version, reals].mean()),
            ("density", inside.mean() / real.neighbours),
            ("coverage", covered.mean()),
        ):
            values.setdefault(name, []).append(float(found))
    return {name: estimate(found[0], found[1:]) for name, found in values.items()}
