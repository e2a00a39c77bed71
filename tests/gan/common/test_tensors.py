import numpy as np

from stages.gan.common.tensors import as_tensor


def test_as_tensor_keeps_values():
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    assert (as_tensor(x).asnumpy() == x).all()
