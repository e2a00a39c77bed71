"""Runs the experiments of a sweep on this machine: one a core, each bound to its own core.

Two trainings that share both cores slow each other down. Bound to one core each, they do 1.6 times
the work of one training on both cores. A process inherits the cores of its parent, so everything
that an experiment starts stays on its core.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from stages.command import say
from stages.gan.common.language import _
from stages.gan.params import choices
from stages.tools.sweep import runs
from stages.tools.sweep.progress import QUEUED, RUNNING, Progress
from stages.tools.sweep.runs import Outcome, Run

_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")


def cores() -> list[int]:
    """The cores that this process may use; if the system does not say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def memory() -> int:
    """The free memory in bytes, of the machine or of its container, whichever is less."""
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # there is no such limit, or it is "max"
        free = min(free, int(_LIMIT.read_bytes()) - int(_USED.read_bytes()))
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


class Workers:
    """Places for a number of experiments at a time, each with a core of this machine."""

    def __init__(self, count: int) -> None:
        available = cores()
        self._free = [available[number % len(available)] for number in range(count)]
        self._runs: dict[str, tuple[Run, int]] = {}

    def look(self, experiments: Sequence[Progress]) -> None:
        """Settle the experiments that have ended, and start others in their places."""
        for each in experiments:
            name = each.experiment.name
            if each.is_open and name in self._runs and not self._runs[name][0].is_running:
                run, core = self._runs.pop(name)
                self._free.append(core)
                each.settle(collected(run))
        for each in experiments:
            if each.is_open and each.state == QUEUED and self._free:
                run, core = Run(each.experiment), self._free.pop(0)
                self._runs[each.experiment.name] = run, core
                run.start(core)
                each.state = RUNNING
                text = _("{name}: started; its output: {log}")
                if hasattr(os, "sched_setaffinity"):
                    text = _("{name}: started on core {core}; its output: {log}")
                say(text.format(name=each.experiment.name, core=core, log=run.clone.log))
        for each in experiments:
            if each.experiment.name in self._runs:
                each.line = self._runs[each.experiment.name][0].last_line()

    def end(self) -> None:
        """End all experiments; their trainings save first, so that they can resume.

        What they saved is in the project, so their clones can go. The results of one that has just
        finished are fetched.
        """
        if self._runs:
            with ThreadPoolExecutor(len(self._runs)) as threads:
                list(threads.map(lambda place: place[0].stop(), self._runs.values()))
            for run, _core in self._runs.values():
                collected(run)


def collected(run: Run) -> Outcome:
    """How a run ended; if it has finished, its experiment is in the project."""
    outcome = run.outcome()
    if outcome.state == runs.DONE:
        run.clone.collect()
    run.clone.remove()
    return outcome
