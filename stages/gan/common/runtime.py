"""Settings of the libraries that compute: threads, how MindSpore waits, and what it writes."""

import functools
import importlib
import os
import sys
from contextlib import AbstractContextManager
from typing import Any

# The same on every machine, because a result's bits depend on it (see bound_threads).
THREADS = 2
_SWITCH = "MS_DEV_HOST_BLOCKING_RUN"
_DUMPS = "MS_OM_PATH"
_CACHE = "MS_COMPILER_CACHE_ENABLE"


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wait_without_spinning() -> None:
    """Let the main thread sleep while MindSpore's own threads compute.

    By default the main thread waits for a result in a loop that never sleeps
    (AsyncRQueue::Wait, behind Tensor.asnumpy). So it takes a core from the kernels: on 2 cores a
    step of the MLP GAN takes 88 ms instead of 25. With MindSpore's own switch the main thread
    sleeps until the graph has run. No result depends on the switch.

    Call it before MindSpore's first operator, because the switch is read once. A value that the
    user has set stays.
    """
    os.environ.setdefault(_SWITCH, "1")


def bound_threads() -> None:
    """Let MindSpore's kernels use at most THREADS threads, if MindSpore has been imported.

    With three or more threads the matrix product cuts the sum over the inner dimension into as
    many parts, and so rounds differently: results would depend on the machine's cores. To use
    more cores, set `train.distributed.workers`, which is a param that the result depends on.

    Call it after MindSpore is imported and before its first operator, which starts the threads.
    A number that was set before stays, because MindSpore accepts one only once.
    """
    mindspore = sys.modules.get("mindspore")
    if mindspore is None:
        return
    tuning = mindspore.device_context.cpu.op_tuning
    if not tuning.RuntimeConf.get_instance().is_op_threads_num_configured():
        tuning.threads_num(THREADS)


def one_blas_thread() -> AbstractContextManager[Any]:
    """In the block NumPy's and SciPy's BLAS have one thread each, as on any other machine.

    With several threads a BLAS sums in another order, so the last bits would depend on the number
    of cores.
    """
    return _blas_libraries().limit(limits=1, user_api="blas")


@functools.cache
def _blas_libraries() -> Any:
    """threadpoolctl's view of the BLAS libraries in this process; to find them takes 1 ms."""
    importlib.import_module("scipy.linalg")  # loads SciPy's own BLAS, so that it is found, too
    return importlib.import_module("threadpoolctl").ThreadpoolController()


def leave_no_dumps() -> None:
    """Keep MindSpore from writing rank_0/om/analyze_fail.ir when a compilation ends early.

    The file would lie in the working directory, even after a Ctrl-C. A value that the user has
    set stays.
    """
    os.environ.setdefault(_DUMPS, os.devnull)


def compile_anew() -> None:
    """Turn off MindSpore's cache of compiled functions, also where the user has turned it on.

    MindSpore 2.10 takes a function from this cache if no source file has changed. It does not look
    at params: after another loss was chosen, a run went on with the old one. And a function from
    the cache does not get the network's weights, but whatever lies in memory, without an error
    (see docs/mindspore.md).

    Call it before the first compilation.
    """
    os.environ.pop(_CACHE, None)
