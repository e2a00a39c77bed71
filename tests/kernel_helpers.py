"""Compiled kernels for tests: when there are any, and calls to them without MindSpore."""

import ctypes
import os
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from stages.gan.networks.dcgan import native

needs_kernels = pytest.mark.skipif(native.library() is None, reason=native.reason())


# Cells made meanwhile use compiled kernels.
compiled = nullcontext


@contextmanager
def pure():
    """Cells made meanwhile do without compiled kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "library", lambda: None)
        yield


every_form = pytest.mark.parametrize(
    "form",
    [pytest.param(compiled, id="compiled", marks=needs_kernels), pytest.param(pure, id="pure")],
)


def call(name: str, inputs: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Run a function of kernels.c in this thread, as MindSpore's custom operator calls it."""
    out = np.full(shape, np.nan, np.float32)
    arrays = [*inputs, out]
    shapes = [(ctypes.c_int64 * a.ndim)(*a.shape) for a in arrays]
    failed = getattr(ctypes.CDLL(str(native.library())), name)(
        len(arrays),
        (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays)),
        (ctypes.c_int * len(arrays))(*(a.ndim for a in arrays)),
        (ctypes.POINTER(ctypes.c_int64) * len(arrays))(
            *(ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in shapes)
        ),
        (ctypes.c_char_p * len(arrays))(*[b"float32"] * len(arrays)),
        None,
        None,
    )
    assert failed == 0
    return out


def on_one_core_and_on_all(
    name: str, inputs: list[np.ndarray], shape: tuple[int, ...]
) -> list[np.ndarray]:
    """The result of that kernel with one thread and with one for each core."""
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        pytest.skip("there is one core only")
    results = [call(name, inputs, shape)]
    os.sched_setaffinity(0, {min(cores)})
    try:
        results.append(call(name, inputs, shape))
    finally:
        os.sched_setaffinity(0, cores)
    return results


def assert_same_bits(left: np.ndarray, right: np.ndarray) -> None:
    """Equal float32 numbers, the sign of zero included."""
    np.testing.assert_array_equal(left.view(np.int32), right.view(np.int32))
