"""Starts the workers of a distributed run on this machine by msrun, and ends them together.

If a process of the job ends before its time, all are ended. With msrun alone the others would
wait for up to half a minute, and some of them for ever.
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
from stages.gan.common.language import ERROR, _, beginnings, marked, translated
from stages.gan.common.locks import is_held, lock
from stages.gan.common.processes import is_alive
from stages.gan.training.processes.dead_ranks import loss_of
from stages.gan.training.processes.stops import Stopped, Stops
from stages.gan.training.processes.worker import FOLDER, PATIENCE, report_of

_PREFIX = "job-"
_HELD = "held"
_MAKING = "making-a-job"
_PAUSE = 0.1
_SCHEDULER = marked("the scheduler")
# MindSpore's notes among the lines of rank 0; they are not shown.
_NOTES = "[INFO] DISTRIBUTED("
# Seconds to wait for killed processes to be gone.
_GRACE = 5.0
# Seconds that other ranks have to report their errors after one was seen to be gone.
_LAST_WORDS = 0.3
_SUBREAPER = 36  # of Linux's prctl

_MSRUN = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # when its parent ends
if os.getppid() != int(sys.argv.pop(1)):
    sys.exit(1)
os.environ["STAGES_MSRUN"] = str(os.getpid())
from mindspore.parallel.cluster.run import main
main()
"""


class Ended(UserError):
    """A process of the job ended before its time. The exit code is the reporting process's."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def about(dataset: str, workers: int, batch_size: int) -> str:
    """The line that announces a job."""
    return _("{dataset}: {workers} workers, {images} images for each").format(
        dataset=dataset, workers=workers, images=batch_size // workers
    )


def run(
    command: list[str],
    workers: int,
    root: Path,
    tell: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a Python command as `workers` ranks on this machine, until all have ended.

    No process and no file of the job is left in any case. A request to end is passed to rank 0,
    which saves. If this process is killed, the others notice.

    Parameters
    ----------
    command : list of str
        The arguments of `python`.
    workers : int
    root : Path
        The job's own folder is created in it, and removed at the end.
    tell : callable
        Called with each line that rank 0 prints, except its error. Others' lines are not shown.
    environment : mapping, optional
        The ranks' environment variables; by default this process's.

    Raises
    ------
    Ended
        If a rank failed; with the rank's own message.
    Stopped
        If this process was asked to end.
    UserError
        If this is not Linux: MindSpore's packages for others come without its cluster.
    """
    if sys.platform != "linux":
        raise UserError(
            _(
                "train.distributed.workers is {workers}, but MindSpore starts several processes "
                "of one training on Linux alone: valid is 1"
            ).format(workers=workers)
        )
    with ExitStack() as held:
        # Without this lock another job might remove the folder before it is held.
        with lock(root / _MAKING, _("the folder for new jobs"), PATIENCE, tell):
            _remove_left(root)
            folder = Path(mkdtemp(prefix=_PREFIX, dir=root)).resolve()
            held.enter_context(lock(folder / _HELD, _("the job")))
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
    """Reserve a free port of this machine while the block runs.

    The port stays bound, but nothing listens. MindSpore's scheduler can bind it too, because
    both set SO_REUSEADDR.
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
        # msrun starts the first `python` on PATH: this script.
        python = self._folder / "python"
        python.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8", newline="\n"
        )
        python.chmod(0o755)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        environment = {
            # If each rank used all cores, the ranks would mostly wait for each other.
            "OMP_NUM_THREADS": str(max(1, cores // self._workers)),
            # This process ends ranks that wait for a dead one.
            "MS_NODE_TIMEOUT": "3600",
            **environment,
            "PATH": f"{self._folder}{os.pathsep}{environment.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            FOLDER: str(self._folder),
        }
        environment.pop("DVC_STAGE", None)  # the ranks end with this process
        if sys.platform == "linux":  # processes that msrun leaves behind become children of this
            ctypes.CDLL(None).prctl(_SUBREAPER, 1)
        with (self._folder / "msrun.log").open("wb") as log:
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
                    f"--tail_worker_log={self._workers}",  # no rank has this number
                    "python",
                    *command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # `watch` passes Ctrl-C on
            )

    def watch(self, stops: Stops) -> None:
        """Show what rank 0 prints, until all ranks have finished."""
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
                # Other ranks may end because one has; they get the time to report.
                time.sleep(_LAST_WORDS)
                name = _shown(self._gone() or _SCHEDULER)
                raise self._error(_("{name} ended before its time").format(name=name))
            time.sleep(_PAUSE)
        self._forward()
        if self._all_finished():
            # An error when MindSpore shuts down afterwards does not count.
            return
        if stops.requested:
            message, _code = self._ending(_rank(0))
            raise _stopped(stops, message)
        code = self._msrun.returncode
        ended = _("msrun, which started the workers, ended")
        if code < 0:
            raise Ended(
                _without_a_word(_("{ended} by signal {signal}").format(ended=ended, signal=-code))
            )
        raise self._error(_("{ended} with exit code {code}").format(ended=ended, code=code))

    def _all_finished(self) -> bool:
        return all(self._finished(_rank(number)) for number in range(self._workers))

    def _find(self) -> None:
        """Find the processes of the ranks and the scheduler."""
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
        """A process that ended early, if any; preferably one without a message."""
        found = [name for name in self._processes if self._has_ended(name)]
        early = [name for name in found if not self._finished(name)]
        return min(early, key=lambda name: (self._ending(name)[0], name), default=None)

    def _finished(self, name: str) -> bool:
        """Whether a process has reported a good end."""
        if name == _SCHEDULER:  # it ends with the last rank
            return self._all_finished()
        return self._report(name) == ("", 0)

    def _report(self, name: str) -> tuple[str, int] | None:
        if name == _SCHEDULER:
            return None
        return report_of(self._folder, int(name.rsplit(" ", 1)[1]))

    def _ending(self, name: str) -> tuple[str, int]:
        """The message of a process that ended ("" if none), and its exit code."""
        if report := self._report(name):
            return report
        for line in reversed(self._log(name).splitlines()):
            for beginning in beginnings(ERROR):
                if line.startswith(beginning):
                    return line.removeprefix(beginning), 1
        return "", 1

    def _log(self, name: str) -> str:
        log = "scheduler" if name == _SCHEDULER else name.replace("rank ", "worker_")
        with suppress(FileNotFoundError):
            return (self._folder / f"{log}.log").read_text(encoding="utf-8", errors="replace")
        return ""

    def _error(self, what: str) -> Ended:
        """The error to raise: a rank's own message, or else `what`."""
        self._forward()
        losses = [loss_of(rank, self._workers) for rank in range(self._workers)]
        for name in sorted(self._processes):
            message, code = self._ending(name)
            if message and message not in losses:
                return Ended(message if name == _rank(0) else f"{_shown(name)}: {message}", code)
        for name in sorted(self._processes):
            if "Traceback" in (log := self._log(name)):
                print(log, file=sys.stderr)
                return Ended(
                    _("{name} of {workers} failed; its traceback is above").format(
                        name=_shown(name), workers=self._workers
                    )
                )
        return Ended(_without_a_word(what))

    def _ask_to_save(self, stops: Stops) -> bool:
        """Pass the request to end to rank 0, which informs the others; False if it is missing."""
        process = self._processes.get(_rank(0))
        if process is None:
            return False
        with suppress(psutil.NoSuchProcess):
            process.send_signal(stops.number)
        return True

    def _forward(self) -> None:
        """Show the complete lines that rank 0 has printed since the last call."""
        with suppress(FileNotFoundError), (self._folder / "worker_0.log").open("rb") as log:
            log.seek(self._told)
            text = log.read()
            text = text[: text.rfind(b"\n") + 1]
            self._told += len(text)
            for line in text.decode(errors="replace").splitlines():
                # This process reports rank 0's error.
                if not line.startswith((_NOTES, *beginnings(ERROR))):
                    self._tell(line)

    def kill(self) -> None:
        """Kill all remaining processes of the job."""
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
    return stops.error(_("stopped by {reason}; the last saved state is still there"))


def _without_a_word(what: str) -> str:
    return _(
        "{what} without an error message (killed, or out of memory?), so all were "
        "ended; the same command resumes from the last saved state"
    ).format(what=what)


def _rank(number: int) -> str:
    return f"rank {number}"


def _shown(name: str) -> str:
    if name == _SCHEDULER:
        return translated(_SCHEDULER)
    return _("rank {rank}").format(rank=name.rsplit(" ", 1)[1])
