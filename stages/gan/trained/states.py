"""State files, each with arrays and plain values under one checksum.

    the sha256 of the rest in 64 hex digits, and a line break
    a safetensors file: the arrays, and the values as JSON in an array of bytes

A file is written whole or not at all, and is on the disk before it gets its name. Reading it runs
no code, and notices if a single bit has changed.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _

_VALUES = "values"
_DIGITS = 64
# The bytes of the number before a safetensors header, which is filled up to a multiple of it.
_LENGTH = 8


def write(target: Path, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
    """Write a state.

    Parameters
    ----------
    target : Path
    arrays : mapping of names, all but "values", to arrays
    values : mapping
        Values that JSON can hold.
    """
    text = json.dumps(values, ensure_ascii=False).encode()
    digest = hashlib.sha256()
    with whole_file(target, through_to_disk=True) as scratch, scratch.open("wb") as file:
        file.write(b"." * _DIGITS + b"\n")
        for block in blocks({**arrays, _VALUES: np.frombuffer(text, np.uint8)}):
            digest.update(block)
            file.write(block)
        file.seek(0)
        file.write(digest.hexdigest().encode())


def blocks(arrays: Mapping[str, NDArray[Any]]) -> Iterator[memoryview]:
    """The bytes that `safetensors.save` gives for these arrays, part by part, and not copied.

    `save` holds all of them twice. An array's part is valid as long as the array.
    """
    # safetensors itself orders the names, and names the types, for arrays without numbers.
    empty = safetensors.save({name: np.empty(0, array.dtype) for name, array in arrays.items()})
    header = json.loads(empty[_LENGTH:])
    # safetensors 0.8.0 writes an array of another order as if it had this one (its issue 825).
    parts = [
        np.asarray(arrays[name], arrays[name].dtype.newbyteorder("<"), order="C") for name in header
    ]
    ends = list(itertools.accumulate((part.nbytes for part in parts), initial=0))
    for about, part, offsets in zip(header.values(), parts, itertools.pairwise(ends), strict=True):
        about |= {"shape": part.shape, "data_offsets": offsets}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    yield memoryview(len(text).to_bytes(_LENGTH, "little") + text)
    for part in parts:
        yield part.reshape(-1).view(np.uint8).data


def read(source: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays and values of a state.

    Raises
    ------
    UserError
        If the file is missing or damaged, or cannot be read.
    """
    try:
        stored = source.read_bytes()
    except FileNotFoundError:
        raise UserError(_("{source} is missing").format(source=source)) from None
    except OSError as error:
        raise UserError(
            _("{file} cannot be read: {error}").format(file=source, error=error)
        ) from None
    content = stored[_DIGITS + 1 :]
    if stored[: _DIGITS + 1] != hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise UserError(
            _("{source} is damaged: its content does not have its sha256").format(source=source)
        )
    try:
        arrays = safetensors.load(content)
        values = json.loads(arrays.pop(_VALUES).tobytes())
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(
            _("{source} is not a state file: {error!r}").format(source=source, error=error)
        ) from None
    if not isinstance(values, dict):
        raise UserError(
            _("{source} is not a state file: its values have no names").format(source=source)
        )
    return arrays, values
