"""Starts and ends workers of DVC's queue, one per core, each bound to its own core.

A worker is DVC's own (`dvc exp queue-worker`, which `dvc queue start` starts too). Two trainings
that share both cores slow each other down. Bound to one core each, they do 1.6 times the work of
one training on both cores. A process inherits the cores of its parent, so everything that a worker
starts stays on the worker's core.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stages.gan.common.language import _
from stages.gan.common.processes import is_alive
from stages.gan.params import choices
from stages.tools.dvc import queue

LOGS = Path(".dvc/tmp/sweep")
_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")
# Seconds for a worker and its experiment to end after a request.
_PATIENCE = 90.0
_ERROR = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception): .*)$", re.MULTILINE)
_PAUSE = 0.5
# Seconds between looks for the command line of a starting worker.
_MOMENT = 0.002


def cores() -> list[int]:
    """The cores that this process may use; if the system does not say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def memory() -> int:
    """The free memory in bytes, of the machine or of its container, whichever is less."""
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # there is no such limit, or it is "max"
        limit, used = (int(file.read_text(encoding="ascii")) for file in (_LIMIT, _USED))
        free = min(free, limit - used)
    return free


def fitting(network: str, free_memory: int, free_cores: int) -> int:
    """How many experiments with a kind of network can run at the same time, at least 1.

    Raises
    ------
    ValueError
        If there is no such kind of network.

    Examples
    --------
    >>> fitting("dcgan", 5_000_000_000, 8), fitting("mlp", 10**12, 2), fitting("mlp", 0, 2)
    (2, 2, 1)
    """
    return max(1, min(free_cores, free_memory // choices.network(network).memory))


def last_error() -> str:
    """The last error that a worker of a sweep has noted, in one line."""
    logs = sorted(LOGS.glob("worker-*.log"), key=lambda log: log.stat().st_mtime, reverse=True)
    for log in logs:
        errors = _ERROR.findall(log.read_text(encoding="utf-8", errors="replace"))
        if errors:
            return _("DVC could not set it up: {error} (see {log})").format(
                error=errors[-1], log=log
            )
    return _("DVC could not set it up: see {logs}/worker-*.log and `dvc queue status`").format(
        logs=LOGS
    )


class Workers:
    """The workers of a sweep, including those left by an earlier sweep that was killed.

    Parameters
    ----------
    count : int
        The number of workers.

    Attributes
    ----------
    failures : int
        How many workers have failed.
    """

    def __init__(self, count: int) -> None:
        self.failures = 0
        available = cores()
        self._cores = [available[number % len(available)] for number in range(count)]
        self._own: dict[int, subprocess.Popen[bytes]] = {}
        self._others: dict[int, psutil.Process] = {}
        for process in queue.workers():
            number = _number(process)
            if number is not None:
                self._others[number] = process

    def __len__(self) -> int:
        """How many workers are alive."""
        return len(self.numbers)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the workers that are alive."""
        own = [number for number, process in self._own.items() if process.poll() is None]
        others = [number for number, process in self._others.items() if is_alive(process)]
        return sorted({*own, *others})

    def fill(self, count: int) -> list[str]:
        """Start workers until `count` are alive; return a line for each start and each failure."""
        lines = self.failed()
        alive = self.numbers
        for number, core in enumerate(self._cores):
            if len(alive) >= count:
                break
            if number not in alive:
                process = self._start(number, core)
                alive.append(number)
                started = _("worker {number} started (process {process})")
                if hasattr(os, "sched_setaffinity"):
                    started = _("worker {number} started on core {core} (process {process})")
                lines.append(started.format(number=number + 1, core=core, process=process.pid))
        return lines

    def failed(self) -> list[str]:
        """A line for each worker that has failed since the last call."""
        lines = []
        for number, process in list(self._own.items()):
            if process.poll() is not None:
                del self._own[number]
                if process.returncode:
                    self.failures += 1
                    lines.append(_ended(number + 1, process.returncode))
        for number, other in list(self._others.items()):
            if not is_alive(other):
                del self._others[number]
        return lines

    def end(self) -> None:
        """End the workers and their experiments; trainings save first, so that they can resume."""
        processes: list[psutil.Process] = list(self._others.values())
        for own in self._own.values():
            with suppress(psutil.NoSuchProcess):
                processes.append(psutil.Process(own.pid))
        processes = [process for process in processes if is_alive(process)]
        running = {child for process in processes for child in _children(process)}
        # Workers first: they then start nothing new, and wait for their experiments.
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        asked: set[psutil.Process] = set()
        last = time.monotonic() + _PATIENCE
        while (processes or running) and time.monotonic() < last:
            for child in running - asked:
                with suppress(psutil.NoSuchProcess):
                    child.terminate()
            asked |= running
            _, alive = psutil.wait_procs([*processes, *running], _PAUSE)
            processes = [process for process in processes if process in alive]
            running = {child for child in running if child in alive}
            running |= {child for process in processes for child in _children(process)}
        for process in [*running, *processes]:
            for each in [*_children(process, recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        for own in self._own.values():
            own.wait()

    def _start(self, number: int, core: int) -> subprocess.Popen[bytes]:
        LOGS.mkdir(parents=True, exist_ok=True)
        search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        log = LOGS / f"worker-{number + 1}.log"
        with log.open("ab") as output, _bound_to(core):
            process = subprocess.Popen(
                [*queue.DVC, "exp", "queue-worker", _name(number)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": search},
                # So that Ctrl-C reaches it through `end` alone.
                start_new_session=True,
            )
        self._own[number] = process
        _wait_for_command_line(process)
        return process


def _children(process: psutil.Process, recursive: bool = False) -> set[psutil.Process]:
    try:
        return set(process.children(recursive=recursive))
    except psutil.NoSuchProcess:
        return set()


def _wait_for_command_line(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has its command line, by which another sweep recognises a worker.

    A new process has none for a moment, and for longer if its core is busy.
    """
    with suppress(psutil.NoSuchProcess):
        worker = psutil.Process(process.pid)
        while is_alive(worker) and not worker.cmdline():
            time.sleep(_MOMENT)


def _name(number: int) -> str:
    return f"sweep-{number + 1}@localhost"


def _number(process: psutil.Process) -> int | None:
    """The number of a worker that a sweep has started; None for other workers."""
    with suppress(psutil.NoSuchProcess, IndexError, ValueError):
        name = process.cmdline()[-1]
        number = int(name.removesuffix("@localhost").rpartition("-")[2]) - 1
        return number if name == _name(number) else None
    return None


@contextmanager
def _bound_to(core: int) -> Iterator[None]:
    """Processes that are started in the block are bound to one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _ended(number: int, code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return _("worker {number} was killed by {signal}").format(number=number, signal=name)
    return _("worker {number} ended with {code}").format(number=number, code=code)
