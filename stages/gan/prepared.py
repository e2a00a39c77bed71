"""The prepared data set: arrays on disk that training and evaluation read by memory map.

    <split>_images.npy    (N, channels, height, width) float16 in [-1, 1]
    <split>_latents.npy   (N, latent_size) float32, one latent code attached to each image
    <split>_labels.npy    (N,) uint8, where the data has labels
    prepared.json         shapes, counts, rejected files, where the data came from

for the splits `train` and `test`. float16 keeps each of the 256 levels apart and halves
what the cache has to hold.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.arrays import read_array
from stages.gan.errors import UserError
from stages.gan.files import read_json, write_json
from stages.gan.randomness import latent_codes, stream

SPLITS = ("train", "test")
_DESCRIPTION = "prepared.json"
_BLOCK = 2048


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
    """8-bit levels to [-1, 1]: (x - 127.5) / 127.5.

    Examples
    --------
    >>> normalise(np.array([0, 255], np.uint8)).tolist()
    [-1.0, 1.0]
    """
    return ((pixels.astype(np.float32) - 127.5) / 127.5).astype(np.float16)


def to_pixels(images: NDArray[Any]) -> NDArray[np.uint8]:
    """[-1, 1] back to the nearest 8-bit level; what lies outside is cut, NaN is black."""
    levels = np.nan_to_num(np.rint(images.astype(np.float32) * 127.5 + 127.5))
    return np.clip(levels, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Split:
    """One split: arrays of equal length, opened by memory map."""

    images: NDArray[np.float16]
    latents: NDArray[np.float32]
    labels: NDArray[np.uint8] | None

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: NDArray[np.integer]) -> NDArray[np.float32]:
        """The images at those indices as contiguous float32 (N, channels, height, width)."""
        return self.images[indices].astype(np.float32)


def open_array(folder: Path, name: str, shape: tuple[int, ...], kind: type) -> np.memmap:
    """Make an array file to be filled piece by piece, so memory does not grow with it.

    Its room on disk is taken at once: a full disk is then an error here, and not a crash when
    the mapped memory is written.
    """
    file = folder / f"{name}.npy"
    array = np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:
            try:
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(file)) from None
    return array


def describe(folder: Path, description: dict[str, Any]) -> None:
    """Write what is known about the prepared data beside it."""
    write_json(folder / _DESCRIPTION, description)


def description(folder: Path) -> dict[str, Any]:
    """Read what `describe` wrote.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    return read_json(folder / _DESCRIPTION)


def load(folder: Path, split: str) -> Split:
    """Open one split by memory map.

    Raises
    ------
    UserError
        If a file is missing, damaged, or does not fit the others.
    """
    images = _open(folder / f"{split}_images.npy", np.float16)
    latents = _open(folder / f"{split}_latents.npy", np.float32)
    label_file = folder / f"{split}_labels.npy"
    labels = _open(label_file, np.uint8) if label_file.exists() else None
    lengths = {array.shape[:1] for array in (images, latents, labels) if array is not None}
    if len(lengths) != 1 or images.ndim != 4 or latents.ndim != 2:
        raise UserError(
            f"{folder}: images {images.shape} and latents {latents.shape} of the {split} split "
            "do not fit each other: remove the folder and run `dvc repro`"
        )
    return Split(images, latents, labels)


def _open(source: Path, kind: type) -> NDArray[Any]:
    try:
        array = read_array(source)
    except FileNotFoundError:
        raise UserError(f"{source} is missing: run `dvc repro` first") from None
    except UserError as error:
        raise UserError(f"{error}: remove it and run `dvc repro`") from None
    if array.dtype != kind:
        raise UserError(
            f"{source} is damaged (it holds {array.dtype}, valid is {np.dtype(kind)}): remove it "
            "and run `dvc repro`"
        )
    return array


@dataclass(frozen=True)
class Prepared:
    """What a format's reader made of raw files.

    `counts` holds the images of each split, `rejected` the reason for each skipped file.
    """

    counts: dict[str, int]
    rejected: dict[str, str]


def write_images(
    folder: Path, split: str, pixels: NDArray[np.uint8], order: NDArray[np.integer]
) -> None:
    """Write pixels[order] normalised as the split's images, in blocks of bounded memory.

    Parameters
    ----------
    pixels : (N, channels, height, width)
    order : (M,) indices into pixels
    """
    images = open_array(folder, f"{split}_images", (len(order), *pixels.shape[1:]), np.float16)
    for start in range(0, len(order), _BLOCK):
        images[start : start + _BLOCK] = normalise(pixels[order[start : start + _BLOCK]])
    images.flush()


def attach_latents(folder: Path, counts: dict[str, int], size: int, seed: int) -> None:
    """Write one latent code z ~ N(0, I) for each image of each split."""
    for position, split in enumerate(SPLITS):
        latents = open_array(folder, f"{split}_latents", (counts[split], size), np.float32)
        draw = stream(seed, "attached latents", position)
        for start in range(0, counts[split], _BLOCK):
            block = latents[start : start + _BLOCK]
            block[:] = latent_codes(draw, len(block), size)
        latents.flush()
