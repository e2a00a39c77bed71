"""How many threads the processor has room for, and how MindSpore's share it."""

import os

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


def leave_no_dumps() -> None:
    """Have MindSpore write no rank_0/om/analyze_fail.ir where a compilation ends early.

    It would lie in the working directory, also when the compilation was ended by Ctrl-C. A
    setting of the user's is kept.
    """
    os.environ.setdefault(_DUMPS, os.devnull)
