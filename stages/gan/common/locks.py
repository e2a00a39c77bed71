"""A file lock that one living process holds; the file names that process.

The library filelock takes the lock of the operating system: `flock`, and `LockFileEx` on Windows.
Windows lets nobody else read what is locked, and remove no file that is open. So the lock is on the
first byte, the description of the process comes after it, and a lock's file is removed either
while it is held or, on Windows, just after.
"""

import errno
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

_PAUSE = 0.2
# Before the description: the byte that is locked. JSON allows it.
_LOCKED = b" "
# Files to be removed when their locks are released.
_LEAVING: set[Path] = set()


class Held(UserError):
    """Another living process holds the lock."""


@contextmanager
def lock(
    file: Path, what: str, patience: float = 0.0, announce: Callable[[str], None] = print
) -> Iterator[None]:
    """Hold a lock while the block runs. The file is created, and may be removed in the block.

    The operating system releases the lock however the process ends, so a dead process holds
    nothing.

    Parameters
    ----------
    file : Path
    what : str
        What the lock protects, for the error message.
    patience : float
        Seconds to wait for the holder to end; the wait is announced.
    announce : callable

    Raises
    ------
    Held
        If another process holds the lock. The message gives its number and command.
    """
    end = time.monotonic() + patience
    told = False
    while (opened := _take(file)) is None:
        holder = _holder(file)
        if time.monotonic() >= end:
            raise Held(
                _("{what} is in use by {holder}: wait until it has ended, or stop it").format(
                    what=what, holder=holder
                )
            )
        if not told:
            announce(
                _("{what} is in use by {holder}: waiting up to {patience:.0f} seconds").format(
                    what=what, holder=holder, patience=patience
                )
            )
            told = True
        time.sleep(_PAUSE)
    try:
        about = {"process": os.getpid(), "host": platform.node(), "command": _command()}
        os.ftruncate(opened, 0)
        os.write(opened, _LOCKED + json.dumps(about).encode())
        yield
    finally:
        os.close(opened)
        if file in _LEAVING:
            _LEAVING.discard(file)
            with suppress(PermissionError):  # another process has it already
                _remove(file)


def is_held(file: Path) -> bool:
    """Whether a living process holds the lock now."""
    try:
        opened = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not lock_descriptor(opened, blocking=False)
    finally:
        os.close(opened)


def let_go(file: Path) -> None:
    """Remove a lock that this process holds, and its folder if nothing else is in it.

    Once the file is gone, another process may create it again; then its folder stays. Windows
    removes no open file: there both go when the lock is released.
    """
    try:
        _remove(file)
    except PermissionError:
        if os.name != "nt":
            raise
        _LEAVING.add(file)


def _remove(file: Path) -> None:
    file.unlink()
    try:
        file.parent.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            raise


def _take(file: Path) -> int | None:
    """The locked file's descriptor, or None if another holds it."""
    while True:
        try:
            opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # no folder yet, or the last holder has just removed it
            _make_folder(file.parent)
            continue
        try:
            if not lock_descriptor(opened, blocking=False):
                os.close(opened)
                return None
            # The last holder may have removed the file before it released the lock. Then this
            # lock is on a removed file, and the next process would create and lock a new one.
            if _is_at(opened, file):
                return opened
        except BaseException:
            os.close(opened)
            raise
        os.close(opened)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        # The last holder may have removed it since mkdir found it.
        if os.path.lexists(folder) and not folder.is_dir():
            raise


def _is_at(opened: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), os.stat(file))
    except FileNotFoundError:
        return False


def _holder(file: Path) -> str:
    try:
        with file.open("rb", buffering=0) as opened:
            opened.seek(len(_LOCKED))
            about = json.loads(opened.read())
        return _("process {process} on {host} ({command})").format(
            process=about["process"], host=about["host"], command=about["command"]
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return _("another process")  # it has just begun, or is ending


def _command() -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return " ".join([spec.name if spec else Path(sys.argv[0]).name, *sys.argv[1:]])
