"""State files, each with arrays and plain values under one checksum.

    the sha256 of the rest in 64 hex digits, and a line break
    a safetensors file: the arrays, and the values as JSON in an array of bytes

A file is written whole or not at all, and is on the disk before it gets its name. Reading it runs
no code, and notices if a single bit has changed.
"""

import hashlib
import json
from collections.abc import Mapping
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
    # safetensors 0.8.0 writes an array of another order as if it had this one (its issue 825).
    parts = {name: np.array(array, order="C") for name, array in arrays.items()}
    content = safetensors.save({**parts, _VALUES: np.frombuffer(text, np.uint8)})
    with whole_file(target, through_to_disk=True) as scratch, scratch.open("wb") as file:
        file.write(hashlib.sha256(content).hexdigest().encode() + b"\n")
        file.write(content)


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
