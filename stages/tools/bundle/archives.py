"""Zip archives that are the same byte for byte for the same files, and read to the last byte.

Files lie in them as they are: pictures and weights hardly shrink, and what a compressor makes of
them depends on its version. No date, owner or comment is written. So all of an archive follows from
names, sizes and contents, and any other byte in it is one that has been changed.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LARGE_END = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
# What a field of 32 or 16 bits cannot hold stands in another place, and the field is full.
_FULL, _MANY = 0xFFFFFFFF, 0xFFFF
_VERSION, _VERSION_OF_LARGE = 20, 45
_UNIX = 3 << 8
_UTF8 = 0x800
_FIRST_DAY = 0x21  # of a zip archive's calendar: 1980-01-01
_MODE = 0o100644 << 16


class Entry(NamedTuple):
    """A file in an archive: its name, parted by slashes, its length and its CRC-32."""

    name: str
    size: int
    crc: int


def layout(entries: Iterable[Entry], full: int = _FULL) -> tuple[list[bytes], bytes]:
    """What stands before the content of each file, and what stands at the archive's end.

    Parameters
    ----------
    entries : in the order in which they lie in the archive
    full : int
        Sizes and places from this on are written in 64 bits.
    """
    headers, directory, place, count = [], b"", 0, 0
    for entry in entries:
        name = entry.name.encode()
        size, start, extra, inner = entry.size, place, b"", b""
        version = _VERSION
        if max(size, start) >= full:
            version = _VERSION_OF_LARGE
            extra = struct.pack("<2H2Q", 1, 16, size, size)
            inner = struct.pack("<2H3Q", 1, 24, size, size, start)
            size = start = _FULL
        common = (version, _UTF8, 0, 0, _FIRST_DAY, entry.crc, size, size, len(name))
        headers.append(_LOCAL.pack(b"PK\3\4", *common, len(extra)) + name + extra)
        directory += (
            _CENTRAL.pack(
                b"PK\1\2", _UNIX | version, *common, len(inner), 0, 0, 0, _MODE, start
            )
            + name
            + inner
        )  # fmt: skip
        place += len(headers[-1]) + entry.size
        count += 1
    return headers, directory + _end(count, len(directory), place, full)


def _end(count: int, size: int, place: int, full: int) -> bytes:
    if max(size, place) < full and count < _MANY:
        return _END.pack(b"PK\5\6", 0, 0, count, count, size, place, 0)
    version = _VERSION_OF_LARGE
    return (
        _LARGE_END.pack(
            b"PK\6\6", _LARGE_END.size - 12, _UNIX | version, version, 0, 0,
            count, count, size, place,
        )
        + _LOCATOR.pack(b"PK\6\7", 0, place + size, 1)
        + _END.pack(b"PK\5\6", 0, 0, _MANY, _MANY, _FULL, _FULL, 0)
    )  # fmt: skip


def write(
    target: Path, entries: Iterable[Entry], content: Callable[[str], Iterator[bytes]]
) -> None:
    """Write an archive; `content` gives the bytes of the file of a name, block by block."""
    entries = list(entries)
    headers, tail = layout(entries)
    with target.open("wb") as file:
        for entry, header in zip(entries, headers, strict=True):
            file.write(header)
            file.writelines(content(entry.name))
        file.write(tail)


def is_exact(archive: Path, entries: Iterable[Entry]) -> bool:
    """Whether all that an archive holds besides the contents of its files is as `write` does it."""
    entries = list(entries)
    headers, tail = layout(entries)
    with archive.open("rb") as file:
        for entry, header in zip(entries, headers, strict=True):
            if file.read(len(header)) != header:
                return False
            file.seek(entry.size, 1)
        return file.read(len(tail) + 1) == tail
