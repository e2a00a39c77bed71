"""Arrays in .npy files, written and read in pieces, so that memory does not grow with their size.

Every page of a memory map that a process reads or writes counts as its memory until the system
takes it back. So files are written with plain writes, and pages of a large memory map are given
back after reading. With plain writes a full disk is an error, not a crash.
"""

import math
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The pages of a memory map up to this many bytes stay, because reading them again takes time:
# 0.3 ms for a batch of 128 digits, whose step takes 27 ms.
_MAY_STAY = 128 << 20
# Linux may bring 2 MiB of a file into a process's memory when one page of it is touched.
_ROWS_AT_ONCE = 32
_BLOCK_VALUES = 4 << 20


@dataclass(frozen=True)
class ArrayFile:
    """An array on disk, written and read in pieces, in any order and by several threads.

    Its values begin `offset` bytes after the start of the file.
    """

    path: Path
    shape: tuple[int, ...]
    kind: type
    offset: int

    def write(self, start: int, rows: NDArray[Any]) -> None:
        """Write rows (M, ...) from index `start` on.

        Raises
        ------
        OSError
            If the disk is full; it names the file.
        """
        whole = math.prod(self.shape[1:])
        assert rows.shape[1:] == self.shape[1:]
        assert 0 <= start <= self.shape[0] - len(rows)
        place = self.offset + start * whole * np.dtype(self.kind).itemsize
        try:
            with self.path.open("r+b") as file:
                file.seek(place)
                file.write(np.ascontiguousarray(rows, self.kind).data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None

    def __getitem__(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        """The rows (M, ...) at the indices `rows`, in memory."""
        return np.memmap(self.path, self.kind, "r", self.offset, self.shape)[rows]


def make(folder: Path, name: str, shape: tuple[int, ...], kind: type) -> ArrayFile:
    """Make `folder`/`name`.npy; its values are written later.

    Its space on disk is reserved at once if the system can: a full disk is then an error before
    the work, not after it.

    Raises
    ------
    OSError
        If the disk is full; it names the file.
    """
    path = folder / f"{name}.npy"
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(kind)),
        "fortran_order": False,
        "shape": shape,
    }
    try:
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            offset = file.tell()
            size = offset + math.prod(shape) * np.dtype(kind).itemsize
            file.truncate(size)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return ArrayFile(path, shape, kind, offset)


def blocks(count: int, shape: tuple[int, ...], most: int) -> Iterator[slice]:
    """Cut `count` rows into slices of at most `most` rows and 4 Mi values, but at least one row."""
    size = max(1, min(most, _BLOCK_VALUES // max(1, math.prod(shape))))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def rows(array: NDArray[Any], indices: NDArray[np.integer]) -> NDArray[Any]:
    """A copy of array[indices]; pages of a large memory map are given back meanwhile."""
    if not _is_large(array):
        return np.asarray(array)[indices]
    taken = np.empty((len(indices), *array.shape[1:]), array.dtype)
    for start in range(0, len(indices), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        taken[part] = array[indices[part]]
        let_go(array)
    return taken


def let_go(array: NDArray[Any]) -> None:
    """Give back the memory of a large memory map's pages; they stay in the system's cache.

    Nothing happens to a small memory map or to another array.
    """
    if _is_large(array) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)  # type: ignore[union-attr]


def _is_large(array: NDArray[Any]) -> bool:
    return isinstance(array.base, mmap.mmap) and array.nbytes > _MAY_STAY
