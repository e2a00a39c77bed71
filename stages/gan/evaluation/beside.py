"""Work on NumPy arrays beside a training by MindSpore, each on cores of its own.

MindSpore trains a small network on two cores no faster than on one. So the measures of quality,
which are NumPy's, can be computed meanwhile. All results are those of one after the other.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from stages.gan.common.runtime import THREADS, usable_cores

Result = TypeVar("Result")
_ENDING: ContextVar[threading.Event | None] = ContextVar("ending", default=None)


class Ended(Exception):
    """The other work has failed or was interrupted, so the result is not wanted any more."""


def check() -> None:
    """Raise Ended if the result of this work is not wanted any more; call it now and then."""
    ending = _ENDING.get()
    if ending is not None and ending.is_set():
        raise Ended


@contextmanager
def doing(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Do this work while the block runs; the block gets a function that waits for the result.

    With a single core the work is done before the block. If the block raises, as after Ctrl-C,
    the work ends at its next `check`.
    """
    if usable_cores() == 1:
        result = work()
        yield lambda: result
        return
    ending = threading.Event()

    def apart(cores: set[int]) -> Result:
        _bind(threading.get_native_id(), cores)
        _ENDING.set(ending)  # of this thread alone
        return work()

    with _divided() as cores, ThreadPoolExecutor(1) as pool:
        found = pool.submit(apart, cores)
        try:
            yield found.result
        finally:
            ending.set()


@contextmanager
def _divided() -> Iterator[set[int]]:
    """Bind all threads of the process to half of its cores; the block gets the others.

    MindSpore's threads wait for each other by yielding their core, again and again. If another
    thread is there to take it, each yield costs milliseconds: on two cores, undivided, both works
    take as long side by side as one after the other. Where cores cannot be bound, nothing happens.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield set()
        return
    before = os.sched_getaffinity(0)
    cores = sorted(before)
    ours = set(cores[: min(len(cores) // 2, THREADS)])
    _bind_all(ours)
    try:
        yield before - ours
    finally:
        _bind_all(before)


def _bind_all(cores: set[int]) -> None:
    for task in Path("/proc/self/task").iterdir():
        _bind(int(task.name), cores)


def _bind(thread: int, cores: set[int]) -> None:
    if cores:
        with suppress(OSError):  # the thread has ended, or the system does not allow it
            os.sched_setaffinity(thread, cores)
