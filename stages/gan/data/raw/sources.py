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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pooch
import requests
from tqdm import tqdm

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.raw.transfer import Downloader, Limits, Unresolved

BUNDLED = "bundled:"
_LONGEST = 600
# Ends of the names of hosts that stand in China: its own domain; regions of clouds; MindSpore's.
_IN_CHINA = (
    ".cn",
    ".bcebos.com",
    ".cn-north-4.myhuaweicloud.com",
)
# Variables that name a file or folder of certificates; requests takes the first that is set.
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


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


def in_order(sources: Sequence[str], language: str, files_are_known: bool) -> list[str]:
    """The order in which sources are tried.

    For Chinese the remote ones in China come before the other remote ones, which may be slow or
    out of reach there. Where no hash says which files are right, the order stays as it is written:
    it may decide which data are taken.

    Parameters
    ----------
    sources : sequence of str
    language : str
        The terminal's, `en` or `zh`.
    files_are_known : bool
        Whether the files of all sources must have the same hashes.

    Examples
    --------
    >>> far, near = "https://a.example.org/x.zip", "https://b.example.cn/x.zip"
    >>> in_order([far, near, "bundled:digits"], "zh", True)
    ['https://b.example.cn/x.zip', 'https://a.example.org/x.zip', 'bundled:digits']
    """
    order = list(sources)
    if language == "zh" and files_are_known:
        places = [place for place, source in enumerate(order) if is_remote(source)]
        remote = sorted((order[place] for place in places), key=lambda source: not _is_near(source))
        for place, source in zip(places, remote, strict=True):
            order[place] = source
    return order


def _is_near(source: str) -> bool:
    try:
        host = urlsplit(source).hostname or ""
    except ValueError:  # no URL; `fetch` says so
        return False
    return any(f".{host}".endswith(ending) for ending in _IN_CHINA)


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


def fetch(
    source: str, names: Iterable[str], scratch: Path, limits: Limits, begun: Path | None = None
) -> Path:
    """Download an archive or folder, or find it on this machine.

    Parameters
    ----------
    source : str
        Any source that is not bundled.
    names : iterable of str
        The files a remote folder should hold, each as <name>.gz.
    scratch : Path
        A folder for the downloaded files.
    limits : Limits
    begun : Path, optional
        A folder that keeps what has arrived of a file until it is whole; see `transfer`. By
        default a download that ends too soon begins again.

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
            _retrieve(f"{source}{name}.gz", folder / f"{name}.gz", limits, begun)
        return folder
    file = folder / (name if name not in ("", "..") else "archive")
    _retrieve(source, file, limits, begun)
    return file


def check_hashes(hashes: Mapping[str, str], identities: Mapping[str, str]) -> None:
    """Compare the unpacked files with the hashes in params.yaml; both are names to sha256.

    Raises
    ------
    UserError
        If a file is missing or differs.
    """
    for file, expected in hashes.items():
        found = identities.get(file)
        if found is None:
            raise UserError(
                _("{file} is not in the source, but download.sha256 names it").format(file=file)
            )
        if found != expected:
            raise UserError(
                _("{file} has sha256 {found}, expected {expected}").format(
                    file=file, found=found, expected=expected
                )
            )


def _retrieve(url: str, target: Path, limits: Limits, begun: Path | None) -> None:
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
            downloader = Downloader(limits, bar, public_name(url), begun)
            shelf.fetch(target.name, downloader=downloader)
    except (OSError, ValueError, Unresolved) as error:
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
