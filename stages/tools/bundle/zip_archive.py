"""Writes zip archives: the same files always give the same bytes. Checks archives byte by byte.

Files are stored without compression: pictures and weights hardly shrink, and the output of a
compressor depends on its version. No date, owner or comment is written. So names, sizes and
contents determine every byte of an archive, and any other byte shows that the archive was changed.
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
    target : a file that is open for writing and can seek
    sizes : name, parted by slashes, to size in bytes; in the order of the files in the archive
    content : gives the bytes of a file by its name, block by block
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, size in sizes.items():
            # The date is 1980-01-01, the first date that a zip archive can hold.
            about = zipfile.ZipInfo(name)
            # The default names the operating system that writes the archive.
            about.create_system = _UNIX
            about.external_attr = _MODE
            about.file_size = size
            with archive.open(about, "w") as file:
                for block in content(name):
                    file.write(block)


def is_exact(
    archive: Path, sizes: Mapping[str, int], content: Callable[[str], Iterator[bytes]]
) -> bool:
    """Whether an archive has exactly the bytes that `write` writes; parameters as in `write`."""
    with archive.open("rb") as file:
        comparison = _Comparison(file)
        write(cast(BinaryIO, comparison), sizes, content)
        return comparison.is_same()


class _Comparison:
    """An output file that keeps no bytes: it compares what is written with another file.

    It keeps the places where both differ. zipfile writes a file's header twice, at the same place.
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
        assert whence == 0, "zipfile always seeks from the start of the file"
        self._place = place
        return place

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        pass

    def is_same(self) -> bool:
        return not self._differ and self._other.seek(0, 2) == self._end
