"""Reads the arrays of IDX and .npy files: headers are checked, values become levels or labels.

idx2numpy is not used: it reads a file whole into memory, lets a header that lies ask for any amount
of it, and needs `six`. Here a file is opened by memory map after its header was compared with its
size.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.prepared.array_files import blocks, let_go
from stages.gan.data.prepared.arrays import read_array

# LeCun's types of number by their code in the third byte; numbers are big-endian.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NPY = b"\x93NUMPY"
_MOST_DIMENSIONS = 4
_MODES = {1: "L", 3: "RGB"}
_BLOCK = 1024
# Floats may pass the ends of their range by this share, because of rounding.
_ROUNDING = 1e-3


def read(file: Path) -> NDArray[Any]:
    """Open an IDX or .npy file by memory map.

    Returns
    -------
    (N, ...) array, read-only, of whole numbers or floats

    Raises
    ------
    UserError
        If the file is missing or of another kind, its type or number of dimensions is not known,
        it holds no values, or there are fewer or more bytes than the header says.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(4 + 4 * 255)
    except FileNotFoundError:
        raise UserError(
            _("{file} is missing: run `dvc repro` to fetch it").format(file=file)
        ) from None
    if start.startswith(_NPY):
        array = read_array(file)
        if array.ndim == 0 or not array.size:
            raise UserError(
                _("{name} holds no values: its shape is {shape}").format(
                    name=file.name, shape=array.shape
                )
            )
        return array
    kind, sizes, offset = header(start, file.stat().st_size, file.name)
    return np.memmap(file, kind, "r", offset, sizes)


def header(start: bytes, length: int, name: str) -> tuple[np.dtype, tuple[int, ...], int]:
    """The type of number, the sizes, and where the values begin in an IDX file.

    Parameters
    ----------
    start : bytes
        The file's beginning: 0, 0, type, dimensions; then the big-endian 32-bit sizes.
    length : int
        The file's size in bytes.
    name : str
        The file's name, for errors.

    Raises
    ------
    UserError
        See `read`.

    Examples
    --------
    >>> header(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), 10, "labels")
    (dtype('uint8'), (2,), 8)
    """
    if len(start) < 4 or start[0] or start[1]:
        raise UserError(
            _(
                "{name} has the magic number 0x{start}, but IDX files begin with 0x0000 "
                "and the type of number"
            ).format(name=name, start=start[:4].hex())
        )
    code, dimensions = start[2], start[3]
    if code not in _TYPES:
        known = ", ".join(f"0x{each:02x} {np.dtype(kind).name}" for each, kind in _TYPES.items())
        raise UserError(
            _("{name} holds numbers of the unknown type 0x{code:02x}: valid is {known}").format(
                name=name, code=code, known=known
            )
        )
    kind = np.dtype(_TYPES[code])
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise UserError(
            _("{name} holds {kind} in {dimensions} dimensions: valid are 1 to {most}").format(
                name=name, kind=kind.name, dimensions=dimensions, most=_MOST_DIMENSIONS
            )
        )
    offset = 4 + 4 * dimensions
    if len(start) < offset:
        raise UserError(
            _("{name} has {length} bytes, too few for its header of {offset}").format(
                name=name, length=len(start), offset=offset
            )
        )
    sizes = struct.unpack(f">{dimensions}I", start[4:offset])
    said = _("its header says {sizes}").format(sizes=" x ".join(map(str, sizes)))
    expected = offset + math.prod(sizes) * kind.itemsize
    if length != expected:
        other = struct.unpack(f"<{dimensions}I", start[4:offset])
        is_reverse = length == offset + math.prod(other) * kind.itemsize
        raise UserError(
            _("{name} has {length:,} bytes, but {said} of {kind}: {expected:,} bytes").format(
                name=name, length=length, said=said, kind=kind.name, expected=expected
            )
            + (_(" (its sizes are little-endian, and IDX is big-endian)") if is_reverse else "")
        )
    if not math.prod(sizes):
        raise UserError(_("{name} holds no values: {said}").format(name=name, said=said))
    return kind, sizes, offset


def check_images(images: NDArray[Any], name: str) -> None:
    """Check that an array holds grey or colour images.

    Raises
    ------
    UserError
        If its shape is neither (N, height, width) nor (N, height, width, 1 or 3).
    """
    if images.ndim == 3 or (images.ndim == 4 and images.shape[3] in _MODES):
        return
    shape = " x ".join(map(str, images.shape))
    raise UserError(
        _(
            "{name} holds {kind} in {dimensions} dimensions, {shape}: valid are images, N "
            "x height x width, for grey, or N x height x width x 3, for colour: bring them "
            "into that shape"
        ).format(name=name, kind=images.dtype.name, dimensions=images.ndim, shape=shape)
    )


@dataclass(frozen=True)
class Levels:
    """How values become 8-bit levels: level = factor * value + offset, rounded; and in words."""

    factor: float
    offset: float
    words: str

    def of(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """The levels of values."""
        if values.dtype == np.uint8 and self.factor == 1.0 and not self.offset:
            return np.asarray(values)
        levels = np.asarray(values, np.float64) * self.factor + self.offset
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def levels_of(arrays: dict[str, NDArray[Any]]) -> Levels:
    """How the values of all images of a set become levels: one way for all its files.

    Whole numbers are levels from 0 to 255; if none is above 1, they are black and white. Floats lie
    in [0, 1], in [-1, 1], or in [0, 255]: the first of these that holds all of them is taken.

    Parameters
    ----------
    arrays : dict
        The names of the files, for errors, and their images.

    Raises
    ------
    UserError
        If values are not finite or in none of these ranges.
    """
    ranges = {name: _range(array) for name, array in arrays.items()}
    low = min(low for low, _ in ranges.values())
    high = max(high for _, high in ranges.values())
    kinds = sorted({array.dtype.name for array in arrays.values()})
    if all(array.dtype.kind in "iu" for array in arrays.values()):
        if low >= 0 and high == 1:
            return Levels(255.0, 0.0, f"{', '.join(kinds)}: 0 black, 1 white")
        if low >= 0 and high <= 255:
            return Levels(1.0, 0.0, f"{', '.join(kinds)}: levels from 0 to 255")
    else:
        for floor, ceiling in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
            slack = _ROUNDING * (ceiling - floor)
            if floor - slack <= low and high <= ceiling + slack:
                factor = 255.0 / (ceiling - floor)
                words = f"{', '.join(kinds)}: {floor:g} black, {ceiling:g} white"
                return Levels(factor, -floor * factor, words)
    found = _("from {low:g} to {high:g}").format(low=low, high=high)
    if not math.isfinite(low):
        found = _("with values that are not finite (or their bytes stand in the wrong order)")
    raise UserError(
        _(
            "{arrays}: {kinds} {found}: valid are whole numbers from 0 to 255 (or 0 and "
            "1), and floats in [0, 1], [-1, 1] or [0, 255]: scale them before"
        ).format(arrays=", ".join(arrays), kinds=", ".join(kinds), found=found)
    )


def _range(array: NDArray[Any]) -> tuple[float, float]:
    """The smallest and the largest value; NaN if one is NaN, so that no range holds them."""
    low, high = math.inf, -math.inf
    for part in blocks(len(array), array.shape[1:], _BLOCK):
        low, high = min(low, float(array[part].min())), max(high, float(array[part].max()))
        if not (math.isfinite(low) and math.isfinite(high)):
            return math.nan, math.nan
        let_go(array.base if isinstance(array.base, np.memmap) else array)
    return low, high


def labels_of(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """The labels (N,) in an array of labels.

    One column is the label itself. Of rows with a single 1 and else 0 (one-hot) its place is the
    label. Of other rows, such as QMNIST's 8 columns, the first column is.

    Raises
    ------
    UserError
        If there are more than two dimensions, or labels other than whole numbers from 0 to 255.
    """
    if array.ndim > 2:
        shape = " x ".join(map(str, array.shape))
        raise UserError(
            _(
                "{name} holds {kind} in {dimensions} dimensions, {shape}: valid are "
                "labels, N or N x columns"
            ).format(name=name, kind=array.dtype.name, dimensions=array.ndim, shape=shape)
        )
    values = np.asarray(array)
    if values.ndim == 2:
        is_one_hot = values.shape[1] > 1 and bool(
            ((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all()
        )
        values = values.argmax(axis=1) if is_one_hot else values[:, 0]
    if not ((values >= 0) & (values <= 255) & (values == np.rint(values))).all():
        raise UserError(
            _(
                "{name} holds labels from {low:g} to {high:g}: valid are whole numbers "
                "from 0 to 255; without the file the set has no labels"
            ).format(name=name, low=float(values.min()), high=float(values.max()))
        )
    return values.astype(np.uint8)


def fitted(
    levels: NDArray[np.uint8], size: int, channels: int, transposed: bool
) -> NDArray[np.uint8]:
    """Images (N, height, width) or (N, height, width, 1 or 3) as (N, channels, size, size).

    Of an image that is not square the central square is used.
    """
    if levels.ndim == 4 and levels.shape[3] == 1:
        levels = levels[..., 0]
    if transposed:
        levels = levels.swapaxes(1, 2)
    height, width = levels.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    levels = levels[:, top : top + side, left : left + side]
    if levels.ndim == 4 and channels == 1:
        pictures = [Image.fromarray(np.ascontiguousarray(image)).convert("L") for image in levels]
        levels = np.stack([np.asarray(picture) for picture in pictures])
    if side != size:
        levels = np.stack(
            [
                np.asarray(
                    Image.fromarray(np.ascontiguousarray(image)).resize(
                        (size, size), Image.Resampling.BICUBIC
                    )
                )
                for image in levels
            ]
        )
    if levels.ndim == 4:
        return levels.transpose(0, 3, 1, 2)
    return np.broadcast_to(levels[:, None], (len(levels), channels, size, size))
