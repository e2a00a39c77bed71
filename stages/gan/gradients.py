"""The length of a network's gradient, measured inside a compiled step."""

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from stages.gan import native

KERNELS = native.Library(Path(native.__file__).with_name("gradients.c"))

# What a step is told: whether the length is wanted this time.
DUE = Tensor(np.ones(1, np.float32))
NOT_DUE = Tensor(np.zeros(1, np.float32))


class GradientNorm(nn.Cell):
    """sqrt(sum of squares) over all arrays of a gradient, where it is due.

    Reading all gradients takes longer than 2 % of a step of the MLP GAN, so it is not done each
    time: the compiled kernel looks at `due` first. Without a compiler the length is computed at
    each step, and given where it is due.

    Takes a tuple of float32 tensors and DUE or NOT_DUE; returns a tensor of shape (1,), NaN
    where it is not due.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernel = KERNELS.kernel("norm", lambda due, *gradients: due)
        self.half_of_squares = ops.L2Loss()

    def construct(self, gradients, due):
        if self.kernel is not None:
            return self.kernel(due, *gradients)
        half = ops.zeros((1,), ms.float32)
        for gradient in gradients:
            half = half + self.half_of_squares(gradient)
        # 0 / 0 where it is not due
        return ops.sqrt(2.0 * half) * due / due

    def bprop(self, gradients, due, out, dout):
        return ops.zeros_like(gradients), ops.zeros_like(due)
