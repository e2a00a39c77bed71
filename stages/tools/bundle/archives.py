"""Zip archives that are the same byte for byte for the same files, and read to the last byte.

Files lie in them as they are: pictures and weights hardly shrink, and what a compressor makes of
them depends on its version. No date, owner or comment is written. So all of an archive follows from
names, sizes and contents, and any other byte in it is one that has been changed.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

_UNIX = 3
_MODE = 0o100644 << 16


def write(
    target: BinaryIO, sizes: Mapping[str, int], content: Callable[[str], Iterator[bytes]]
) -> None:
    """Write an archive.

    Parameters
    ----------
    target : file that is open to be written, in which one can seek
    sizes : name, parted by slashes, to bytes; in the order in which the files lie in the archive
    content : gives the bytes of the file of a name, block by block
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, size in sizes.items():
            # Its date is the first of a zip archive's calendar, 1980-01-01.
            about = zipfile.ZipInfo(name)
            # By itself it would name the system that writes it.
            about.create_system = _UNIX
            about.external_attr = _MODE
            about.file_size = size
            with archive.open(about, "w") as file:
                for block in content(name):
                    file.write(block)


def is_exact(
    archive: Path, sizes: Mapping[str, int], content: Callable[[str], Iterator[bytes]]
) -> bool:
    """Whether an archive has just the bytes that `write` writes; see there for the parameters."""
    with archive.open("rb") as file:
        comparison = _Comparison(file)
        write(cast(BinaryIO, comparison), sizes, content)
        return comparison.is_same()


class _Comparison:
    """A file to be written, of which nothing is kept but where another file differs.

    What is written twice, as a file's header is, begins at the same place each time.
    """

    def __init__(self, other: BinaryIO) -> None:
        self._other = other
        self._place = self._end = 0
        self._differ: set[int] = set()

    def write(self, block: Any) -> int:
        self._other.seek(self._place)
        if self._other.read(len(block)) == block:
            self._differ.discard(self._place)
        else:
            self._differ.add(self._place)
        self._place += len(block)
        self._end = max(self._end, self._place)
        return len(block)

    def seek(self, place: int, whence: int = 0) -> int:
        assert whence == 0, "zipfile seeks from the beginning"
        self._place = place
        return place

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        pass

    def is_same(self) -> bool:
        return not self._differ and self._other.seek(0, 2) == self._end
