"""Fetches one file over HTTP, and goes on where an earlier try ended, also of another process.

What has arrived lies in a folder of its own, until the file is whole:

    <folder>/<hash of the URL>/held        locked by the process that fetches it
    <folder>/<hash of the URL>/part        its first bytes
    <folder>/<hash of the URL>/about.json  of which version, and how long that is

A server names a version by a strong ETag, or else by the time of its last change. The next try asks
for the rest of that version (Range with If-Range, RFC 9110). The server sends it, or the whole file
if the file has changed or it knows no ranges. Of a file without such a name nothing is kept, since
nobody could tell whether it is still the same.
"""

import hashlib
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, NameResolutionError

from stages.gan.common.errors import UserError
from stages.gan.common.files import remove, write_json
from stages.gan.common.language import _
from stages.gan.common.locks import Held, let_go, lock

# A multiple of download.timeout; and bytes per second.
_PATIENCE = 4
_SLOWEST = 1000
_BLOCK = 1 << 16
_LOCK, _PART, _ABOUT = "held", "part", "about.json"
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Limits:
    """Limits of a download: seconds to wait, number of retries, and bytes to accept."""

    timeout: float
    retries: int
    maximum_bytes: int


@dataclass(frozen=True)
class _Version:
    """What a server calls this version of a file, and its length in bytes."""

    name: str
    length: int


class Unresolved(Exception):
    """The name of a server has no address, as without a network. Pooch does not try it again.

    The system has asked more than once before it says so. A second later it would not help, and
    there may be several servers to try.
    """


class Downloader:
    """Fetches a file for pooch. It refuses one that is too large, and ends a slow download.

    The timeout of requests counts silence only: a server that sends a byte now and then, in its
    header or its body, never reaches it.

    Parameters
    ----------
    limits : Limits
    bar : tqdm
    what : str
        The URL as messages name it.
    folder : Path, optional
        What has arrived of files stays in it, so that the next try goes on; by default it is lost.
    """

    def __init__(self, limits: Limits, bar: tqdm, what: str, folder: Path | None) -> None:
        self._limits = limits
        self._bar = bar
        self._what = what
        self._folder = folder

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Fetch a file to a path.

        Raises
        ------
        UserError
            If it is too large or too slow.
        Unresolved
            If the server's name has no address.
        requests.RequestException
            If the server cannot be reached, refuses, or ends the connection too soon.
        """
        with _place(url, self._folder, Path(output_file).parent) as place:
            part = _Part(place, self._what, self._limits.maximum_bytes, self._bar)
            try:
                with part:
                    _while_it_moves(lambda: self._get(url, part), part, self._limits.timeout)
            except requests.ConnectionError as error:
                if error.args and isinstance(
                    getattr(error.args[0], "reason", None), NameResolutionError
                ):
                    raise Unresolved(str(error)) from None
                raise
            Path(output_file).unlink(missing_ok=True)  # Windows moves no file over another
            shutil.move(place / _PART, output_file)
            (place / _ABOUT).unlink(missing_ok=True)

    def _get(self, url: str, part: "_Part") -> None:
        begun = part.begun()
        if begun is not None:
            rest = {"Range": f"bytes={part.size}-", "If-Range": begun.name}
            with self._asked(url, rest) as answer:
                if answer.status_code == 206 and _is_rest(answer, part.size, begun):
                    part.take(answer, begun)
                    return
                if answer.status_code == 200:
                    self._take_whole(answer, part)
                    return
                if answer.status_code not in (206, 416):  # neither a wrong part nor none
                    answer.raise_for_status()
        with self._asked(url, {}) as answer:
            answer.raise_for_status()
            self._take_whole(answer, part)

    def _asked(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        # Bytes are counted, so the server must not pack them otherwise each time.
        headers = {"Accept-Encoding": "identity", **headers}
        return requests.get(url, headers=headers, timeout=self._limits.timeout, stream=True)

    def _take_whole(self, answer: requests.Response, part: "_Part") -> None:
        length = _length(answer)
        if (length or 0) > self._limits.maximum_bytes:
            raise UserError(
                _(
                    "{url} announces {size:,} bytes, more than download.maximum_bytes "
                    "({maximum_bytes:,})"
                ).format(url=self._what, size=length, maximum_bytes=self._limits.maximum_bytes)
            )
        name = _name(answer.headers)
        version = _Version(name, length) if name and length else None
        part.begin(version)
        part.take(answer, version)


class _Part:
    """The first bytes of a file. It accepts at most `maximum_bytes`, whatever was announced."""

    def __init__(self, place: Path, what: str, maximum_bytes: int, bar: tqdm) -> None:
        self._place = place
        self._maximum_bytes = maximum_bytes
        self._bar = bar
        self.what = what
        self.arrived = 0

    def __enter__(self) -> "_Part":
        self._file: BinaryIO = (self._place / _PART).open("ab")
        self.size = self._file.tell()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def begun(self) -> _Version | None:
        """The version of which there are bytes, but not all; None if that is unknown."""
        try:
            about = json.loads((self._place / _ABOUT).read_text(encoding="utf-8"))
            version = _Version(str(about["version"]), int(about["bytes"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return version if 0 < self.size < version.length else None

    def begin(self, version: _Version | None) -> None:
        """Forget what there is, and begin with the first byte."""
        (self._place / _ABOUT).unlink(missing_ok=True)
        self._file.truncate(0)
        self.size = 0
        if version is not None:
            write_json(self._place / _ABOUT, {"version": version.name, "bytes": version.length})

    def take(self, answer: requests.Response, version: _Version | None) -> None:
        """Add the body of an answer.

        Raises
        ------
        requests.ConnectionError
            If it ends before the file does.
        """
        self._bar.reset(version.length if version else None)
        self._bar.update(self.size)
        for block in _blocks(answer):
            self.write(block)
            self._bar.update(len(block))
        if version is not None and self.size != version.length:
            raise requests.ConnectionError(
                f"{self.size:,} of {version.length:,} bytes arrived", response=answer
            )

    def write(self, block: bytes) -> None:
        """Add bytes."""
        self.arrived += len(block)
        self.size += len(block)
        if self.size > self._maximum_bytes:
            self.begin(None)
            raise UserError(
                _("{what} is larger than download.maximum_bytes ({maximum_bytes:,})").format(
                    what=self.what, maximum_bytes=self._maximum_bytes
                )
            )
        self._file.write(block)


def clear(folder: Path) -> int:
    """Remove what has arrived in a folder or those in it, but not of files that are being fetched.

    Returns
    -------
    int
        How many bytes were freed.
    """
    freed = 0
    for held in sorted(folder.rglob(_LOCK)):
        try:
            with lock(held, "the download"):
                for path in held.parent.iterdir():
                    if path != held:
                        freed += path.stat().st_size
                        remove(path)
                let_go(held)
        except Held:
            continue
    return freed


@contextmanager
def _place(url: str, folder: Path | None, otherwise: Path) -> Iterator[Path]:
    """The folder of a file's first bytes, held; a new one if another process holds that."""
    if folder is not None:
        place = folder / hashlib.sha256(url.encode()).hexdigest()[:16]
        try:
            with lock(place / _LOCK, "the download"):
                try:
                    yield place
                finally:
                    if not (place / _ABOUT).exists():  # it is whole, or nothing can be resumed
                        remove(place / _PART)
                        let_go(place / _LOCK)
            return
        except Held:
            pass
    with tempfile.TemporaryDirectory(dir=otherwise) as scratch:
        yield Path(scratch)


def _blocks(answer: requests.Response) -> Iterator[bytes]:
    """The body as it arrives. `iter_content` waits for whole blocks, and loses one that is cut."""
    try:
        while block := answer.raw.read1(_BLOCK, decode_content=True):
            yield block
    except HTTPError as error:
        raise requests.ConnectionError(error, response=answer) from None


def _name(headers: Mapping[str, str]) -> str:
    """What a server calls this version of a file; "" if nothing that tells versions apart."""
    tag = headers.get("ETag", "")
    if tag.startswith('"'):  # not a weak one, W/"..."
        return tag
    changed = headers.get("Last-Modified", "")
    try:
        # Within one second a file may change twice.
        age = parsedate_to_datetime(headers["Date"]) - parsedate_to_datetime(changed)
        return changed if age.total_seconds() >= 1 else ""
    except (KeyError, TypeError, ValueError):
        return ""


def _length(answer: requests.Response) -> int | None:
    """The length of the file that an answer brings; None if it is unknown, or not the body's."""
    told = answer.headers.get("Content-Length", "")
    return int(told) if told.isdecimal() and "Content-Encoding" not in answer.headers else None


def _is_rest(answer: requests.Response, start: int, version: _Version) -> bool:
    """Whether an answer brings all that is missing of this version, and says so."""
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if found is None or "Content-Encoding" in answer.headers:
        return False
    if tuple(map(int, found.groups())) != (start, version.length - 1, version.length):
        return False
    # It must repeat an ETag, but need not repeat Last-Modified.
    if version.name.startswith('"'):
        return answer.headers.get("ETag") == version.name
    return answer.headers.get("Last-Modified", version.name) == version.name


def _while_it_moves(work: Callable[[], None], part: _Part, timeout: float) -> None:
    """Download in a thread, and abandon the thread if too few bytes arrive.

    There is no other way to end a call that waits for the next byte. An abandoned thread fails at
    its next block, because its file is closed. It does not keep the process from ending.

    Raises
    ------
    UserError
        If fewer than 1,000 bytes a second arrive in four times the timeout: connecting and asking
        may each take one timeout, and asking for the rest of a file may be in vain.
    """
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    seconds = _PATIENCE * timeout
    while thread.is_alive():
        before = part.arrived
        thread.join(seconds)
        if thread.is_alive() and part.arrived - before < _SLOWEST * seconds:
            raise UserError(
                _(
                    "{what} is too slow: {size:,} bytes in {seconds:g} seconds "
                    "(download.timeout is a quarter of that)"
                ).format(what=part.what, size=part.arrived - before, seconds=seconds)
            )
    if caught:
        raise caught[0]
