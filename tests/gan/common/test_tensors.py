import numpy as np
import pytest
from mindspore import ops

from stages.gan.common.tensors import as_tensor


def test_as_tensor_keeps_values():
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    assert (as_tensor(x).asnumpy() == x).all()


def test_a_batch_does_not_follow_its_source():
    """Neither at once nor in an operation that is read later."""
    for _ in range(20):
        source = np.zeros((50, 50), np.float32)
        batch = as_tensor(source)
        product = ops.matmul(batch, batch) + batch
        source[:] = 1
        assert not batch.asnumpy().any()
        assert not product.asnumpy().any()


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_as_tensor_keeps_types_and_takes_any_array(kind):
    source = np.arange(12, dtype=kind).reshape(3, 4)
    source.flags.writeable = False
    for array in (source, source.T, source[::2]):  # a memory map is read-only, too
        assert (as_tensor(array).asnumpy() == array).all()
        assert as_tensor(array).asnumpy().dtype == kind


def test_numbers_of_another_byte_order_are_the_same_numbers():
    source = np.arange(12, dtype=np.float32).reshape(3, 4)
    for order in "<>":
        batch = as_tensor(source.astype(f"{order}f4"))
        assert ((batch + 1).asnumpy() == source + 1).all()
