"""A fully connected layer and its activation, with one compiled kernel beside the product.

See stages.gan.layers.normalisation for when kernels are used; without them the bits are the same.
"""

from mindspore import nn, ops

from stages.gan.layers import activation
from stages.gan.layers.normalisation import AddAndRectify, rectifier_options


class DenseActivation(nn.Dense):
    """nn.Dense(inputs, outputs), then the named activation (`slope` is leaky_relu's)."""

    def __init__(self, inputs: int, outputs: int, activation_name: str, slope: float) -> None:
        super().__init__(inputs, outputs)
        options = rectifier_options(activation_name, slope)
        self.fused = options is not None
        if self.fused:
            self.add_and_rectify = AddAndRectify(options)
        self.then = activation(activation_name, slope)
        self.product = ops.MatMul(transpose_b=True)

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.fused = False

    def construct(self, x):
        if self.fused:
            return self.add_and_rectify(self.product(x, self.weight), self.bias)
        return self.then(super().construct(x))
