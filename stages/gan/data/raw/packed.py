"""Opens whatever a source on disk is: a folder, a zip or tar archive, or a single file.

What a file is, is seen from its first bytes, not from its name. A compressed file is unpacked once,
into a scratch file of bounded size, because a compressed tar archive cannot be read out of order.
"""

import bz2
import errno
import gzip
import io
import lzma
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated
from stages.gan.data.raw.archives import (
    Container,
    Stored,
    copy_into,
    leads_outside,
    open_container,
    with_slashes,
)

_READERS: dict[bytes, tuple[str, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("xz", lzma.LZMAFile),
}
_UNPACK = marked("unpack it, and name the folder as the source")
_SAVE = marked("save its images as files, or as one .npy file of N x height x width for format idx")
_WEB_PAGE = (
    marked("a web page"),
    marked("it may ask for a login: fetch the file by a browser, and name it"),
)
# What files of other kinds begin with, what they are, and what to do.
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": (marked("a 7z archive"), _UNPACK),
    b"Rar!": (marked("a rar archive"), _UNPACK),
    b"\x28\xb5\x2f\xfd": (marked("a zstd archive"), _UNPACK),
    b"\x89HDF": (marked("an HDF5 file"), _SAVE),
    b"PAR1": (marked("a Parquet file"), _SAVE),
    b"MATLAB": (marked("a MATLAB file"), _SAVE),
    **{bytes([0x80, protocol]): (marked("a pickle"), _SAVE) for protocol in range(2, 6)},
    b"<!DOCTYPE": _WEB_PAGE,
    b"<!doctype": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"version https://git-lfs": (
        marked("a pointer of Git LFS, and not the file itself"),
        marked("fetch the file by Git LFS"),
    ),
}
_TEXT = re.compile(rb"[\t\r\n -~]+,[\t\r\n -~]+")
# What the three readers raise at damaged data. An OSError of theirs has no error number.
_DAMAGES = (zlib.error, lzma.LZMAError, EOFError, ValueError)
_BLOCK = tarfile.BLOCKSIZE
_LONGEST_HEADER = 64 << 10
_KINDS_OF_HEADER = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MANY_DIGITS = re.compile(rb"[0-9]{300}")


@contextmanager
def open_source(path: Path, maximum_bytes: int, scratch: Path) -> Iterator[Container]:
    """Open a folder, a .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz archive, or a single file.

    Parameters
    ----------
    path : Path
    maximum_bytes : int
        Upper bound of the unpacked size.
    scratch : Path
        A folder for the unpacked file.

    Raises
    ------
    UserError
        As `archives.open_container`, also for tar archives; see `complain_if_other`.
    """
    start = _start(path) if path.is_file() else b""
    complain_if_other(path.name, start)
    reader = next((each for magic, each in _READERS.items() if start.startswith(magic)), None)
    if reader is None and not _is_tar(start) and _is_zip_or_folder(path):
        with open_container(path, maximum_bytes) as container:
            yield container
        return
    with path.open("rb") as packed, tempfile.TemporaryFile(dir=scratch) as plain:
        name, file = path.name, cast(BinaryIO, packed)
        if reader is not None:
            with unpacking(path.name, *reader, packed) as stream:
                copy_into(stream, plain, maximum_bytes, path.name)
            name, file = _inner_name(path.name), cast(BinaryIO, plain)
        file.seek(0)
        first = file.read(_BLOCK)
        yield _Tar(path.name, file, maximum_bytes) if _is_tar(first) else _Single(name, file)


def complain_if_other(name: str, start: bytes) -> None:
    """Raise UserError, with what to do, if a file's first bytes are of a kind that is not read."""
    found = next((each for magic, each in _OTHERS.items() if start.startswith(magic)), None)
    if found is None and _TEXT.fullmatch(start):
        found = marked("text, such as CSV"), _SAVE
    if found:
        raise UserError(
            _("{name} is {kind}, which is not read: {advice}").format(
                name=name, kind=translated(found[0]), advice=translated(found[1])
            )
        )


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_BLOCK)
    except OSError as error:
        raise UserError(
            _("{path} cannot be read: {reason}").format(path=path, reason=error.strerror)
        ) from None


def _is_zip_or_folder(path: Path) -> bool:
    return not path.is_file() or path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def _is_tar(start: bytes) -> bool:
    """Whether a file's first block is a tar header; those before 1988 have no magic."""
    if len(start) < _BLOCK:
        return False
    if start[257:262] == b"ustar":
        return True
    try:
        tarfile.TarInfo.frombuf(start, tarfile.ENCODING, "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def _inner_name(name: str) -> str:
    """The name of the file inside a compressed file."""
    return PurePosixPath(name).stem if "." in name.strip(".") else name


@contextmanager
def unpacking(
    what: str, kind: str, reader: Callable[[IO[bytes]], Any], packed: IO[bytes]
) -> Iterator[BinaryIO]:
    """Read a compressed stream; damage raises a UserError. Put nothing but reading in the block."""
    try:
        with reader(packed) as stream:
            yield cast(BinaryIO, stream)
    except _DAMAGES as error:
        raise UserError(
            _("{what} is not a valid {kind} file: {error}").format(
                what=what, kind=kind, error=error
            )
        ) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise UserError(
            _("{what} is not a valid {kind} file: {error}").format(
                what=what, kind=kind, error=error
            )
        ) from None


@contextmanager
def unpacked(stream: BinaryIO, what: str) -> Iterator[tuple[BinaryIO, bytes]]:
    """A stream, decompressed if it is compressed, and its first 16 bytes, which stay in it.

    The first bytes decide, not the name: browsers unpack files and keep their names.

    Raises
    ------
    UserError
        If the compressed data are damaged. So does reading in the block.
    """
    plain = io.BufferedReader(cast(Any, stream))
    start = plain.peek(16)[:16]
    reader = next((each for magic, each in _READERS.items() if start.startswith(magic)), None)
    if reader is None:
        yield cast(BinaryIO, plain), start
        return
    with unpacking(what, *reader, plain) as inner:
        buffered = io.BufferedReader(cast(Any, inner))
        yield cast(BinaryIO, buffered), buffered.peek(16)[:16]


class _Single:
    """One file."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        self._file = file
        self._size = file.seek(0, io.SEEK_END)

    def names(self) -> list[str]:
        return [self._name]

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, _Part(self._file, 0, self._size))

    def stored(self, name: str) -> Stored | None:
        return None

    def unreachable(self) -> dict[str, str]:
        return {}


class _Part(io.BufferedIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, file: BinaryIO, place: int, size: int) -> None:
        self._file = file
        self._place = place
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        self._file.seek(self._place)
        content = self._file.read(wanted)
        self._place += len(content)
        self._left -= len(content)
        return content


class _Header(tarfile.TarInfo):
    """A header that cannot lead tarfile into an endless loop or into large memory.

    Python before 3.11.14 follows a negative size backwards for ever, and needs time that grows
    with the square of the digits in an extended header; any Python reads such a header whole.
    """

    def _proc_member(self, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0:
            raise tarfile.HeaderError(_("negative size"))
        if self.type in _KINDS_OF_HEADER:
            if self.size > _LONGEST_HEADER:
                raise tarfile.HeaderError(_("a header of more than 64 KiB"))
            file = tarfile_.fileobj
            assert file is not None
            place = file.tell()
            if _MANY_DIGITS.search(file.read(self.size)):
                raise tarfile.HeaderError(_("a header of hundreds of digits"))
            file.seek(place)
        return super()._proc_member(tarfile_)  # type: ignore[misc]


class _Tar:
    """A tar archive that is not compressed; its names are read once."""

    def __init__(self, what: str, file: BinaryIO, maximum_bytes: int) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        length = file.seek(0, io.SEEK_END)
        total = 0
        file.seek(0)
        try:
            archive = tarfile.TarFile(fileobj=file, mode="r", tarinfo=_Header)
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # so that memory does not grow
                if member.size < 0 or member.offset_data + member.size > length:
                    raise tarfile.ReadError(
                        _("{entry!r} would end after it").format(entry=member.name)
                    )
                if not member.isdir():
                    self._add(what, member)
                total += member.size + _BLOCK
                if total - _BLOCK > maximum_bytes:
                    raise UserError(
                        _(
                            "{what} unpacks to more than download.maximum_bytes ({maximum_bytes:,})"
                        ).format(what=what, maximum_bytes=maximum_bytes)
                    )
            # tarfile takes a damaged header for the end; the true end is a block of zeros.
            file.seek(archive.offset)
            if file.read(_BLOCK) != bytes(_BLOCK):
                raise tarfile.ReadError(_("it is cut off, or a header in it is damaged"))
        except (tarfile.TarError, ValueError, OverflowError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            raise UserError(
                _("{what} is not a valid tar archive: {error}").format(what=what, error=error)
            ) from None

    def _add(self, what: str, member: tarfile.TarInfo) -> None:
        raw = with_slashes(member.name)
        if leads_outside(raw):
            raise UserError(
                _("{what} holds an entry that leads outside: {entry!r}").format(
                    what=what, entry=member.name
                )
            )
        if member.issym() or member.islnk():
            raise UserError(
                _(
                    "{what} holds a link, which is refused: {entry!r} (tar packs the files "
                    "themselves with --dereference --hard-dereference)"
                ).format(what=what, entry=member.name)
            )
        if not member.isreg() or member.issparse():
            raise UserError(
                _("{what} holds {entry!r}, which is no plain file").format(
                    what=what, entry=member.name
                )
            )
        name = PurePosixPath(raw).as_posix()
        if name in self._places:
            raise UserError(_("{what} holds {name!r} twice").format(what=what, name=name))
        self._places[name] = member.offset_data, member.size

    def names(self) -> list[str]:
        return sorted(self._places)

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, _Part(self._file, *self._places[name]))

    def stored(self, name: str) -> Stored | None:
        return None

    def unreachable(self) -> dict[str, str]:
        return {}
