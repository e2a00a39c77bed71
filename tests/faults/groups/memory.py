"""The kernel kills the trainer for want of memory."""

import contextlib
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from tests.faults.groups.pipelines import (
    KILLS,
    all_outs,
    dvc_ending,
    finish,
    of_stages,
    reference,
    repository,
    settle,
)
from tests.faults.trial import Ending, Fault, Outcome, References, Skip
from tests.faults.world import World

_SECONDS = 240
# Version 2 of control groups, and version 1: where they are, what limits, where kills are counted.
_VERSIONS = (
    (Path("/sys/fs/cgroup"), "memory.current", "memory.max", "memory.events"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.usage_in_bytes",
        "memory.limit_in_bytes",
        "memory.oom_control",
    ),
)
# Takes memory until the process it is told of is gone.
_HOG = """
import pathlib, sys
victim, held = pathlib.Path("/proc", sys.argv[1]), []
def lives():
    try:
        return (victim / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
while lives() and len(held) < 2000:
    held.append(b"x" * (1 << 20))
"""


class _Group:
    """A control group of processes, whose memory can be limited."""

    def __init__(self, name: str) -> None:
        for base, used, limit, events in _VERSIONS:
            self.folder = base / name
            if os.geteuid() or not (base / "cgroup.procs").exists():
                continue
            try:
                self.folder.mkdir()
            except OSError:
                continue
            if (self.folder / limit).exists():
                self._used, self._limit = self.folder / used, self.folder / limit
                self._events = self.folder / events
                return
            self.folder.rmdir()
        raise Skip("memory cannot be limited here")

    def command(self, *words: str) -> tuple[str, ...]:
        """A command that runs in it."""
        return ("sh", "-c", f'echo $$ > {self.folder}/cgroup.procs; exec "$@"', "sh", *words)

    def limit(self) -> None:
        """Let it have no more than it has."""
        self._limit.write_text(self._used.read_text())

    def remove(self) -> None:
        """Remove it; the kernel needs a moment after its last process has ended."""
        end = time.monotonic() + 10
        while self.folder.exists():
            try:
                self.folder.rmdir()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def kills(self) -> int:
        """How often the kernel has killed in it."""
        for line in self._events.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
        raise Skip("the kernel does not count whom it kills for want of memory")


def _trains(process: int) -> bool:
    try:
        return b"stages.train" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def out_of_memory(dataset: str, references: References, world: World) -> Outcome:
    """`dvc repro`, its trainer killed by the kernel, then run to its end."""
    outcome = Outcome(Ending.SUCCEEDED)
    clean, _ = reference(references, dataset)
    repository(references, world)
    group = _Group(f"faults-{world.mark}")
    world.undo += [group.remove, lambda: world.left_alive(10)]
    command = ("dvc", "repro", f"report@{dataset}")
    running = world.start(*group.command(*command))
    end = time.monotonic() + _SECONDS
    epoch = "epoch 1:"
    while epoch not in running.out.read_text() and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(world.draw.uniform(0.0, 1.5))
    trainers = [process for process in of_stages(world) if _trains(process)]
    if not trainers:
        running.end(_SECONDS)
        raise Skip("the training was over before the kernel could kill it")
    for process in trainers:
        # Of all in the group the kernel is to choose the trainer.
        with contextlib.suppress(OSError):
            Path(f"/proc/{process}/oom_score_adj").write_text("1000")
        group.limit()
        hog = group.command(sys.executable, "-c", _HOG, str(process))
        subprocess.run(hog, check=True, timeout=60)
    ended = running.end(_SECONDS)
    if not group.kills():
        raise Skip("the kernel has killed nothing: there is swap, or the training was over")
    if ended.hung:
        outcome.worsen(Ending.HANG, "did not end when its trainer was killed")
    elif dvc_ending(ended, outcome) is not Ending.CLEAR:
        outcome.worsen(Ending.LOST, f"DVC did not tell: {ended}")
    finish(world, command, outcome)
    paths = all_outs(dataset)
    settle(world, clean, paths, outcome)
    return outcome


def faults() -> list[Fault]:
    """All faults of this kind."""
    return [
        Fault(
            KILLS,
            f"train mnist, by the kernel for want of memory {number + 1}",
            partial(out_of_memory, "mnist"),
            full=True,
        )
        for number in range(3)
    ]
