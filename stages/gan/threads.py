"""Keep MindSpore's waiting threads from taking the cores that the computing ones need.

On a machine with few cores its `ActorThread` threads call sched_yield in a loop while the main
thread and the matrix kernels compute: measured on 2 cores, a step of the MLP GAN takes twice
as long. Under Linux's SCHED_IDLE policy they run only on a core that nobody else wants, and
the loss is gone.

They also hand out the kernels, though. Beside another busy program an idle policy would starve
them, and the step with them (measured: a step of 3 s took 30). So the policy is taken back as
soon as others use the machine, and given again when they stop.
"""

import os
import time
from pathlib import Path

# The first two serve compiled functions, the others whatever runs outside of them.
_WAITING = ("ActorThread", "KernelThread", "frontend_queue", "backend_queue", "bprop_queue")
_TASKS = Path("/proc/self/task")
_MACHINE = Path("/proc/stat")
_LOOK_EVERY = 2.0  # seconds; the clock ticks that are counted are 0.01 s
_FOREIGN = 0.2  # cores in use by others from which on they count as busy


class SpinningThreads:
    """Gives MindSpore's spinning threads the idle policy while no other program is busy.

    Linux only; elsewhere, or where the kernel forbids it, nothing is changed. No result
    depends on it.
    """

    def __init__(self) -> None:
        self._works = _TASKS.is_dir() and _MACHINE.exists() and hasattr(os, "SCHED_IDLE")
        self._looked = 0.0
        self._foreign_before = 0.0
        self._idle = False

    def after_step(self) -> None:
        """To be called after each step; the first one starts the threads. Costs 1 microsecond."""
        now = time.monotonic()
        if not self._works or now - self._looked < _LOOK_EVERY:
            return
        foreign = _busy_seconds_of_others()
        if self._looked:
            cores = (foreign - self._foreign_before) / (now - self._looked)
            self._set(idle=cores < _FOREIGN)
        self._looked, self._foreign_before = now, foreign

    def release(self) -> None:
        """Give every thread its usual policy back."""
        if self._works:
            self._set(idle=False)

    def _set(self, idle: bool) -> None:
        if not idle and not self._idle:
            return
        # Given again at each look: threads start late, and a new one has the usual policy.
        policy = os.SCHED_IDLE if idle else os.SCHED_OTHER
        for task in waiting_threads():
            try:
                os.sched_setscheduler(task, policy, os.sched_param(0))
            except (ProcessLookupError, PermissionError):
                continue  # the thread ended meanwhile, or a sandbox forbids the call
        self._idle = idle


def waiting_threads() -> list[int]:
    """The ids of this process's threads that wait by spinning."""
    found = []
    for task in _TASKS.iterdir():
        try:
            if task.joinpath("comm").read_text().startswith(_WAITING):
                found.append(int(task.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended meanwhile
    return found


def _busy_seconds_of_others() -> float:
    """Seconds that all cores together have worked for other processes, since the start."""
    fields = [int(field) for field in _MACHINE.read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = fields[:7]
    busy = (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")
    return busy - time.process_time()
