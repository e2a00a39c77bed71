"""The workers of one distributed run on this machine: started by msrun, watched, ended together.

A process of such a job that ends before its time ends the job: msrun alone would leave the others
waiting for up to half a minute, and some of them for ever.
"""

import ctypes
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil

from stages.gan.common.errors import UserError
from stages.gan.common.processes import is_alive
from stages.gan.training.processes.locks import is_held, lock
from stages.gan.training.processes.stops import Stopped, Stops
from stages.gan.training.processes.worker import FOLDER, PATIENCE, report_of

_PREFIX = "job-"
_HELD = "held"
_MAKING = "making-a-job"
_PAUSE = 0.1
_SCHEDULER = "the scheduler"
# Rank 0's error is this process's own, and MindSpore's transport tells of its threads.
_NOT_TOLD = ("error: ", "[INFO] DISTRIBUTED(")
# Seconds for what was killed to be gone.
_GRACE = 5.0
# Seconds for a rank to say why it has ended, where another is the first that is seen to be gone.
_LAST_WORDS = 0.3
# What `lifelines` says of a rank that is gone, too.
_EARLY = "ended before its time"
_SUBREAPER = 36  # of Linux's prctl

_MSRUN = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # with who started it
if os.getppid() != int(sys.argv.pop(1)):
    sys.exit(1)
from mindspore.parallel.cluster.run import main
main()
"""


class Ended(UserError):
    """A process of the job ended before its time; the exit code is that of who says why."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def run(
    command: list[str],
    workers: int,
    root: Path,
    tell: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command of Python's as so many ranks on this machine, to the end of all.

    Whatever happens, none of its processes and no file is left: a request to end is handed to
    rank 0, which saves; if this process is killed, the others notice.

    Parameters
    ----------
    command : list of str
        What follows `python`.
    workers : int
    root : Path
        In which a folder is made for the job, and removed.
    tell : callable
        Given each line that rank 0 prints, but its error. The others' lines are not shown.
    environment : mapping, optional
        Of the ranks; this process's else.

    Raises
    ------
    Ended
        If a rank did not come to its end, with what it said.
    Stopped
        If it was asked to end.
    """
    with ExitStack() as held:
        # Else another job might remove this one's folder before it is held.
        with lock(root / _MAKING, "the making of a job", PATIENCE, tell):
            _remove_left(root)
            folder = Path(mkdtemp(prefix=_PREFIX, dir=root)).resolve()
            held.enter_context(lock(folder / _HELD, "the job"))
        port = held.enter_context(_free_port())
        job = _Job(folder, workers, tell)
        try:
            with Stops() as stops:
                job.start(command, port, environment or os.environ)
                job.watch(stops)
        finally:
            job.kill()
            shutil.rmtree(folder)


def _remove_left(root: Path) -> None:
    """Remove the folders of jobs whose process was killed."""
    for folder in root.glob(f"{_PREFIX}*"):
        if not is_held(folder / _HELD):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _free_port() -> Iterator[int]:
    """A port of this machine that nobody else is given meanwhile.

    It stays bound, but is not listened to; MindSpore's scheduler binds it as well, since both
    ask for SO_REUSEADDR.
    """
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


class _Job:
    def __init__(self, folder: Path, workers: int, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._workers = workers
        self._tell = tell
        self._told = 0
        self._processes: dict[str, psutil.Process] = {}

    def start(self, command: list[str], port: int, environment: Mapping[str, str]) -> None:
        # msrun starts `python`, whichever that is.
        python = self._folder / "python"
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o755)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        environment = {
            # Ranks that each use all cores would mostly wait for each other.
            "OMP_NUM_THREADS": str(max(1, cores // self._workers)),
            # This process sees to it that nobody waits for the dead.
            "MS_NODE_TIMEOUT": "3600",
            **environment,
            "PATH": f"{self._folder}{os.pathsep}{environment.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            FOLDER: str(self._folder),
        }
        environment.pop("DVC_STAGE", None)  # the ranks end with this process
        if sys.platform == "linux":  # else processes that msrun leaves behind are lost to sight
            ctypes.CDLL(None).prctl(_SUBREAPER, 1)
        with (self._folder / "msrun.log").open("w") as log:
            self._msrun = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _MSRUN,
                    str(os.getpid()),
                    f"--worker_num={self._workers}",
                    f"--local_worker_num={self._workers}",
                    "--master_addr=127.0.0.1",
                    f"--master_port={port}",
                    f"--log_dir={self._folder}",
                    "--join=True",
                    f"--tail_worker_log={self._workers}",  # of none
                    "python",
                    *command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is handed on below
            )

    def watch(self, stops: Stops) -> None:
        """Tell what rank 0 says, until all have done their work."""
        stopped_at = 0.0
        while self._msrun.poll() is None and not self._all_finished():
            self._find()
            self._forward()
            if stops.requested:
                if not stopped_at:
                    stopped_at = time.monotonic()
                    if not self._ask_to_save(stops):
                        break
                if time.monotonic() - stopped_at > PATIENCE or self._has_ended(_rank(0)):
                    break
            elif self._gone():
                # Others may have ended by now because one has, and say so.
                time.sleep(_LAST_WORDS)
                raise self._error(f"{self._gone()} {_EARLY}")
            time.sleep(_PAUSE)
        self._forward()
        if self._all_finished():
            # How MindSpore takes leave of itself afterwards is of no interest.
            return
        if stops.requested:
            message, _ = self._ending(_rank(0))
            raise _stopped(stops, message)
        code = self._msrun.returncode
        ended = "msrun, which started the workers, ended"
        if code < 0:
            raise Ended(_without_a_word(f"{ended} by signal {-code}"))
        raise self._error(f"{ended} with exit code {code}")

    def _all_finished(self) -> bool:
        return all(self._finished(_rank(number)) for number in range(self._workers))

    def _find(self) -> None:
        """Learn which processes the ranks and the scheduler are."""
        if len(self._processes) == self._workers + 1:
            return
        for process in psutil.Process(self._msrun.pid).children():
            with suppress(psutil.Error):
                about = process.environ()
                role, rank = about.get("MS_ROLE"), about.get("RANK_ID")
                if role and about.get(FOLDER):
                    name = _SCHEDULER if role == "MS_SCHED" else _rank(int(rank))
                    self._processes[name] = process

    def _has_ended(self, name: str) -> bool:
        return name in self._processes and not is_alive(self._processes[name])

    def _gone(self) -> str | None:
        """Who has ended without having come to the end; rather one that said nothing."""
        found = [name for name in self._processes if self._has_ended(name)]
        early = [name for name in found if not self._finished(name)]
        return min(early, key=lambda name: (self._ending(name)[0], name), default=None)

    def _finished(self, name: str) -> bool:
        """Whether a process has ended well, as far as it can tell itself."""
        if name == _SCHEDULER:  # it ends with the last rank
            return self._all_finished()
        return self._report(name) == ("", 0)

    def _report(self, name: str) -> tuple[str, int] | None:
        if name == _SCHEDULER:
            return None
        return report_of(self._folder, int(name.rsplit(" ", 1)[1]))

    def _ending(self, name: str) -> tuple[str, int]:
        """What a process said when it ended, "" if nothing, and its exit code."""
        if report := self._report(name):
            return report
        for line in reversed(self._log(name).splitlines()):
            if line.startswith("error: "):
                return line.removeprefix("error: "), 1
        return "", 1

    def _log(self, name: str) -> str:
        log = "scheduler" if name == _SCHEDULER else name.replace("rank ", "worker_")
        with suppress(FileNotFoundError):
            return (self._folder / f"{log}.log").read_text(errors="replace")
        return ""

    def _error(self, what: str) -> Ended:
        """What to raise: a rank's own reason, else what was seen."""
        self._forward()
        for name in sorted(self._processes):
            message, code = self._ending(name)
            if message and _EARLY not in message:
                return Ended(message if name == _rank(0) else f"{name}: {message}", code)
        for name in sorted(self._processes):
            if "Traceback" in (log := self._log(name)):
                print(log, file=sys.stderr)
                return Ended(f"{name} of {self._workers} failed; its traceback is above")
        return Ended(_without_a_word(what))

    def _ask_to_save(self, stops: Stops) -> bool:
        """Hand the request to end to rank 0, which tells the others; False if it is not there."""
        process = self._processes.get(_rank(0))
        if process is None:
            return False
        with suppress(psutil.NoSuchProcess):
            process.send_signal(stops.number)
        return True

    def _forward(self) -> None:
        """Tell the whole lines that rank 0 has printed since the last time."""
        with suppress(FileNotFoundError), (self._folder / "worker_0.log").open("rb") as log:
            log.seek(self._told)
            text = log.read()
            text = text[: text.rfind(b"\n") + 1]
            self._told += len(text)
            for line in text.decode(errors="replace").splitlines():
                if not line.startswith(_NOT_TOLD):
                    self._tell(line)

    def kill(self) -> None:
        """End what is left of the job, at once."""
        if not hasattr(self, "_msrun"):
            return
        with suppress(psutil.Error):
            self._find()
        left = {process.pid: process for process in self._processes.values()}
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if process.environ().get(FOLDER) == str(self._folder):
                    left[process.pid] = process
        for process in left.values():
            with suppress(psutil.Error):
                process.kill()
        self._msrun.kill()
        self._msrun.wait()
        psutil.wait_procs(list(left.values()), _GRACE)


def _stopped(stops: Stops, message: str) -> UserError:
    if message:
        return Stopped(message, stops.number)
    return stops.error("stopped by {reason}; what was saved before is kept")


def _without_a_word(what: str) -> str:
    return (
        f"{what}, as by kill -9 or for want of memory, so all were ended; the same command goes on "
        "from what was saved last"
    )


def _rank(number: int) -> str:
    return f"rank {number}"
