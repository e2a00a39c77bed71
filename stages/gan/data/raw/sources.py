"""Fetches a data set from the first of its sources that gives the right files.

A source is written in params.yaml as one string:

    https://host/path/archive.zip   an archive or a single file to fetch (http:// too); see `packed`
    https://host/path/              a folder that holds each file as <name>.gz
    path/on/disk                    the same, or a folder; absolute, or from the project
    bundled:<name>                  made here, by a module of this project
"""

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import pooch
import requests
from tqdm import tqdm

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _

BUNDLED = "bundled:"
_LONGEST = 600
# Variables that name a file or folder of certificates; requests takes the first that is set.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# A multiple of download.timeout; and bytes per second.
_PATIENCE = 4
_SLOWEST = 1000


@dataclass(frozen=True)
class Limits:
    """Limits of a download: seconds to wait, number of retries, and bytes to accept."""

    timeout: float
    retries: int
    maximum_bytes: int


@dataclass(frozen=True)
class Found:
    """The source that was used, and why earlier sources failed.

    `name` is the part of the source that may be published: its URL, or the last part of a path.
    Results must not depend on the folder in which a user has the files.
    """

    name: str
    bundled: bool
    failures: tuple[str, ...]


def is_remote(source: str) -> bool:
    """Whether a source is fetched over the network."""
    return source.lower().startswith(("http://", "https://"))


def is_local(source: str) -> bool:
    """Whether a source is a path on this machine."""
    return not is_remote(source) and not source.startswith(BUNDLED)


def public_name(source: str) -> str:
    """The source's name without folders of this machine and without secrets in a URL."""
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
    """Try sources in order with `take`, which raises UserError if a source cannot be used.

    Raises
    ------
    UserError
        If no source works; the message has the reason for each.
    """
    failures: list[str] = []
    for source in sources:
        announce(
            _("trying {source}").format(source=public_name(source) if is_remote(source) else source)
        )
        try:
            take(source)
        except UserError as error:
            failures.append(_bounded(f"{public_name(source)}: {error}"))
            announce(_("  not used: {reason}").format(reason=_bounded(str(error))))
            continue
        return Found(public_name(source), source.startswith(BUNDLED), tuple(failures))
    raise UserError(_("no source gave the data: {reasons}").format(reasons="; ".join(failures)))


def _bounded(text: str) -> str:
    """The text, shortened to fit on a screen; paths and servers may make it long."""
    return text if len(text) <= _LONGEST else f"{text[:300]} ... {text[-200:]}"


def fetch(source: str, names: Iterable[str], scratch: Path, limits: Limits) -> Path:
    """Download an archive or folder, or find it on this machine.

    Parameters
    ----------
    source : str
        Any source that is not bundled.
    names : iterable of str
        The files a remote folder should hold, each as <name>.gz.
    scratch : Path
        A folder for the downloaded files.

    Returns
    -------
    Path
        An archive or a folder on disk.

    Raises
    ------
    UserError
        If the source cannot be reached.
    """
    if not is_remote(source):
        try:
            path = paths.from_project(source)
            there = path.exists()
        except (OSError, RuntimeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(
                _("{source} cannot be read: {reason}").format(source=source[:200], reason=reason)
            ) from None
        if not there:
            raise UserError(_("{path} does not exist").format(path=path))
        return path
    try:
        name = Path(unquote(urlsplit(source).path)).name
    except ValueError as error:
        raise UserError(
            _("{source} is not a valid URL: {error}").format(
                source=public_name(source), error=error
            )
        ) from None
    folder = Path(tempfile.mkdtemp(dir=scratch))
    if source.endswith("/"):
        for name in names:
            _retrieve(f"{source}{name}.gz", folder / f"{name}.gz", limits)
        return folder
    file = folder / (name if name not in ("", "..") else "archive")
    _retrieve(source, file, limits)
    return file


class _Bounded(pooch.HTTPDownloader):
    """pooch's downloader, which refuses files that are too large and ends slow downloads.

    The timeout of requests counts silence only: a server that sends a byte now and then, in its
    header or its body, never reaches it.
    """

    def __init__(self, limits: Limits, bar: tqdm) -> None:
        super().__init__(progressbar=bar, timeout=limits.timeout)
        self._limits = limits

    def __call__(self, url, output_file, pooch_object, check_only=False):
        if check_only:
            return super().__call__(url, output_file, pooch_object, check_only=True)
        with open(output_file, "wb") as file:
            bounded = _BoundedFile(file, public_name(url), self._limits.maximum_bytes)
            _while_it_moves(
                lambda: self._get(url, bounded, pooch_object), bounded, self._limits.timeout
            )

    def _get(self, url: str, bounded: "_BoundedFile", pooch_object: pooch.Pooch) -> None:
        answer = requests.head(url, timeout=self._limits.timeout, allow_redirects=True)
        size = int(answer.headers.get("content-length", 0))
        if answer.ok and size > self._limits.maximum_bytes:
            raise UserError(
                _(
                    "{url} announces {size:,} bytes, more than download.maximum_bytes "
                    "({maximum_bytes:,})"
                ).format(url=public_name(url), size=size, maximum_bytes=self._limits.maximum_bytes)
            )
        super().__call__(url, bounded, pooch_object)


class _BoundedFile:
    """A file that accepts at most `maximum_bytes`, whatever size a server has announced."""

    def __init__(self, file: BinaryIO, what: str, maximum_bytes: int) -> None:
        self._file = file
        self.what = what
        self._maximum_bytes = maximum_bytes
        self.size = 0
        self.flush = file.flush

    def write(self, block: bytes) -> None:
        self.size += len(block)
        if self.size > self._maximum_bytes:
            raise UserError(
                _("{what} is larger than download.maximum_bytes ({maximum_bytes:,})").format(
                    what=self.what, maximum_bytes=self._maximum_bytes
                )
            )
        self._file.write(block)


def _while_it_moves(work: Callable[[], None], file: _BoundedFile, timeout: float) -> None:
    """Download in a thread, and abandon the thread if too few bytes arrive.

    There is no other way to end a call that waits for the next byte. An abandoned thread fails at
    its next block, because its file is closed. It does not keep the process from ending.

    Raises
    ------
    UserError
        If fewer than 1,000 bytes a second arrive in four times the timeout: connecting, asking
        for the size and asking for the content may each take one timeout.
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
        before = file.size
        thread.join(seconds)
        if thread.is_alive() and file.size - before < _SLOWEST * seconds:
            raise UserError(
                _(
                    "{what} is too slow: {size:,} bytes in {seconds:g} seconds "
                    "(download.timeout is a quarter of that)"
                ).format(what=file.what, size=file.size - before, seconds=seconds)
            )
    if caught:
        raise caught[0]


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
        # The bar disappears at its end, so that the next message has its own line.
        shown = sys.stderr.isatty()
        with tqdm(total=1, unit="B", unit_scale=True, leave=False, disable=not shown) as bar:
            shelf.fetch(target.name, downloader=_Bounded(limits, bar))
    except (OSError, ValueError) as error:
        # Requests raises others than its own before it connects; they have no number. One with a
        # number is this machine's, such as a full disk, and fails with any source.
        own = isinstance(error, requests.RequestException)
        if isinstance(error, OSError) and not own and error.errno is not None:
            raise
        reason = " ".join(_without_secrets(_with_variable(str(error)), url).split())
        raise UserError(
            _("{url} cannot be fetched: {reason}").format(url=public_name(url), reason=reason[:200])
        ) from None


def _with_variable(text: str) -> str:
    """The text, after the environment variable that names the certificates it complains about.

    Where the file is missing requests names it; where it holds no certificate, OpenSSL does not.
    """
    for name in _CERTIFICATES:
        if (value := os.environ.get(name)) and (value in text or "[X509" in text):
            return _("{name} is wrong: {text}").format(name=name, text=text)
    return text


def _without_secrets(text: str, url: str) -> str:
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    for secret in (login + at, f"?{parts.query}" if parts.query else ""):
        text = text.replace(secret, "") if secret else text
    return text
