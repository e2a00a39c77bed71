"""Workers of DVC's queue, one a core, each kept to its own core.

A worker is DVC's own (`dvc exp queue-worker`, which `dvc queue start` starts, too). Two trainings
that share both cores hinder each other: each kept to one, they do 1.6 times the work of one on
both. A process keeps to the cores of the one that started it, so that whatever a worker starts
stays on its core.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stages.gan.common.processes import is_alive
from stages.tools.dvc import queue

LOGS = Path(".dvc/tmp/sweep")
# Bytes that an experiment of each kind of network needs, its evaluation included.
NEEDED = {"mlp": 1_500_000_000, "dcgan": 2_000_000_000}
_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")
# How long a worker that was asked to end may take, with what it runs.
_PATIENCE = 90.0
_PAUSE = 0.5
# Between looks for the command line of a worker that begins.
_MOMENT = 0.002


def cores() -> list[int]:
    """The cores that this process may use; of systems that do not tell, as many numbers."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def memory() -> int:
    """Bytes that are free, of the machine and of the container's share of it."""
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # there is no such bound, or it is "max"
        free = min(free, int(_LIMIT.read_text()) - int(_USED.read_text()))
    return free


def fitting(network: str, free_memory: int, free_cores: int) -> int:
    """How many experiments fit beside each other, at least 1.

    Examples
    --------
    >>> fitting("dcgan", 5_000_000_000, 8), fitting("mlp", 10**12, 2), fitting("mlp", 0, 2)
    (2, 2, 1)
    """
    needed = NEEDED.get(network, max(NEEDED.values()))
    return max(1, min(free_cores, free_memory // needed))


class Workers:
    """The workers of a sweep, those of an earlier one that was killed included.

    Parameters
    ----------
    count : int
        How many there are to be.

    Attributes
    ----------
    falls : int
        How many have ended as they should not have.
    """

    def __init__(self, count: int) -> None:
        self.falls = 0
        available = cores()
        self._cores = [available[number % len(available)] for number in range(count)]
        self._own: dict[int, subprocess.Popen[bytes]] = {}
        self._others: dict[int, psutil.Process] = {}
        for process in queue.workers():
            number = _number(process)
            if number is not None:
                self._others[number] = process

    def __len__(self) -> int:
        """How many are alive."""
        return len(self.numbers)

    @property
    def numbers(self) -> list[int]:
        """The numbers of those that are alive."""
        own = [number for number, process in self._own.items() if process.poll() is None]
        others = [number for number, process in self._others.items() if is_alive(process)]
        return sorted({*own, *others})

    def fill(self, wanted: int) -> list[str]:
        """Start as many as lack of `wanted`; a line for each, and for each that has fallen."""
        lines = self.fallen()
        alive = self.numbers
        for number, core in enumerate(self._cores):
            if len(alive) >= wanted:
                break
            if number not in alive:
                process = self._start(number, core)
                alive.append(number)
                kept = f" on core {core}" if hasattr(os, "sched_setaffinity") else ""
                lines.append(f"worker {number + 1} started{kept} (process {process.pid})")
        return lines

    def fallen(self) -> list[str]:
        """A line for each that has ended as it should not have since the last look."""
        lines = []
        for number, process in list(self._own.items()):
            if process.poll() is not None:
                del self._own[number]
                if process.returncode:
                    self.falls += 1
                    lines.append(f"worker {number + 1} {_how(process.returncode)}")
        for number, other in list(self._others.items()):
            if not is_alive(other):
                del self._others[number]
        return lines

    def end(self) -> None:
        """End them and all that they run; trainings save first, and go on with the next sweep."""
        processes: list[psutil.Process] = list(self._others.values())
        for own in self._own.values():
            with suppress(psutil.NoSuchProcess):
                processes.append(psutil.Process(own.pid))
        processes = [process for process in processes if is_alive(process)]
        running = {child for process in processes for child in _children(process)}
        # First the workers, which then take up nothing more and wait for what they run.
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
        with log.open("ab") as output, _kept_to(core):
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
        _shown(process)
        return process


def _children(process: psutil.Process, recursive: bool = False) -> set[psutil.Process]:
    try:
        return set(process.children(recursive=recursive))
    except psutil.NoSuchProcess:
        return set()


def _shown(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has its command line, by which another sweep knows it for a worker.

    A process that begins has none for a moment, which lasts where its core is busy.
    """
    with suppress(psutil.NoSuchProcess):
        begun = psutil.Process(process.pid)
        while is_alive(begun) and not begun.cmdline():
            time.sleep(_MOMENT)


def _name(number: int) -> str:
    return f"sweep-{number + 1}@localhost"


def _number(process: psutil.Process) -> int | None:
    """The number of a worker that a sweep has started; None of others."""
    with suppress(psutil.NoSuchProcess, IndexError, ValueError):
        name = process.cmdline()[-1]
        number = int(name.removesuffix("@localhost").rpartition("-")[2]) - 1
        return number if name == _name(number) else None
    return None


@contextmanager
def _kept_to(core: int) -> Iterator[None]:
    """Within it, whatever is started keeps to a core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with {code}"
