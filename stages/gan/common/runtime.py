"""How many threads the processor has room for, and how MindSpore's share it."""

import os
import sys

# So many on any machine: a result's bits depend on it (see bound_threads).
THREADS = 2
_SWITCH = "MS_DEV_HOST_BLOCKING_RUN"
_DUMPS = "MS_OM_PATH"


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wait_without_spinning() -> None:
    """Let the main thread sleep while MindSpore's own threads compute.

    By default the main thread waits for a result in a loop that never sleeps
    (AsyncRQueue::Wait, behind Tensor.asnumpy), and so takes a core from the kernels: on 2
    cores a step of the MLP GAN takes 88 ms instead of 25. With MindSpore's own switch it hands
    the graph over and sleeps until it has run. No result depends on it.

    To be called before MindSpore's first operator, as the switch is read once. A setting of
    the user's is kept.
    """
    os.environ.setdefault(_SWITCH, "1")


def bound_threads() -> None:
    """Let MindSpore's kernels use THREADS threads at most, where MindSpore has been imported.

    With three or more its matrix product cuts the sum over the inner dimension into as many
    parts, and so rounds otherwise: the results of a machine with more cores would not be those
    of one with less. More cores are made use of by `train.distributed.workers`, which is among
    the params that a result depends on.

    To be called after MindSpore is imported and before its first operator, which starts them. A
    number that has been set before is kept, as MindSpore takes one only once.
    """
    mindspore = sys.modules.get("mindspore")
    if mindspore is None:
        return
    tuning = mindspore.device_context.cpu.op_tuning
    if not tuning.RuntimeConf.get_instance().is_op_threads_num_configured():
        tuning.threads_num(THREADS)


def leave_no_dumps() -> None:
    """Have MindSpore write no rank_0/om/analyze_fail.ir where a compilation ends early.

    It would lie in the working directory, also when the compilation was ended by Ctrl-C. A
    setting of the user's is kept.
    """
    os.environ.setdefault(_DUMPS, os.devnull)
