"""Reads IDX files (LeCun's format of MNIST) as arrays; every header is checked before use."""

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.gan.common.errors import UserError
from stages.gan.data.prepared import SPLITS, Prepared, array_files, write_images
from stages.gan.data.raw.idx import raw
from stages.gan.params import Preprocess

_UNSIGNED_BYTE = 0x08


def parse(content: bytes, dimensions: int, name: str) -> NDArray[np.uint8]:
    """Parse the bytes of an IDX file of unsigned bytes.

    Parameters
    ----------
    content : bytes
        Magic 0, 0, 8, dimensions; the big-endian 32-bit sizes; then the values.
    dimensions : int
        The number of dimensions that the array must have.
    name : str
        The file's name, for errors.

    Returns
    -------
    uint8 array, read-only, over the same bytes

    Raises
    ------
    UserError
        If the magic is wrong, or there are fewer or more bytes than the sizes say.

    Examples
    --------
    >>> parse(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), 1, "labels").tolist()
    [7, 9]
    """
    magic = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if content[:4] != magic:
        raise UserError(
            f"{name} has the magic number 0x{content[:4].hex()}, but IDX files of unsigned "
            f"bytes in {dimensions} dimensions begin with 0x{magic.hex()}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(f"{name} has {len(content)} bytes, too few for its header of {start}")
    sizes = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start + math.prod(sizes)
    if len(content) != expected:
        raise UserError(
            f"{name} has {len(content):,} bytes, but its header says "
            f"{' x '.join(map(str, sizes))}: {expected:,} bytes"
        )
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)
    except ValueError as error:  # there are no values (a size is 0), but another size is huge
        raise UserError(f"{name}: its header says {' x '.join(map(str, sizes))}: {error}") from None


def read(file: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file; see `parse`."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run `dvc repro` to fetch it") from None
    return parse(content, dimensions, file.name)


def read_split(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, height, width) and labels (N,) of the split `train` or `test`.

    Raises
    ------
    UserError
        If a file is damaged or the counts differ.
    """
    names = {
        "train": (raw.TRAIN_IMAGES, raw.TRAIN_LABELS),
        "test": (raw.TEST_IMAGES, raw.TEST_LABELS),
    }
    image_name, label_name = names[split]
    images = read(folder / image_name, 3)
    labels = read(folder / label_name, 1)
    if len(images) != len(labels):
        raise UserError(
            f"{image_name} holds {len(images)} images but {label_name} {len(labels)} labels"
        )
    if images.size == 0:
        raise UserError(f"{image_name} holds no images")
    return images, labels


def prepare(source: Path, target: Path, settings: Preprocess) -> Prepared:
    """Write images and labels of both splits into `target`; the split is that of the files."""
    counts = {}
    for split in SPLITS:
        images, labels = read_split(source, split)
        limit = settings.maximum_images if split == "train" else settings.test_maximum
        images, labels = images[:limit], labels[:limit]
        pixels = _fit(images, settings.image_size, settings.channels)
        write_images(target, split, pixels, np.arange(len(pixels)))
        array_files.make(target, f"{split}_labels", labels.shape, np.uint8).write(0, labels)
        counts[split] = len(pixels)
    return Prepared(counts, {})


def _fit(images: NDArray[np.uint8], size: int, channels: int) -> NDArray[np.uint8]:
    """Grey images (N, height, width) as (N, channels, size, size)."""
    if images.shape[1:] != (size, size):
        resized = [
            np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
            for image in images
        ]
        images = np.stack(resized)
    return np.broadcast_to(images[:, None], (len(images), channels, size, size))
