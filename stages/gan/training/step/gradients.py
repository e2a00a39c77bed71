"""The length of a network's gradient, measured inside a compiled step."""

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from stages.gan.layers import kernels

KERNELS = kernels.Library(Path(__file__).with_name("gradients.c"))

# An input of a step: whether the length is measured this time.
DUE = Tensor(np.ones(1, np.float32))
NOT_DUE = Tensor(np.zeros(1, np.float32))


class GradientNorm(nn.Cell):
    """sqrt(sum of squares) over all arrays of a gradient, if it is due.

    Reading all gradients takes longer than 2 % of a step of the MLP GAN, so it is not done in each
    step: the compiled kernel reads `due` first. Without a C compiler there is no kernel, and the
    step is compiled a second time (see `make_step`).

    Takes a tuple of float32 tensors and DUE or NOT_DUE; returns a tensor of shape (1,). The kernel
    makes it NaN if it is not due. Squares are summed in float64, because the squares of float32
    numbers below 1e-23 would be 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernel = KERNELS.kernel("norm", lambda due, *gradients: due)
        self.sum = ops.ReduceSum()

    def construct(self, gradients, due):
        if self.kernel is not None:
            return self.kernel(due, *gradients)
        squares = ops.zeros((1,), ms.float64)
        for gradient in gradients:
            wide = ops.cast(gradient, ms.float64)
            squares = squares + self.sum(wide * wide)
        return ops.cast(ops.sqrt(squares), ms.float32)

    def bprop(self, gradients, due, out, dout):
        return ops.zeros_like(gradients), ops.zeros_like(due)
