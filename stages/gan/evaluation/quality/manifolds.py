"""Precision, recall, density, coverage and the clipped two, from balls around nearest neighbours.

Each image has a ball that reaches to its k-th nearest neighbour of its own kind (the image itself
does not count). The union of the balls represents the manifold of the images.

- precision: the share of generated images within a ball of a real image (Kynkaanniemi et al.
  2019, equations 1 and 2): are generated images like real ones?
- recall: the share of real images within a ball of a generated image (same source): are all kinds
  of real image generated? A few outliers with large balls make recall too high.
- density: the mean number of real balls around a generated image, over k (Naeem et al. 2020,
  equation 4): like precision, but robust against outliers; it may be above 1.
- coverage: the share of real balls with a generated image inside (equation 5 there): like recall,
  but robust against outliers.
- clipped density and clipped coverage: see `clipped`.

An image on the edge of a ball counts as outside, as in the code of Naeem et al. All depend on k and
on the number of images. The distances are computed in tiles: memory grows with the number of
images, time with its square.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.gan.evaluation.quality import clipped
from stages.gan.evaluation.quality.blocks import Points, each, rows_of
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.evaluation.quality.standard_errors import (
    HALVES,
    at_least,
    half_samples,
    of_share,
    parts,
)

NAMES = ("precision", "recall", "density", "coverage", *clipped.NAMES)
# With fewer columns than so many times the groups, groups save no time.
_FEW = 4
# If at most this share of the pairs of a tile is near, pairs are looked at one by one.
_SPARSE = 1 / 16


@dataclass(frozen=True)
class Manifold:
    """A set of features and their balls.

    Parameters
    ----------
    points : N features
    slices : (P,)
        The parts that are combined into halves, for the errors.
    neighbours : k
    radii : (1 + H, N)
        Squared radius of each ball: to the k-th neighbour in the whole set, and in the image's own
        half, for each of H ways to halve the set.
    nearest, who : (N, P, k)
        Squared distances to the k nearest images of each part, in any order, and which they are;
        infinity where a part has fewer.
    """

    points: Points
    slices: list[slice]
    neighbours: int
    radii: NDArray[np.float32]
    nearest: NDArray[np.float32]
    who: NDArray[np.int32]

    def sides(self) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.intp]]]:
        """The whole set, then both halves of each way: row of `radii`, images, parts."""
        kinds = np.repeat(np.arange(len(self.slices)), [s.stop - s.start for s in self.slices])
        yield 0, np.arange(len(self.points)), np.arange(len(self.slices))
        for row, half in enumerate(HALVES, 1):
            for side in (~half, half):
                yield row, np.flatnonzero(side[kinds]), np.flatnonzero(side)

    def among_themselves(self) -> "Iterator[_Own]":
        """For each of `sides`: the median radius, and the images' own part of clipped density."""
        for row, images, parts_of_side in self.sides():
            radii = self.radii[row, images]
            median = clipped.median_radius(radii)
            reach = np.minimum(radii, median)[:, None, None]
            at = np.ix_(images, parts_of_side)
            found = np.bincount(self.who[at][self.nearest[at] <= reach], minlength=len(self.points))
            yield _Own(median, clipped.clipped_mean(found[images], self.neighbours))


@dataclass(frozen=True)
class _Own:
    """The median of the squared radii of a set, and its images' mean share of clipped balls."""

    median: np.float32
    share: float


def manifold(features: NDArray[np.floating], neighbours: int) -> Manifold:
    """Find the balls of (N, F) features, in the whole set and within halves.

    Raises
    ------
    ValueError
        If there are fewer images than parts, or a half has no more than k images.
    """
    points = Points(features)
    slices = parts(len(points), HALVES.shape[1])
    sizes = np.array([part.stop - part.start for part in slices])
    smallest = int(np.concatenate([HALVES @ sizes, ~HALVES @ sizes]).min())
    if not 1 <= neighbours < smallest:
        raise ValueError(
            f"{neighbours} neighbours in halves of {smallest} images, valid is 1 to {smallest - 1}"
        )

    nearest = np.full((len(points), len(slices), neighbours), np.inf, np.float32)
    who = np.zeros(nearest.shape, np.int32)

    def radii_of(task: tuple[int, slice]) -> NDArray[np.float32]:
        own, rows = task
        # The k nearest of several parts together are among the k nearest of each part.
        for number, part in enumerate(slices):
            squares = points.squares_to(rows, points, part)
            if part is slices[own]:
                itself = np.arange(rows.start, rows.stop) - part.start
                squares[np.arange(len(squares)), itself] = np.inf
            columns = _smallest(squares, neighbours)
            found = columns.shape[1]
            nearest[rows, number, :found] = np.take_along_axis(squares, columns, axis=1)
            who[rows, number, :found] = columns + part.start
        together = [np.ones(len(slices), bool), *(half == half[own] for half in HALVES)]
        tile = nearest[rows]
        return np.stack(
            [
                np.partition(tile[:, which].reshape(len(tile), -1), neighbours - 1, axis=1)[
                    :, neighbours - 1
                ]
                for which in together
            ]
        )

    radii = np.concatenate(list(each(radii_of, _tasks(slices))), axis=1)
    return Manifold(points, slices, neighbours, radii, nearest, who)


def _tasks(slices: list[slice]) -> list[tuple[int, slice]]:
    """For each tile its part's number and its rows."""
    return [(i, rows) for i, part in enumerate(slices) for rows in rows_of(part)]


def _smallest(squares: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Where the `count` smallest of each row are, or all if there are fewer, in any order.

    Many columns are first cut into groups. If a group without one of the `count` lowest minima
    had one of the smallest values, each of those groups would have a value at least as small. So
    those groups hold values equal to the smallest ones. This takes two fifths of the time.
    """
    rows, columns = squares.shape
    number = math.isqrt(count * columns)
    if columns < _FEW * number:
        return _places(squares, count)
    length = columns // number
    groups = squares[:, : length * number].reshape(rows, length, number)
    lowest = np.argpartition(groups.min(axis=1), count - 1, axis=1)[:, :count]
    where = (lowest[:, :, None] + number * np.arange(length)).reshape(rows, -1)
    rest = np.arange(length * number, columns)
    where = np.concatenate([where, np.broadcast_to(rest, (rows, len(rest)))], axis=1)
    among = np.take_along_axis(squares, where, axis=1)
    return np.take_along_axis(where, _places(among, count), axis=1)


def _places(squares: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    count = min(count, squares.shape[1])
    return np.argpartition(squares, count - 1, axis=1)[:, :count]


@dataclass(frozen=True)
class _Looks:
    """Counts between n real images (some, all of a half, or all) and M generated images.

    Parameters
    ----------
    balls : (M,)
        The number of real images' balls that contain each generated image.
    clipped_balls : (M,)
        The same, of balls that reach to the median radius at most.
    held : (n,)
        Whether each real image is in a generated image's ball.
    inside : (n,)
        The number of generated images in each real image's ball.
    """

    balls: NDArray[np.int64]
    clipped_balls: NDArray[np.int64]
    held: NDArray[np.bool_]
    inside: NDArray[np.int64]

    @classmethod
    def at(
        cls, squares: NDArray, real: NDArray, generated: NDArray, median: np.float32
    ) -> "_Looks":
        """From squared distances (n, M), squared radii (n,) and (M,), and the median of all."""
        within = squares < real[:, None]
        clipped_within = squares <= np.minimum(real, median)[:, None]
        return cls(
            # Sums of 8-bit numbers are fast; n < 256. M may be larger.
            np.add.reduce(within.view(np.uint8), axis=0, dtype=np.uint8).astype(np.int64),
            np.add.reduce(clipped_within.view(np.uint8), axis=0, dtype=np.uint8).astype(np.int64),
            (squares < generated).any(axis=1),
            np.count_nonzero(within, axis=1),
        )

    @classmethod
    def among(
        cls, squares: NDArray, real: NDArray, generated: NDArray, medians: NDArray
    ) -> "list[_Looks]":
        """`at` for each of R pairs of radii, (R, n) and (R, M), and medians (R,).

        Nearly all pairs of images are further apart than any of their radii. So the near pairs
        are found once, and only these are compared with each radius. If they are many, all are.
        """
        near = squares <= real.max(axis=0)[:, None]
        near |= squares < generated.max(axis=0)
        pairs = np.flatnonzero(near)
        if len(pairs) > _SPARSE * near.size:
            return [cls.at(squares, *radii) for radii in zip(real, generated, medians, strict=True)]
        row, column = np.divmod(pairs, squares.shape[1])
        distance = squares.ravel()[pairs]
        reach = real[:, row]
        within = distance < reach
        clipped_within = distance <= np.minimum(reach, medians[:, None])
        held = np.zeros(real.shape, bool)
        which, pair = np.nonzero(distance < generated[:, column])
        held[which, row[pair]] = True
        return [
            cls(*each_look)
            for each_look in zip(
                _counts(within, column, generated.shape),
                _counts(clipped_within, column, generated.shape),
                held,
                _counts(within, row, real.shape),
                strict=True,
            )
        ]

    @classmethod
    def beside(cls, looks: Sequence["_Looks"]) -> "_Looks":
        """Combine the counts of the same real images with several groups of generated images."""
        return cls(
            np.concatenate([look.balls for look in looks]),
            np.concatenate([look.clipped_balls for look in looks]),
            np.logical_or.reduce([look.held for look in looks]),
            np.add.reduce([look.inside for look in looks]),
        )

    def measures(self, neighbours: int, own: _Own) -> dict[str, float]:
        """All measures; the clipped two may be above 1 here."""
        return {
            "precision": float(np.mean(self.balls > 0)),
            "recall": float(np.mean(self.held)),
            "density": float(np.mean(self.balls)) / neighbours,
            "coverage": float(np.mean(self.inside > 0)),
            "clipped_density": clipped.clipped_mean(self.clipped_balls, neighbours) / own.share,
            "clipped_coverage": clipped.share_of_good(
                clipped.clipped_mean(self.inside, neighbours),
                len(self.inside),
                len(self.balls),
                neighbours,
            ),
        }


def _counts(chosen: NDArray[np.bool_], where: NDArray, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """How often each place is among the chosen of (R, pairs): (R, size) of pairs' places."""
    which, pair = np.nonzero(chosen)
    return np.bincount(which * shape[1] + where[pair], minlength=math.prod(shape)).reshape(shape)


class _Below:
    """Combines the counts of the same generated images with several groups of real images.

    Each group's `balls` has an entry per generated image, so they are summed at once.
    """

    def __init__(self) -> None:
        self._balls: NDArray[np.int64] | None = None
        self._clipped_balls: NDArray[np.int64] | None = None
        self._held: list[NDArray[np.bool_]] = []
        self._inside: list[NDArray[np.int64]] = []

    def add(self, look: _Looks) -> None:
        """Add the counts with the next group."""
        if self._balls is None or self._clipped_balls is None:
            self._balls, self._clipped_balls = np.zeros((2, len(look.balls)), np.int64)
        self._balls += look.balls
        self._clipped_balls += look.clipped_balls
        self._held.append(look.held)
        self._inside.append(look.inside)

    def together(self) -> _Looks:
        """The counts with all groups; there must be at least one."""
        assert self._balls is not None
        assert self._clipped_balls is not None
        return _Looks(
            self._balls,
            self._clipped_balls,
            np.concatenate(self._held),
            np.concatenate(self._inside),
        )


def compare(real: Manifold, generated: Manifold) -> dict[str, Estimate]:
    """All measures, for sets with the same k.

    The values are those of the authors' code, which stores whole matrices (a test compares them).
    The errors are those of half samples, and never smaller than the error of a mean over so many
    independent images (of balls, for density).

    They were simulated with k = 5: one Gaussian, or ten clusters of unequal width, in 8 and 20
    dimensions; generated images alike, narrower, wider, shifted little or far, or without four of
    the clusters. The errors of shares from 0.02 to 0.98, over the true spread, were

    - 0.7 to 1.5 with 200 images of each kind,
    - 0.7 to 1.2 with 300 and with 1,000 (30 to 80 draws of each, so each factor is itself right by
      about a tenth),
    - 0.8 to 1.7 with 10,000 (10 draws, 8 dimensions, clusters; right by about a quarter),

    and those of density 0.6 to 2.7, 0.65 to 1.6, 0.7 to 1.2 and 1.3 to 1.4. So the errors are right
    within a factor of 1.7 from 200 images on, for density from 300 on. Nearer to 0 and 1 the errors
    of shares are too large, 1 to 6 times: so few images cannot distinguish 1 from 0.99.
    """

    whole_own, *sides_own = real.among_themselves()

    def look(task: tuple[int, slice]) -> tuple[_Looks, dict[int, _Looks]]:
        own, rows = task
        whole: list[_Looks] = []
        halves: dict[int, list[_Looks]] = {half: [] for half in range(len(HALVES))}
        medians = [sides_own[2 * half + HALVES[half, own]].median for half in range(len(HALVES))]
        limits = np.array([whole_own.median, *medians])
        for part, columns in enumerate(generated.slices):
            squares = real.points.squares_to(rows, generated.points, columns)
            same = np.flatnonzero(HALVES[:, own] == HALVES[:, part])
            index = np.concatenate([[0], 1 + same])
            first, *others = _Looks.among(
                squares, real.radii[index, rows], generated.radii[index, columns], limits[index]
            )
            whole.append(first)
            for half, found in zip(same, others, strict=True):
                halves[int(half)].append(found)
        return _Looks.beside(whole), {half: _Looks.beside(halves[half]) for half in halves}

    tasks = _tasks(real.slices)
    all_of_them = _Below()
    sides = [(_Below(), _Below()) for _ in HALVES]
    for (own, _), (seen, seen_in_halves) in zip(tasks, each(look, tasks), strict=True):
        all_of_them.add(seen)
        for half, looks in seen_in_halves.items():
            sides[half][int(HALVES[half, own])].add(looks)

    every = all_of_them.together()
    whole = every.measures(real.neighbours, whole_own)
    pairs = [
        tuple(
            side.together().measures(real.neighbours, sides_own[2 * half + place])
            for place, side in enumerate(both)
        )
        for half, both in enumerate(sides)
    ]
    least = _least(every, real.neighbours, whole, whole_own)
    return {
        name: at_least(
            least[name],
            half_samples(
                min(value, 1.0) if name in clipped.NAMES else value,
                [(one[name], other[name]) for one, other in pairs],
            ),
        )
        for name, value in whole.items()
    }


def _least(
    seen: _Looks, neighbours: int, found: Mapping[str, float], own: _Own
) -> dict[str, float]:
    """The errors from drawing the images of each mean alone, with the other set fixed."""
    real, generated = len(seen.inside), len(seen.balls)
    precise = of_share(found["precision"], generated)
    deviation = max(precise, float(np.std(seen.balls)) / math.sqrt(generated))
    clipped_share = of_share(min(found["clipped_density"], 1.0), generated)
    steeper = clipped.slope(real, generated, neighbours, found["clipped_coverage"])
    return {
        "precision": precise,
        "recall": of_share(found["recall"], real),
        "density": deviation / neighbours,
        "coverage": of_share(found["coverage"], real),
        "clipped_density": max(
            clipped_share / neighbours,
            clipped.error_of_mean(seen.clipped_balls, neighbours) / own.share,
        ),
        "clipped_coverage": steeper
        * max(of_share(0.0, real) / neighbours, clipped.error_of_mean(seen.inside, neighbours)),
    }
