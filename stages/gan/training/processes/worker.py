"""Code that runs inside each process of a job that `job` has started.

It reports to `job` how the process ended, and ends the process when the job is gone.
"""

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
from stages.gan.common.processes import end_this_process
from stages.gan.training.processes.dead_ranks import connections
from stages.gan.training.ranks import exchange, group
from stages.gan.training.ranks.group import Group

# The variable that tells a job's processes where its folder is.
FOLDER = "STAGES_JOB"
# The variable with the number of the msrun that started them; `job` sets it.
_MSRUN = "STAGES_MSRUN"
# Seconds that a worker has to save after it was asked to end.
PATIENCE = 20.0
_PAUSE = 0.1
_DEATH_SIGNAL = 1  # of Linux's prctl


@contextmanager
def membership(dataset: str, workers: int) -> Iterator[tuple[Group, exchange.Link]]:
    """The group of this process, and its link to the other ranks.

    A process that was not started as part of a job is alone. The scheduler of a job does not
    enter the block: it waits until the ranks have ended, and exits.

    Parameters
    ----------
    dataset : str
    workers : int
        The number of processes that the params ask for.

    Raises
    ------
    UserError
        If the job has another number of workers, or a rank does not arrive.
    """
    if not group.is_started_by_msrun():
        yield group.ALONE, exchange.Link(group.ALONE)
        return
    group.check_job(dataset, workers)
    be_killed_with_parent()
    if group.is_scheduler():
        group.join(workers)
        sys.exit()
    mine = group.join(workers)
    link = exchange.Link(mine)
    with (
        connections(mine, link, group.meeting_point()),
        reporting(mine.rank),
        exchange.clear_errors(mine),
    ):
        yield mine, link


def report_of(folder: Path, rank: int) -> tuple[str, int] | None:
    """What a rank reported when it ended: its error ("" if none) and its exit code.

    `folder` is the job's. None if the rank has not ended yet, or was killed.
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
    """Within a rank that `job.run` has started: report to it how the block ended.

    If the starting process ends, this process is asked to end too, and is soon ended in any case.
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


def be_killed_with_parent() -> None:
    """From now on be killed when msrun ends; end now if it has ended already.

    MindSpore runs no other thread of Python while a process joins the others, which takes seconds,
    nor ever in the scheduler. So Linux has to see to it. Only if `job.run` has started this
    process: another msrun may leave its processes on purpose.
    """
    if FOLDER in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != int(os.environ[_MSRUN]):
            os._exit(1)


def _write(file: Path, content: dict) -> None:
    scratch = file.with_suffix(".new")
    with suppress(FileNotFoundError):  # the starting process is gone, and the folder too
        scratch.write_text(json.dumps(content), encoding="utf-8", newline="\n")
        scratch.replace(file)


def _end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PAUSE)
        end_this_process()
        time.sleep(PATIENCE)
        os._exit(1)  # the main thread still waits for a rank that is gone

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()
    if sys.platform == "linux":  # this thread lets the process save first
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, 0)
