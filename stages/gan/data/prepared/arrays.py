"""Reads untrusted .npy files: by memory map, and never by unpickling."""

import math
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated
from stages.gan.data.prepared import array_files

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
# NumPy parses the header as Python literals, which can raise many errors.
_DAMAGES = (
    ValueError,
    EOFError,
    TypeError,
    SyntaxError,
    OverflowError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)
_BLOCK = 2048
# How to repair a damaged file that the pipeline has made.
ADVICE = marked("remove it and run `dvc repro`")


def read_array(source: Path) -> NDArray[Any]:
    """Open a .npy file of numbers by memory map, read-only.

    Its header is checked before NumPy uses it. An array of Python objects would be unpickled,
    which runs any code that the file names. An array whose elements have no size would crash the
    process by a division by zero.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UserError
        If it is not a .npy file, holds anything but whole numbers or floats, or is shorter or
        longer than its header says.
    """
    try:
        with source.open("rb") as file:
            version = npy.read_magic(file)
            if version not in _HEADERS:
                raise ValueError(
                    _("its format is {version}, valid is (1, 0) or (2, 0)").format(version=version)
                )
            shape, in_columns, kind = _HEADERS[version](file)
            start = file.tell()
        if kind.kind not in "fiu":
            raise ValueError(
                _("it holds {kind}, valid are whole numbers and floats").format(kind=str(kind)[:40])
            )
        if any(isinstance(size, bool) or size < 0 for size in shape) or len(shape) > 32:
            raise ValueError(
                _("its header says the shape is {shape}").format(shape=str(shape)[:80])
            )
        expected, found = start + math.prod(shape) * kind.itemsize, source.stat().st_size
        if found != expected:
            raise ValueError(
                _("it has {found:,} bytes, its header says {expected:,}").format(
                    found=found, expected=expected
                )
            )
        return np.memmap(source, kind, "r", start, shape, "F" if in_columns else "C")
    except _DAMAGES as error:
        raise UserError(
            _("{source} is damaged, or no .npy file of numbers: {error}").format(
                source=source, error=error
            )
        ) from None


def open_made(source: Path, kind: type) -> NDArray[Any]:
    """Open an array that an earlier stage made, as `read_array` does.

    Parameters
    ----------
    source : Path
    kind : type
        The type of number it must hold, such as np.float32.

    Raises
    ------
    UserError
        If the file is missing or damaged, or holds another type of number.
    """
    try:
        array = read_array(source)
    except FileNotFoundError:
        raise UserError(
            _("{source} is missing: run `dvc repro` first").format(source=source)
        ) from None
    except UserError as error:
        raise UserError(f"{error}: {translated(ADVICE)}") from None
    if array.dtype != kind:
        raise UserError(
            _("{source} is damaged (it holds {kind}, valid is {valid}): {advice}").format(
                source=source, kind=array.dtype, valid=np.dtype(kind), advice=translated(ADVICE)
            )
        )
    return array


def check_values(
    source: Path, array: NDArray[Any], sound: Callable[[NDArray[Any]], bool], valid: str
) -> None:
    """Check all values of an array that `open_made` opened, in blocks of bounded memory.

    Parameters
    ----------
    source : Path
        The array's file.
    array : (N, ...)
    sound : callable
        Whether the values of a block of rows are valid.
    valid : str
        The valid values, in words.

    Raises
    ------
    UserError
        If a value is not valid.
    """
    for block in array_files.blocks(len(array), array.shape[1:], _BLOCK):
        if not sound(array[block]):
            raise UserError(
                _("{source} is damaged (it should hold {valid}): {advice}").format(
                    source=source, valid=valid, advice=translated(ADVICE)
                )
            )
        array_files.let_go(array)


def are_finite(values: NDArray[Any]) -> bool:
    """Whether no value is NaN or infinite."""
    return bool(np.isfinite(values).all())
