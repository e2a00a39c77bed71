"""Images that a person gives to a tool: pictures, folders of them, and arrays, checked."""

import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as array_format
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.prepared import array_files, normalise
from stages.gan.data.prepared.arrays import read_array
from stages.gan.data.raw import account, leftovers
from stages.gan.data.raw.archives import open_container
from stages.gan.data.raw.images.raw import image_names
from stages.gan.data.raw.images.reader import decode

# What black and white are in an array, by the names that a person gives.
SIGNED = "-1..1"
RANGES = {"0..255": (0.0, 255.0), "0..1": (0.0, 1.0), SIGNED: (-1.0, 1.0)}
_BLOCK = 1000
# What a damaged, encrypted or unusual archive ends in.
_DAMAGES = (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile)


def files_of(place: Path) -> list[Path]:
    """A file itself, or all images of a folder and its subfolders, by name.

    What is left out of the folder is told on stderr.

    Raises
    ------
    UserError
        If a folder holds no image.
    """
    if not place.is_dir():
        return [place]
    with open_container(place, 0) as container:
        names = image_names(container)
        told = leftovers.lines(leftovers.count(container, names))
    if not names:
        raise UserError("; ".join([_("{place} holds no image").format(place=place), *told]))
    for line in told:  # beside the table, which others may read
        print(f"{place}: {line}", file=sys.stderr)
    return [place / name for name in names]


def read(
    file: Path,
    shape: tuple[int, int, int],
    levels: str | None = None,
    unsure: str | None = None,
) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1] from one file.

    A picture is converted to grey or colour as the model needs, but never resized: its height and
    width must fit. A .npy file may have any layout of `layout` and any range of `in_range`.
    """
    channels, height, width = shape
    if file.suffix.lower() == ".npy":
        return from_array(file, shape, levels, unsure)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise UserError(_("{file} does not exist").format(file=file)) from None
    try:
        pixels = decode(content, None, channels)
    except UserError as error:
        raise UserError(f"{file}: {account.why(str(error))}") from None
    if pixels.shape[1:] != (height, width):
        raise UserError(
            _("{file} has {own_width} x {own_height} pixels: valid is {width} x {height}").format(
                file=file,
                own_width=pixels.shape[2],
                own_height=pixels.shape[1],
                width=width,
                height=height,
            )
        )
    return normalise(pixels[None]).astype(np.float32)


def from_array(
    file: Path,
    shape: tuple[int, int, int],
    levels: str | None = None,
    unsure: str | None = None,
) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1] from a .npy file; see `read`."""
    try:
        array = read_array(file)
    except FileNotFoundError:
        raise UserError(_("{file} does not exist").format(file=file)) from None
    return in_range(file, layout(file, array, shape), levels, unsure)


def samples(
    places: Sequence[Path], shape: tuple[int, int, int], levels: str | None = None
) -> NDArray[np.float32]:
    """All images of some files and folders, (N, C, H, W) in [-1, 1], in the order given.

    Parameters
    ----------
    places : paths of .npy and .npz files, pictures, and folders of pictures
    shape : (channels, height, width) that each image must have
    levels : a key of RANGES, or None to take what is certain

    Raises
    ------
    UserError
        If a file is missing or damaged, or holds something else than such images.
    """
    found = []
    for place in places:
        if place.suffix.lower() == ".npz":
            found.append(_from_archive(place, shape, levels))
        else:
            found += [read(file, shape, levels) for file in files_of(place)]
    return np.concatenate(found)


def _from_archive(
    file: Path, shape: tuple[int, int, int], levels: str | None
) -> NDArray[np.float32]:
    """Images from the only array of an .npz file, or from its first one, as `numpy.savez` has it.

    Raises
    ------
    UserError
        If it is missing or damaged, or has several arrays with other names.
    """
    try:
        with file.open("rb") as start:
            if start.read(len(array_format.MAGIC_PREFIX)) == array_format.MAGIC_PREFIX:
                raise UserError(_("{file} is a .npy file: give it that ending").format(file=file))
        with zipfile.ZipFile(file) as stored, tempfile.TemporaryDirectory() as scratch:
            names = stored.namelist()
            name = names[0] if len(names) == 1 else "arr_0.npy"
            if name not in names:
                raise UserError(
                    _("{file} holds the arrays {names}: valid is a single one, or arr_0").format(
                        file=file,
                        names=", ".join(each.removesuffix(".npy") for each in names)[:200] or "-",
                    )
                )
            member = Path(scratch) / "array.npy"  # not its own name, which may lead outside
            with stored.open(name) as source, member.open("wb") as target:
                shutil.copyfileobj(source, target)
            try:
                array = np.array(read_array(member))
            except UserError as error:
                raise UserError(f"{file}: {str(error).replace(str(member), name)}") from None
    except FileNotFoundError:
        raise UserError(_("{file} does not exist").format(file=file)) from None
    except _DAMAGES as error:
        raise _no_archive(file, error) from None
    return in_range(file, layout(file, array, shape), levels)


def _no_archive(file: Path, error: Exception) -> UserError:
    return UserError(
        _("{file} is damaged, or no .npz file of numbers: {error}").format(file=file, error=error)
    )


def layout(file: Path, array: NDArray, shape: tuple[int, int, int]) -> NDArray:
    """An array as (N, C, H, W), from (N, C, H, W), (N, H, W, C), one image, or grey without C.

    Raises
    ------
    UserError
        If it has another shape, or no image.
    """
    channels, height, width = shape
    own = array.shape
    is_grey = channels == 1 and own[-2:] == (height, width)
    if is_grey and (array.ndim == 2 or (array.ndim == 3 and own != shape)):
        array = array[..., None, :, :]
    if array.ndim == 3:
        array = array[None]
    if array.ndim == 4 and len(array):
        if array.shape[1:] == shape:
            return array
        if array.shape[1:] == (height, width, channels):
            return array.transpose(0, 3, 1, 2)
    several = str(shape)[1:]
    last = f"{height}, {width}, {channels})"
    raise UserError(
        _("{file} has shape {found}: valid is {shape}, (N, {several} or (N, {last}").format(
            file=file, found=own, shape=shape, several=several, last=last
        )
    )


def in_range(
    file: Path, array: NDArray, levels: str | None = None, unsure: str | None = None
) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1], from numbers in a range.

    Parameters
    ----------
    file : Path
        Named in errors.
    array : (N, C, H, W)
    levels : str or None
        A key of RANGES. None takes what is certain: 0..255 for uint8, else -1..1 for floats.
    unsure : str or None
        The key of RANGES for floats from 0 to 1 alone, which may be of two ranges. If it is None,
        too, they are refused.

    Raises
    ------
    UserError
        If a value is no number, lies outside the range, is not finite, or if the range is not
        certain.
    """
    if array.dtype.kind not in "iuf":
        raise _no_levels(file, array)
    if array.dtype == np.uint8 and levels in (None, "0..255"):
        return normalise(array).astype(np.float32)
    if levels is None:
        levels = _certain(file, array, unsure)
    low, high = RANGES[levels]
    values = np.empty(array.shape, np.float32)
    for part in array_files.blocks(len(array), array.shape[1:], _BLOCK):
        block = array[part].astype(np.float32)
        outside = ~((block >= low) & (block <= high))  # NaN is, too
        if outside.any():
            raise UserError(
                _("{file} holds {value:.3g}: valid is {low:g} to {high:g}").format(
                    file=file, value=block[outside][0], low=low, high=high
                )
            )
        values[part] = (block - low) * (2.0 / (high - low)) - 1.0 if levels != SIGNED else block
    return values


def _no_levels(file: Path, array: NDArray) -> UserError:
    return UserError(
        _("{file} holds {kind}: valid is uint8 from 0 to 255, or floats").format(
            file=file, kind=array.dtype
        )
    )


def _certain(file: Path, array: NDArray, unsure: str | None) -> str:
    """The range of an array that is not of uint8, if it is certain."""
    if array.dtype.kind != "f":
        raise _no_levels(file, array)
    if array.min() >= 0 and array.max() <= 1:
        if unsure is not None:
            return unsure
        raise UserError(
            _(
                "{file} holds floats from {low:.3g} to {high:.3g}, which may be meant as 0..1 or "
                "as -1..1: say which with --range"
            ).format(file=file, low=array.min(), high=array.max())
        )
    return SIGNED
