"""One folder for all temporary files of a process of tests, and of all that it starts.

Tests kill what they start, and what is killed leaves its temporary files. They all end with the
tests; and if the tests themselves are killed, with the next ones, an hour later at the earliest.
"""

import atexit
import os
import re
import shutil
import tempfile
import time
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

import psutil

_PREFIX = "gan-tests-"
# Of another container, which shares the folder, no process can be seen.
_AN_HOUR = 3600.0


def keep_in_one_folder() -> Path:
    """Have it so from now on; pytest's own folders, which show what failed, stay where they are."""
    root = Path(tempfile.gettempdir())
    if root.name.startswith(_PREFIX):  # of what has started this worker
        root = root.parent  # a path to a socket of Chromium's may have no more than 107 letters
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(root))
    for folder in root.glob(f"{_PREFIX}*"):
        found = re.fullmatch(rf"{_PREFIX}([0-9]+)-.*", folder.name)
        with suppress(OSError):  # another worker has removed it
            is_old = time.time() - folder.stat().st_mtime > _AN_HOUR
            if found and is_old and not psutil.pid_exists(int(found[1])):
                shutil.rmtree(folder, ignore_errors=True)
    own = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    tempfile.tempdir = str(own)
    # The last is dask's: it does not ask for TMPDIR, and shares one folder with all others.
    for name in ("TMPDIR", "TMP", "TEMP", "DASK_TEMPORARY_DIRECTORY"):
        os.environ[name] = str(own)
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


def keep_only(base: Path, wanted: Set[Path]) -> None:
    """Remove all in pytest's folder of this process but these folders; and itself, if it is empty.

    At the end of the tests, and not after each test, as pytest's policy "failed" does: an ext4
    without a journal takes the longer to make a file the more it has removed just before (a copy of
    the tiny project took 4 s instead of 0.2).
    """
    for entry in base.iterdir():
        if entry.name.startswith("popen-"):  # of a worker, which has kept there what it wants
            with suppress(OSError):
                entry.rmdir()
        elif entry.is_symlink() or not entry.is_dir():
            entry.unlink(missing_ok=True)
        elif entry not in wanted:
            shutil.rmtree(entry, ignore_errors=True)
    with suppress(OSError):
        base.rmdir()
