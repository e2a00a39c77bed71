"""Reads files from an untrusted zip archive or folder.

Members of an archive are read as streams and written under this project's own names. So no path
can lead outside the target folder. The size of every stream is bounded.
"""

import errno
import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, Protocol

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked

_BLOCK = 1 << 20
_ENCRYPTED = 0x1
# Header of a file in an archive: signature, fields that the directory has too, two lengths.
_HEADER = struct.Struct("<4s22xHH")
_DRIVE = re.compile("[A-Za-z]:")


class Container(Protocol):
    """A set of named files that can be read one by one."""

    def names(self) -> list[str]:
        """Paths of all files inside, sorted."""

    def open(self, name: str) -> BinaryIO:
        """Open one file for reading."""

    def stored(self, name: str) -> "Stored | None":
        """Where the file lies in an archive, if it is stored uncompressed; see `read_stored`."""

    def unreachable(self) -> dict[str, str]:
        """Names of what is inside but is no file that can be opened, and why."""


class Stored(NamedTuple):
    """A file stored uncompressed in an archive: where its header begins, and its size in bytes."""

    name: str
    place: int
    size: int
    checksum: int


class _Folder:
    """A folder of a user. Links to files are followed; links to folders might never end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: list[str] = []
        self._unreachable: dict[str, str] = {}
        for folder, folders, files in os.walk(path, onerror=_cannot_be_read):
            for name in folders:
                if os.path.islink(place := os.path.join(folder, name)):
                    self._unreachable[self._inside(place)] = marked("a link to a folder")
            for name in files:
                place = os.path.join(folder, name)
                if os.path.isfile(place):
                    self._names.append(self._inside(place))
                elif os.path.islink(place) and not os.path.exists(place):
                    self._unreachable[self._inside(place)] = marked("a link that leads nowhere")
                else:
                    self._unreachable[self._inside(place)] = marked("neither a file nor a folder")
        self._names.sort()

    def _inside(self, place: str) -> str:
        return Path(place).relative_to(self._path).as_posix()

    def names(self) -> list[str]:
        return self._names

    def open(self, name: str) -> BinaryIO:
        try:
            return (self._path / name).open("rb")
        except OSError as error:
            raise UserError(
                _("{path} cannot be read: {reason}").format(
                    path=self._path / name, reason=error.strerror
                )
            ) from None

    def stored(self, name: str) -> Stored | None:
        return None

    def unreachable(self) -> dict[str, str]:
        return dict(sorted(self._unreachable.items()))


def _cannot_be_read(error: OSError) -> None:
    raise UserError(
        _("{path} cannot be read: {reason}").format(path=error.filename, reason=error.strerror)
    ) from None


class _Zip:
    def __init__(self, path: Path, archive: zipfile.ZipFile, exact_names: bool) -> None:
        self._path = path
        self._archive = archive
        names = [
            info.filename if exact_names else with_slashes(info.filename)
            for info in archive.infolist()
        ]
        self._files = {
            name: info
            for name, info in zip(names, archive.infolist(), strict=True)
            if not name.endswith("/")
        }

    def names(self) -> list[str]:
        return sorted(self._files)

    def open(self, name: str) -> BinaryIO:
        with _damage_told(self._path):
            try:
                stream = self._archive.open(self._files[name])
            except UnicodeDecodeError as error:  # the name in the file's own header is damaged
                raise zipfile.BadZipFile(f"{name}: {error}") from None
            except RuntimeError as error:
                if "password" not in str(error):
                    raise
                raise UserError(
                    _("{archive} is encrypted: it must be a zip archive without a password").format(
                        archive=self._path.name
                    )
                ) from None
        return _Member(self._path, stream)  # type: ignore[return-value]

    def stored(self, name: str) -> Stored | None:
        info = self._files[name]
        as_it_is = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
        if not as_it_is or info.flag_bits & _ENCRYPTED:
            return None
        return Stored(name, info.header_offset, info.file_size, info.CRC)

    def unreachable(self) -> dict[str, str]:
        return {}


def with_slashes(name: str) -> str:
    """An archive member's name with / between folders: PowerShell 5 writes backslashes.

    Examples
    --------
    >>> with_slashes("faces\\\\1.jpg")
    'faces/1.jpg'
    """
    return name.replace("\\", "/")


def leads_outside(name: str) -> bool:
    """Whether a member of an archive, unpacked under this name, would lie outside the folder."""
    return name.startswith("/") or ".." in name.split("/") or bool(_DRIVE.match(name))


class _Member(io.BufferedIOBase):
    """A file in an archive, read as a stream; damage ends in a UserError."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path = path
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        with _damage_told(self._path):
            return self._stream.read(-1 if size is None else size)

    def close(self) -> None:
        self._stream.close()
        super().close()


# What zipfile raises for damaged archives.
_DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn errors of reading an archive into a UserError. Put nothing else into the block."""
    try:
        yield
    except _DAMAGES as error:
        raise _unsound(path, error) from None
    except NotImplementedError as error:
        raise UserError(
            _(
                "{archive} is packed in a way that is not read, such as the Deflate64 of "
                "Windows ({error}): unpack it, and name the folder as the source"
            ).format(archive=path.name, error=error)
        ) from None
    except OSError as error:
        # bz2 gives no error number for damaged data; EINVAL is a seek before the file's start.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _unsound(path, error) from None


@contextmanager
def open_container(
    path: Path, maximum_bytes: int, exact_names: bool = False
) -> Iterator[Container]:
    """Open a folder or a zip archive.

    Parameters
    ----------
    path : Path
    maximum_bytes : int
        Upper bound of the unpacked size that the archive states.
    exact_names : bool
        Whether names in an archive keep their backslashes; see `with_slashes`.

    Raises
    ------
    UserError
        If the path is missing, cannot be read or is no zip archive; if the archive is damaged or
        larger than the bound; if it holds an entry that leads outside, a link, or a name twice.
        Reading a damaged member inside the block raises the same error.
    """
    if path.is_dir():
        yield _Folder(path)
        return
    # Reading from a pipe or a device might never end.
    if path.exists() and not path.is_file():
        raise UserError(_("{path} is neither a file nor a folder").format(path=path))
    with _damage_told(path):
        archive = _open_zip(path)
    with archive:
        _inspect(path, archive, maximum_bytes)
        yield _Zip(path, archive, exact_names)


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (ValueError, OverflowError, struct.error) as error:  # a damaged directory of entries
        raise zipfile.BadZipFile(str(error)) from None
    except FileNotFoundError:
        raise UserError(_("{path} does not exist").format(path=path)) from None
    except OSError as error:
        if error.errno in (None, errno.EINVAL):
            raise
        raise UserError(
            _("{path} cannot be read: {reason}").format(path=path, reason=error.strerror)
        ) from None


def _inspect(path: Path, archive: zipfile.ZipFile, maximum_bytes: int) -> None:
    seen = set()
    total = 0
    for info in archive.infolist():
        name = with_slashes(info.filename)
        if leads_outside(name):
            raise UserError(
                _("{archive} holds an entry that leads outside: {entry!r}").format(
                    archive=path.name, entry=info.filename
                )
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UserError(
                _(
                    "{archive} holds a link, which is refused: {entry!r} (zip packs the "
                    "files themselves without its option -y)"
                ).format(archive=path.name, entry=info.filename)
            )
        if name in seen:
            raise UserError(
                _("{archive} holds {entry!r} twice").format(archive=path.name, entry=name)
            )
        seen.add(name)
        total += info.file_size
    if total > maximum_bytes:
        raise UserError(
            _(
                "{archive} unpacks to {total:,} bytes, more than download.maximum_bytes "
                "({maximum_bytes:,})"
            ).format(archive=path.name, total=total, maximum_bytes=maximum_bytes)
        )


def read_stored(archive: Path, members: Iterable[Stored | bytes]) -> Iterator[bytes]:
    """The contents of files stored uncompressed in an archive; bytes are passed through.

    It is for many small files: it takes a third of the time of `open`, and any thread can do it
    without reading the archive's directory again.

    Raises
    ------
    UserError
        If a file is damaged.
    """
    with archive.open("rb", buffering=0) as file:
        length = os.fstat(file.fileno()).st_size
        for member in members:
            if isinstance(member, bytes):
                yield member
                continue
            if member.place + member.size > length:
                raise _unsound(archive, _("{entry!r} would end after it").format(entry=member.name))
            # The name in the header is rarely longer, and extra fields after it are rare.
            likely = _HEADER.size + len(member.name) + member.size
            file.seek(member.place)
            content = file.read(likely)
            if len(content) < _HEADER.size or not content.startswith(b"PK\3\4"):
                raise _unsound(archive, f"Bad magic number for file header of {member.name!r}")
            _signature, name, extra = _HEADER.unpack_from(content)
            start = _HEADER.size + name + extra
            if start + member.size > len(content):
                file.seek(member.place)
                content = file.read(start + member.size)
            content = content[start : start + member.size]
            if len(content) < member.size or zlib.crc32(content) != member.checksum:
                raise _unsound(archive, f"Bad CRC-32 for file {member.name!r}")
            yield content


def _unsound(archive: Path, reason: object) -> UserError:
    return UserError(
        _("{archive} is not a valid zip archive: {reason}").format(
            archive=archive.name, reason=reason
        )
    )


def copy_bounded(source: BinaryIO, target: Path, maximum_bytes: int, what: str) -> int:
    """Copy a stream to a file and return its length; see `copy_into`."""
    with target.open("wb") as file:
        return copy_into(source, file, maximum_bytes, what)


def copy_into(source: BinaryIO, target: IO[bytes], maximum_bytes: int, what: str) -> int:
    """Copy a stream into another and return its length.

    Raises
    ------
    UserError
        If the stream is longer than the bound.
    """
    size = 0
    while block := source.read(_BLOCK):
        size += len(block)
        if size > maximum_bytes:
            raise UserError(
                _("{what} is larger than download.maximum_bytes ({maximum_bytes:,})").format(
                    what=what, maximum_bytes=maximum_bytes
                )
            )
        target.write(block)
    return size
