"""A fully connected layer and its activation: one kernel forward, and one beside each product back.

Without kernels, MindSpore's own operators compute the same, up to rounding.
"""

from mindspore import nn, ops

from stages.gan.layers import activation
from stages.gan.layers.normalisation import KERNELS as RECTIFIERS
from stages.gan.layers.normalisation import rectifier_options
from stages.gan.layers.products import KERNELS, Product


class _FlatDense(nn.Cell):
    """leaky(x weight' + bias) of x (rows, inputs); weight is flat, (outputs inputs,)."""

    def __init__(self, options) -> None:
        super().__init__()
        self.options = options
        self.forth = KERNELS.kernel("dense", lambda x, weight, bias, options: (x[0], bias[0]))
        self.back = RECTIFIERS.kernel(
            "add_and_rectify_gradient", lambda dy, y, options: (dy, (dy[1],)), outputs=2
        )
        self.by_x = KERNELS.kernel("product", lambda dz, weight: (dz[0], weight[0] // dz[1]))
        self.by_weight = KERNELS.kernel("product_left", lambda dz, x: (dz[1] * x[1],))

    def construct(self, x, weight, bias):
        return self.forth(x, weight, bias, self.options)

    def bprop(self, x, weight, bias, out, dout):
        dz, dbias = self.back(dout, out, self.options)
        return self.by_x(dz, weight), self.by_weight(dz, x), dbias


class Dense(nn.Dense):
    """nn.Dense(inputs, outputs), then the named activation (`slope` is leaky_relu's)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation_name: str = "none",
        slope: float = 0.0,
        has_bias: bool = True,
    ) -> None:
        super().__init__(inputs, outputs, has_bias=has_bias)
        self.then = activation(activation_name, slope)
        options = rectifier_options(activation_name, slope)
        self.rectified = options is not None
        self.fused = KERNELS.path is not None
        if self.fused and not has_bias:
            self.rectified = False
            self.product = Product(transpose_b=True)
        elif self.fused:
            self.product = _FlatDense(
                rectifier_options("none", 0.0) if options is None else options
            )

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.fused = False

    def construct(self, x):
        if not self.fused:
            return self.then(super().construct(x))
        if self.has_bias:
            # Parameters that are given as they are would be copied first.
            weight = ops.reshape(self.weight, (-1,))
            y = self.product(x, weight, ops.reshape(self.bias, (-1,)))
        else:
            y = self.product(x, self.weight)
        return y if self.rectified else self.then(y)
