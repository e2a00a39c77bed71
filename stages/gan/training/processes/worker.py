"""Being a worker of a distributed run that `jobs` has started: its report, and its end with it."""

import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stages.gan.common.errors import UserError

# The variable that tells a job's processes where its folder is.
FOLDER = "STAGES_JOB"
# Seconds in which a worker that was asked to end has to save.
PATIENCE = 20.0
_PAUSE = 0.1
_DEATH_SIGNAL = 1  # of Linux's prctl


def report_of(folder: Path, rank: int) -> tuple[str, int] | None:
    """What a rank of the job in that folder told when it ended: its error, or "", and exit code.

    None if it has not ended yet, or was killed.
    """
    try:
        about = json.loads(_report(folder, rank).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return about["message"], about["code"]


def _report(folder: Path, rank: int) -> Path:
    return folder / f"rank-{rank}.json"


@contextmanager
def reporting(rank: int) -> Iterator[None]:
    """Within a rank: tell who started it, if that was `run`, how the block ended.

    If that process ends, this one is asked to end too, and ends in any case soon after.
    """
    told = os.environ.get(FOLDER)
    if told is None:
        yield
        return
    file = _report(Path(told), rank)
    _end_with_parent()
    try:
        yield
    except UserError as error:
        _write(file, {"code": error.code, "message": " ".join(str(error).split())})
        raise
    _write(file, {"code": 0, "message": ""})


def end_scheduler_with_parent() -> None:
    """Within the scheduler, which cannot run a thread: be killed with msrun.

    For one that `run` has started; somebody else's msrun may leave its processes on purpose.
    """
    if FOLDER in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


def _write(file: Path, content: dict) -> None:
    scratch = file.with_suffix(".new")
    with suppress(FileNotFoundError):  # who started it is gone, and the folder too
        scratch.write_text(json.dumps(content))
        scratch.replace(file)


def _end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PAUSE)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(1)  # it waits for a rank that is gone

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()
