"""Finds copies among real images, and draws splits in which no copy stands on both sides.

Two images are copies if all their pixels are equal as prepared: cropped, resized, at 8-bit levels.
So an image is a copy of another in whatever file, format or folder it lies. Held-out images that
are trained on as well would make memorisation and every other comparison with held-out images
wrong.

Near copies, such as the same picture saved again as a JPEG, are only counted: an image is one if it
differs from the other by less than a tenth of its own contrast (both root mean squares over all
values). They are searched for among images whose 8 x 8 grey thumbnails are near to each other.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.prepared.array_files import ArrayFile

Duplicates = Literal["one_side", "drop", "keep"]

NEAR = 0.1
_SIDE = 8
_DIGEST = 16
_CANDIDATES = 3
_BLOCK = 512
_PAIRS = 32
# Rounding a thumbnail to whole levels moves each of its values by 0.3 levels on average.
_ROUNDING = 0.6
# The contrast of a near copy differs by NEAR at most.
_SLACK = 1 + NEAR
_EXAMPLES = 3


class Seen(NamedTuple):
    """What is kept of N images to find copies: 84 bytes each.

    digests : (N,) 16 bytes, equal for equal pixels
    thumbnails : (N, 64) uint8, grey, each value the mean of its part of the image
    contrasts : (N,) float32, the standard deviation of all values, in levels
    """

    digests: NDArray[np.void]
    thumbnails: NDArray[np.uint8]
    contrasts: NDArray[np.float32]

    def rows(self, numbers: NDArray[np.integer]) -> "Seen":
        """What was seen of some of the images."""
        return Seen(*(each[numbers] for each in self))


def see(pixels: NDArray[np.uint8]) -> Seen:
    """Digest, thumbnail and contrast of images (N, channels, height, width)."""
    pixels = np.ascontiguousarray(pixels)
    digests = [hashlib.blake2b(image.data, digest_size=_DIGEST).digest() for image in pixels]
    _, _, height, width = pixels.shape
    grey = pixels.sum(axis=1, dtype=np.uint32)
    rows, columns = (np.arange(_SIDE) * side // _SIDE for side in (height, width))
    if height >= _SIDE and width >= _SIDE:
        grey = np.add.reduceat(np.add.reduceat(grey, rows, axis=1), columns, axis=2)
        heights, widths = np.diff([*rows, height]), np.diff([*columns, width])
        means = grey / (pixels.shape[1] * heights[:, None] * widths)
    else:
        means = grey[:, rows][:, :, columns] / pixels.shape[1]
    return Seen(
        np.frombuffer(b"".join(digests), np.dtype((np.void, _DIGEST))),
        np.rint(means).astype(np.uint8).reshape(len(pixels), -1),
        pixels.reshape(len(pixels), -1).std(axis=1, dtype=np.float32),
    )


def joined(parts: Sequence[Seen]) -> Seen:
    """What was seen of several lots of images, one lot after the other."""
    return Seen(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def firsts(digests: NDArray[np.void]) -> NDArray[np.int64]:
    """For each of N images the number of the first image with equal pixels, (N,).

    Examples
    --------
    >>> firsts(np.array([b"a", b"b", b"a"], np.dtype((np.void, 1)))).tolist()
    [0, 1, 0]
    """
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


@dataclass(frozen=True)
class Division:
    """Which images stand in which split, and what was found on the way.

    Parameters
    ----------
    rows : dict
        For each split the numbers of its images, ascending.
    exact : int
        Images that are copies of an earlier one.
    across : int
        Held-out images that are copies of training images. They stay only if copies are kept; a
        split that is drawn has none otherwise.
    left_out : int
        Images that stand in no split because they are copies.
    """

    rows: dict[str, NDArray[np.int64]]
    exact: int
    across: int
    left_out: int


def divide(
    first: NDArray[np.int64], duplicates: Duplicates, fraction: float, most: int, seed: int
) -> Division:
    """Draw a split of N images.

    Parameters
    ----------
    first : (N,)
        What `firsts` returned.
    duplicates : str
        one_side: all copies of an image stand in the same split | drop: only the first of them is
        used | keep: the split does not regard copies.
    fraction : float
        Share of the images that are held out, at least one, above 0 and below 1.
    most : int
        Largest number of held-out images. Copies are not torn apart for it: where each image has
        more copies, one image with its copies is held out.
    seed : int

    Raises
    ------
    UserError
        If all images are copies of one image, and copies are not kept.
    """
    count = len(first)
    kept = np.arange(count, dtype=np.int64)
    exact = int((first != kept).sum())
    if exact and exact == count - 1 and duplicates != "keep":
        raise UserError(
            _(
                "all {count:,} images are copies of one image, so none can be held out: "
                "valid are at least two different images, or preprocess.duplicates keep"
            ).format(count=count)
        )
    if duplicates == "drop":
        kept = np.flatnonzero(first == kept)
    wanted = min(max(1, round(len(kept) * fraction)), most)
    wanted = max(0, min(wanted, len(kept) - 1))
    order = stream(seed, "split").permutation(len(kept))
    held_out = order[:wanted]
    if exact and duplicates == "one_side":
        held_out = _whole_groups(first, order, wanted)
    is_held_out = np.zeros(len(kept), bool)
    is_held_out[held_out] = True
    rows = {"train": kept[~is_held_out], "test": kept[is_held_out]}
    across = int(np.isin(first[rows["test"]], first[rows["train"]]).sum())
    return Division(rows, exact, across, count - len(kept))


def _whole_groups(
    first: NDArray[np.int64], order: NDArray[np.int64], wanted: int
) -> NDArray[np.int64]:
    """The images to hold out: groups of copies in the order drawn, while they fit."""
    sizes = np.bincount(first, minlength=len(first))
    groups = first[order]
    _, appears = np.unique(groups, return_index=True)
    chosen, left = [], wanted
    for group in groups[np.sort(appears)]:
        if sizes[group] <= left:
            chosen.append(group)
            left -= sizes[group]
        if not left:
            break
    if not chosen:
        drawn = groups[np.sort(appears)]
        chosen = [drawn[sizes[drawn].argmin()]]
    return np.flatnonzero(np.isin(first, chosen))


def as_divided(first: NDArray[np.int64], training: int, duplicates: Duplicates) -> Division:
    """Keep the split that the files bring.

    Parameters
    ----------
    first : (N,)
        What `firsts` returned, for the training images and after them the held-out images.
    training : int
        The number of training images.
    duplicates : str
        one_side: held-out images that are copies of training images are left out | drop: every
        copy of an earlier image is | keep: none is.

    Raises
    ------
    UserError
        If no held-out image would be left.
    """
    numbers = np.arange(len(first), dtype=np.int64)
    is_copy = first != numbers
    is_across = (numbers >= training) & (first < training)
    is_left_out = {
        "one_side": is_across,
        "drop": is_copy,
        "keep": np.zeros(len(first), bool),
    }[duplicates]
    rows = {
        "train": np.flatnonzero(~is_left_out & (numbers < training)),
        "test": np.flatnonzero(~is_left_out & (numbers >= training)),
    }
    if not len(rows["test"]):
        raise UserError(
            _(
                "all {count:,} held-out images are copies of training images: valid is "
                "another test split, none at all (then one is drawn), or "
                "preprocess.duplicates keep"
            ).format(count=len(first) - training)
        )
    return Division(rows, int(is_copy.sum()), int(is_across.sum()), int(is_left_out.sum()))


@dataclass(frozen=True)
class Near:
    """How many held-out images are near copies of training images, and the first pairs.

    A pair is (row in the test split, row in the training split). Exact copies do not count.
    """

    count: int
    pairs: list[tuple[int, int]]


def near(train: Seen, test: Seen, images: dict[str, ArrayFile]) -> Near:
    """Search for held-out images that are near copies of training images.

    Parameters
    ----------
    train, test : Seen
        Of each split's images, in the order of its rows.
    images : dict
        The prepared images of both splits, values in [-1, 1].
    """
    from scipy.spatial import cKDTree  # late: the workers that decode images have no use for it

    tree = cKDTree(test.thumbnails.astype(np.float32))
    nearest: dict[int, int] = {}
    # Blocks of like contrast, because the search takes one reach for a block.
    order = np.argsort(train.contrasts, kind="stable")
    for start in range(0, len(order), _BLOCK):
        part = order[start : start + _BLOCK]
        reach = _SIDE * (_SLACK * NEAR * train.contrasts[part] + _ROUNDING)
        distances, found = tree.query(
            train.thumbnails[part].astype(np.float32),
            k=min(_CANDIDATES, len(test.digests)),
            distance_upper_bound=float(reach.max()),
        )
        distances, found = distances.reshape(len(reach), -1), found.reshape(len(reach), -1)
        block, column = np.nonzero(distances <= reach[:, None])
        ours, theirs = part[block], found[block, column]
        differ = train.digests[ours] != test.digests[theirs]
        _verify(ours[differ], theirs[differ], images, nearest)
    return Near(len(nearest), sorted(nearest.items())[:_EXAMPLES])


def _verify(
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    images: dict[str, ArrayFile],
    nearest: dict[int, int],
) -> None:
    """Add the pairs that are near copies, by all their pixels, to `nearest`."""
    for start in range(0, len(ours), _PAIRS):
        pair = slice(start, start + _PAIRS)
        known, held_out = (
            images[split][numbers[pair]].reshape(len(ours[pair]), -1).astype(np.float32)
            for split, numbers in (("train", ours), ("test", theirs))
        )
        distances = np.sqrt(np.mean((known - held_out) ** 2, axis=1))
        for index in np.flatnonzero(distances < NEAR * held_out.std(axis=1)):
            nearest.setdefault(int(theirs[pair][index]), int(ours[pair][index]))


def described(
    division: Division, found: Near, duplicates: Duplicates, name_of: Callable[[str, int], str]
) -> dict[str, Any]:
    """What prepared.json says about copies; `name_of` names the image of a split's row."""
    return {
        "duplicates": duplicates,
        "exact": division.exact,
        "across": division.across,
        "left_out": division.left_out,
        "near": found.count,
        "near_examples": [
            [name_of("test", held_out), name_of("train", known)] for held_out, known in found.pairs
        ],
    }


def lines(copies: dict[str, Any]) -> list[str]:
    """Sentences about copies; none if there are none."""
    told = []
    if number := copies["exact"]:
        across = copies["across"]
        fate = {
            ("one_side", False): _("all copies of an image stand on one side of the split"),
            ("one_side", True): _(
                "{across:,} of them were held out of what is trained on, and are left out"
            ).format(across=across),
            ("drop", False): _("only the first of each is used"),
            ("drop", True): _(
                "only the first of each is used; {across:,} of the others were held out of "
                "what is trained on"
            ).format(across=across),
            ("keep", False): _("none of them stands on both sides of the split"),
            ("keep", True): _(
                "{across:,} held-out images are trained on as well, so do not trust "
                "memorisation and near_copies"
            ).format(across=across),
        }[copies["duplicates"], bool(across)]
        told.append(
            _("exact copies of other images: {number:,} (duplicates: {duplicates}): {fate}").format(
                number=number, duplicates=copies["duplicates"], fate=fate
            )
        )
    if number := copies["near"]:
        pairs = "; ".join(
            _("{held_out} of {known}").format(held_out=held_out, known=known)
            for held_out, known in copies["near_examples"]
        )
        told.append(
            _(
                "held-out images that are near copies of training images: {number:,} "
                "({pairs}): copies that a generator makes are then harder to see"
            ).format(number=number, pairs=pairs)
        )
    return told
