"""Compiled kernels for tests: when there are any, and calls to them without MindSpore."""

import ctypes
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from stages.gan.layers import kernels
from stages.gan.layers.normalisation import KERNELS
from tests.helpers.processes import cores

needs_kernels = pytest.mark.skipif(KERNELS.path is None, reason=KERNELS.reason)


# Cells made meanwhile use compiled kernels.
compiled = nullcontext


@contextmanager
def pure():
    """Cells made meanwhile do without compiled kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels.Library, "path", None)
        yield


every_form = pytest.mark.parametrize(
    "form",
    [pytest.param(compiled, id="compiled", marks=needs_kernels), pytest.param(pure, id="pure")],
)


def call(
    library: kernels.Library, name: str, inputs: list[np.ndarray], *shapes: tuple[int, ...]
) -> list[np.ndarray]:
    """Run a kernel in this thread, as MindSpore's custom operator calls it."""
    outputs = [np.full(shape, np.nan, np.float32) for shape in shapes]
    arrays = [*inputs, *outputs]
    sizes = [(ctypes.c_int64 * a.ndim)(*a.shape) for a in arrays]
    failed = getattr(ctypes.CDLL(str(library.path)), name)(
        len(arrays),
        (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays)),
        (ctypes.c_int * len(arrays))(*(a.ndim for a in arrays)),
        (ctypes.POINTER(ctypes.c_int64) * len(arrays))(
            *(ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in sizes)
        ),
        (ctypes.c_char_p * len(arrays))(*[b"float32"] * len(arrays)),
        None,
        None,
    )
    assert failed == 0
    return outputs


def check_cores_change_no_bit(
    library: kernels.Library, name: str, inputs: list[np.ndarray], *shapes: tuple[int, ...]
) -> None:
    """The results of that kernel with one thread are those with one for each core."""
    if len(cores.AVAILABLE) == 1:
        pytest.skip("there is one core only")
    with cores.on(cores.AVAILABLE):
        many = call(library, name, inputs, *shapes)
    with cores.on(frozenset({min(cores.AVAILABLE)})):
        one = call(library, name, inputs, *shapes)
    for left, right in zip(many, one, strict=True):
        assert_same_bits(left, right)


def assert_same_bits(left: np.ndarray, right: np.ndarray) -> None:
    """Equal float32 numbers, the sign of zero included."""
    np.testing.assert_array_equal(left.view(np.int32), right.view(np.int32))
