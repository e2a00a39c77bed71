"""Fetch a data set from the first of its sources that yields the right files.

A source is written in params.yaml as one string:

    https://host/path/archive.zip   an archive to fetch (http:// too)
    https://host/path/              a folder that holds each file as <name>.gz
    path/on/disk                    an archive or a folder, absolute or from the project
    bundled:<name>                  made here, by a module of this project
"""

import logging
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import pooch
import requests

from stages.gan.errors import UserError

BUNDLED = "bundled:"


@dataclass(frozen=True)
class Limits:
    """How long and how often to try, and how much to accept."""

    timeout: float
    retries: int
    maximum_bytes: int


@dataclass(frozen=True)
class Found:
    """What a source gave.

    `name` is what may be published of the source: its URL, or the last part of a path, as
    artifacts must not depend on where a person keeps their files.
    """

    name: str
    bundled: bool
    failures: tuple[str, ...]


def is_remote(source: str) -> bool:
    """Whether a source is fetched over the network."""
    return source.lower().startswith(("http://", "https://"))


def public_name(source: str) -> str:
    """The source's name without the folders of this machine, or secrets in a URL."""
    if source.startswith(BUNDLED):
        return source
    if is_remote(source):
        try:
            parts = urlsplit(source)
        except ValueError:
            return source.partition(":")[0] + "://..."
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host, query="", fragment="").geturl()
    return Path(source).name


def first_that_works(
    sources: Iterable[str],
    take: Callable[[str], None],
    announce: Callable[[str], None],
) -> Found:
    """Try sources in order with `take`, which raises UserError where one does not serve.

    Raises
    ------
    UserError
        If none works, with the reason of each.
    """
    failures: list[str] = []
    for source in sources:
        announce(f"trying {public_name(source) if is_remote(source) else source}")
        try:
            take(source)
        except UserError as error:
            failures.append(f"{public_name(source)}: {error}")
            announce(f"  not used: {error}")
            continue
        return Found(public_name(source), source.startswith(BUNDLED), tuple(failures))
    raise UserError("no source gave the data: " + "; ".join(failures))


def fetch(source: str, names: Iterable[str], scratch: Path, limits: Limits) -> Path:
    """Bring an archive or folder to this machine.

    Parameters
    ----------
    source : str
        Any but a bundled one.
    names : iterable of str
        The files a remote folder should hold, each as <name>.gz.
    scratch : Path
        A folder for what is fetched.

    Returns
    -------
    Path
        An archive or a folder on disk.

    Raises
    ------
    UserError
        If it cannot be reached.
    """
    if not is_remote(source):
        path = Path(source).expanduser()
        if not path.exists():
            raise UserError(f"{path} does not exist")
        return path
    try:
        name = Path(unquote(urlsplit(source).path)).name
    except ValueError as error:
        raise UserError(f"{public_name(source)} is no valid URL: {error}") from None
    folder = Path(tempfile.mkdtemp(dir=scratch))
    if source.endswith("/"):
        for name in names:
            _retrieve(f"{source}{name}.gz", folder / f"{name}.gz", limits)
        return folder
    file = folder / (name if name not in ("", "..") else "archive")
    _retrieve(source, file, limits)
    return file


class _Bounded(pooch.HTTPDownloader):
    """pooch's downloader, which refuses what announces itself as too large, or is."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(progressbar=True, timeout=limits.timeout)
        self._maximum_bytes = limits.maximum_bytes

    def __call__(self, url, output_file, pooch_object, check_only=False):
        if not check_only:
            answer = requests.head(url, timeout=self.kwargs["timeout"], allow_redirects=True)
            size = int(answer.headers.get("content-length", 0))
            if answer.ok and size > self._maximum_bytes:
                raise UserError(
                    f"{public_name(url)} announces {size:,} bytes, more than "
                    f"download.maximum_bytes ({self._maximum_bytes:,})"
                )
            with open(output_file, "wb") as file:
                bounded = _BoundedFile(file, public_name(url), self._maximum_bytes)
                return super().__call__(url, bounded, pooch_object)
        return super().__call__(url, output_file, pooch_object, check_only=check_only)


class _BoundedFile:
    """A file that takes no more than so many bytes, whatever a server announced."""

    def __init__(self, file: BinaryIO, what: str, maximum_bytes: int) -> None:
        self._file = file
        self._what = what
        self._maximum_bytes = maximum_bytes
        self._size = 0
        self.flush = file.flush

    def write(self, block: bytes) -> None:
        self._size += len(block)
        if self._size > self._maximum_bytes:
            raise UserError(
                f"{self._what} is larger than download.maximum_bytes ({self._maximum_bytes:,})"
            )
        self._file.write(block)


def _retrieve(url: str, target: Path, limits: Limits) -> None:
    pooch.get_logger().setLevel(logging.WARNING)
    shelf = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: None},
        urls={target.name: url},
        retry_if_failed=limits.retries,
    )
    try:
        shelf.fetch(target.name, downloader=_Bounded(limits))
    except (requests.RequestException, ValueError) as error:
        reason = " ".join(_without_secrets(str(error), url).split())
        raise UserError(f"{public_name(url)} cannot be fetched: {reason[:200]}") from None


def _without_secrets(text: str, url: str) -> str:
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    for secret in (login + at, f"?{parts.query}" if parts.query else ""):
        text = text.replace(secret, "") if secret else text
    return text
