"""A fully connected layer and its activation, with one compiled kernel beside the product.

See stages.gan.layers.normalisation for when kernels are used; without them the bits are the same.
"""

from mindspore import Tensor, nn, ops

from stages.gan.layers import activation
from stages.gan.layers.normalisation import KERNELS, rectifier_options


class _AddAndRectify(nn.Cell):
    """leaky(x + bias) of x (N, features) and bias (features,)."""

    def __init__(self, options: Tensor) -> None:
        super().__init__()
        self.options = options
        self.forth = KERNELS.kernel("add_and_rectify", lambda x, bias, options: x)
        self.back = KERNELS.kernel(
            "add_and_rectify_gradient", lambda dy, y, options: (dy, (dy[1],)), outputs=2
        )

    def construct(self, x, bias):
        return self.forth(x, bias, self.options)

    def bprop(self, x, bias, out, dout):
        return self.back(dout, out, self.options)


class DenseActivation(nn.Dense):
    """nn.Dense(inputs, outputs), then the named activation (`slope` is leaky_relu's)."""

    def __init__(self, inputs: int, outputs: int, activation_name: str, slope: float) -> None:
        super().__init__(inputs, outputs)
        options = rectifier_options(activation_name, slope)
        self.fused = options is not None
        if self.fused:
            self.add_and_rectify = _AddAndRectify(options)
        self.then = activation(activation_name, slope)
        self.product = ops.MatMul(transpose_b=True)

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.fused = False

    def construct(self, x):
        if self.fused:
            return self.add_and_rectify(self.product(x, self.weight), self.bias)
        return self.then(super().construct(x))
