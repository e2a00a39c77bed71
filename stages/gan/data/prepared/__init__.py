"""The prepared data set: arrays on disk that training and evaluation read by memory map.

    <split>_images.npy    (N, channels, height, width) float16 in [-1, 1]
    <split>_latents.npy   (N, latent_size) float32, one latent code attached to each image
    <split>_labels.npy    (N,) uint8, where the data has labels
    prepared.json         shapes, counts, what was left out, copies, source of the data

The splits are `train` and `test`. float16 distinguishes all 256 levels and needs half the
memory of float32.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json, write_json
from stages.gan.common.language import _
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data.prepared import array_files
from stages.gan.data.prepared.array_files import ArrayFile
from stages.gan.data.prepared.arrays import are_finite, check_values, open_made

SPLITS = ("train", "test")
_DESCRIPTION = "prepared.json"
_KEYS = (
    "source", "bundled", "image_shape", "latent_size", "counts", "rejected", "beyond_maximum",
    "left_out", "copies", "told",
)  # fmt: skip
_BLOCK = 2048
# To look a value up takes half the time of computing it; two values at once take half of that.
_VALUES = ((np.arange(256, dtype=np.float32) - 127.5) / 127.5).astype(np.float16)
_PAIRS = _VALUES[np.arange(1 << 16, dtype=np.uint16).view(np.uint8)].view(np.uint32)


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
    """8-bit levels to [-1, 1]: (x - 127.5) / 127.5.

    Examples
    --------
    >>> normalise(np.array([0, 255], np.uint8)).tolist()
    [-1.0, 1.0]
    """
    if pixels.size % 2:
        return _VALUES[pixels]
    pairs = np.ascontiguousarray(pixels).reshape(-1).view(np.uint16)
    # Every pair is in the table; "clip" only saves a check.
    return np.take(_PAIRS, pairs, mode="clip").view(np.float16).reshape(pixels.shape)


def to_pixels(images: NDArray[Any]) -> NDArray[np.uint8]:
    """[-1, 1] to the nearest 8-bit level. Values outside are clipped; NaN becomes black."""
    levels = np.array(images, np.float32)  # one copy; all further steps work in place
    levels *= 127.5
    levels += 127.5
    np.rint(levels, out=levels)
    np.nan_to_num(levels, copy=False)
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


def to_levels(images: NDArray[Any]) -> NDArray[np.float16]:
    """Images (N, ...) in [-1, 1] at the nearest 8-bit levels, as real images are stored.

    It works in blocks: apart from the result, memory does not grow with N.
    """
    levels = np.empty(images.shape, np.float16)
    for part in array_files.blocks(len(images), images.shape[1:], _BLOCK):
        levels[part] = normalise(to_pixels(images[part]))
    return levels


def at_levels(images: NDArray[Any]) -> NDArray[np.float32]:
    """`to_levels` of a batch, in float32. With a table, float16 takes an eighth of the time."""
    return _by_table(_levels, images)


def as_single(images: NDArray[Any]) -> NDArray[np.float32]:
    """Images as float32, with the bits of `astype`. With a table, float16 takes half the time."""
    return _by_table(_singles, images)


def _levels(images: NDArray[Any]) -> NDArray[np.float32]:
    return to_levels(images).astype(np.float32)


def _singles(images: NDArray[Any]) -> NDArray[np.float32]:
    return images.astype(np.float32)


def _by_table(
    function: Callable[[NDArray[Any]], NDArray[np.float32]], images: NDArray[Any]
) -> NDArray[np.float32]:
    """`function`, which treats each number by itself; of float16 it is looked up."""
    if images.dtype != np.float16:
        return function(images)
    return np.take(_of_each(function), images.view(np.uint16), mode="clip")


@functools.cache
def _of_each(function: Callable[[NDArray[Any]], NDArray[np.float32]]) -> NDArray[np.float32]:
    """What it gives for each of the 65,536 numbers of float16, by their bits."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(invalid="ignore"):  # some are NaN
        return function(every)


@dataclass(frozen=True)
class Split:
    """One split: arrays of equal length, opened by memory map."""

    images: NDArray[np.float16]
    latents: NDArray[np.float32]
    labels: NDArray[np.uint8] | None

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: NDArray[np.integer]) -> NDArray[np.float32]:
        """The images at `indices` as contiguous float32 (N, channels, height, width)."""
        return as_single(array_files.rows(self.images, indices))

    def codes(self, indices: NDArray[np.integer]) -> NDArray[np.float32]:
        """The latent codes attached to the images at `indices`: (N, latent_size), in memory."""
        return array_files.rows(self.latents, indices)

    def only(self, kept: NDArray[np.integer]) -> "Split":
        """These images of the split alone; the arrays stay where they are."""
        return _Part(self.images, self.latents, self.labels, kept)


@dataclass(frozen=True)
class _Part(Split):
    """Some images of a split. `images` and the other arrays are still those of all images."""

    kept: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.kept)

    def batch(self, indices: NDArray[np.integer]) -> NDArray[np.float32]:
        return super().batch(self.kept[indices])

    def codes(self, indices: NDArray[np.integer]) -> NDArray[np.float32]:
        return super().codes(self.kept[indices])


def describe(folder: Path, description: dict[str, Any]) -> None:
    """Write the description of the prepared data beside it."""
    write_json(folder / _DESCRIPTION, description)


def description(folder: Path) -> dict[str, Any]:
    """Read what `describe` wrote.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    return read_json(folder / _DESCRIPTION, *_KEYS)


def load(folder: Path, split: str) -> Split:
    """Open one split by memory map.

    Raises
    ------
    UserError
        If a file is missing or damaged, does not fit the other files, or holds values that are
        not valid for images or latent codes.
    """
    images = open_made(folder / f"{split}_images.npy", np.float16)
    latents = open_made(folder / f"{split}_latents.npy", np.float32)
    label_file = folder / f"{split}_labels.npy"
    labels = open_made(label_file, np.uint8) if label_file.exists() else None
    lengths = {array.shape[:1] for array in (images, latents, labels) if array is not None}
    if len(lengths) != 1 or images.ndim != 4 or latents.ndim != 2:
        raise UserError(
            _(
                "{folder}: images {shape} and latents {codes} of the {split} split do not "
                "fit each other: remove the folder and run `dvc repro`"
            ).format(folder=folder, shape=images.shape, codes=latents.shape, split=split)
        )
    for name, array, sound, valid in (
        ("images", images, _are_levels, _("values in [-1, 1]")),
        ("latents", latents, are_finite, _("finite numbers")),
    ):
        check_values(folder / f"{split}_{name}.npy", array, sound, valid)
    return Split(images, latents, labels)


def _are_levels(images: NDArray[np.float16]) -> bool:
    # Bits are compared, which is ten times as fast. Without its sign bit a float16 is above 1,
    # infinite or NaN exactly when its bits are above those of 1.
    magnitudes = images.view(np.uint16) & 0x7FFF
    return not (magnitudes > np.float16(1).view(np.uint16)).any()


@dataclass(frozen=True)
class Prepared:
    """What a format's reader has made from raw files.

    Parameters
    ----------
    counts : dict
        The images of each split.
    rejected : dict
        The reason for each skipped file.
    copies : dict
        What was found about copies, and what was done; see raw.copies.
    beyond_maximum : int
        Images that are not used because of maximum_images or test_maximum.
    several_frames : int
        Files with more than one image, of which the first is used.
    values : str
        How the values of the files became levels, in words.
    """

    counts: dict[str, int]
    rejected: dict[str, str]
    copies: dict[str, Any]
    beyond_maximum: int
    several_frames: int
    values: str


def write_images(
    folder: Path, split: str, pixels: NDArray[np.uint8], order: NDArray[np.integer]
) -> None:
    """Normalise pixels[order] and write them as the split's images, in blocks of bounded memory.

    Parameters
    ----------
    pixels : (N, channels, height, width)
    order : (M,) indices into pixels
    """
    images = make_images(folder, split, (len(order), *pixels.shape[1:]))
    for part in array_files.blocks(len(order), pixels.shape[1:], _BLOCK):
        images.write(part.start, normalise(pixels[order[part]]))


def make_images(folder: Path, split: str, shape: tuple[int, ...]) -> ArrayFile:
    """Make the file for the split's normalised images; the images are written later."""
    return array_files.make(folder, f"{split}_images", shape, np.float16)


def attach_latents(folder: Path, counts: dict[str, int], size: int, seed: int) -> None:
    """Write one latent code z ~ N(0, I) for each image of each split."""
    for position, split in enumerate(SPLITS):
        latents = array_files.make(folder, f"{split}_latents", (counts[split], size), np.float32)
        draw = stream(seed, "attached latents", position)
        for part in array_files.blocks(counts[split], (size,), _BLOCK):
            latents.write(part.start, latent_codes(draw, part.stop - part.start, size))
