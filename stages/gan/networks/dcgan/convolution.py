"""4x4 stride-2 convolutions as matrix products, in channels-last layout.

MindSpore's convolution on a CPU runs a reference kernel at about 1 GFLOPS, but its matrix product
reaches 100 per core. So the convolutions of a DCGAN are written as matrix products.

A 4x4 convolution of stride 2 is a 2x2 convolution of stride 1 over 2x2 blocks of pixels, and the
transposed convolution is its adjoint; maps.py has the identity. Layers with many channels use
tiles (9 products for 4 positions). Other layers use columns (16), and all layers do without a C
compiler.
"""

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from numpy.typing import NDArray

from stages.gan.layers import Product
from stages.gan.networks.dcgan import maps

KERNEL = 4


def conv_to_columns(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """nn.Conv2d's weight (out, in, 4, 4) as the matrix (16 in, out) used here."""
    outputs, inputs = weight.shape[:2]
    blocks = weight.reshape(outputs, inputs, 2, 2, 2, 2).transpose(2, 4, 3, 5, 1, 0)
    return np.ascontiguousarray(blocks.reshape(16 * inputs, outputs))


def columns_to_conv(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of `conv_to_columns`."""
    inputs, outputs = matrix.shape[0] // 16, matrix.shape[1]
    blocks = matrix.reshape(2, 2, 2, 2, inputs, outputs).transpose(5, 4, 0, 2, 1, 3)
    return np.ascontiguousarray(blocks.reshape(outputs, inputs, KERNEL, KERNEL))


# If the larger image has at least so many channels, nine products cost less than one.
_LEAST_CHANNELS = 16


def _nine_products(h: int, w: int, channels: int) -> bool:
    """Whether to use tiles, not columns, for h x w positions over an image with `channels`."""
    even = h % 2 == 0 and w % 2 == 0
    return even and channels >= _LEAST_CHANNELS and maps.KERNELS.path is not None


class Convolution(nn.Cell):
    """nn.Conv2d(inputs, outputs, 4, stride=2, pad_mode="pad", padding=1, has_bias=False).

    Takes (N, 2 height, 2 width, inputs), channels last, returns (N, height, width, outputs).
    The weight has the shape (16 inputs, outputs): see `conv_to_columns`.
    """

    def __init__(self, inputs: int, outputs: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (-1, height, width, outputs)
        self.weight = Parameter(Tensor(np.zeros((16 * inputs, outputs), np.float32)), name="weight")
        self.by_tiles = _nine_products(height, width, inputs)
        if self.by_tiles:
            self.tiles = maps.Tiles(height, width, inputs)
            self.filters = maps.Filters(inputs, outputs)
            self.join = maps.Join(height, width, outputs)
            self.product = ops.BatchMatMul()
        else:
            self.columns = maps.Columns(height, width, inputs)
            self.product = Product()

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.by_tiles = False
        self.columns = maps.PlainColumns()
        self.product = Product()

    def construct(self, x):
        if self.by_tiles:
            return self.join(self.product(self.tiles(x), self.filters(self.weight)))
        return ops.reshape(self.product(self.columns(x), self.weight), self.shape)


class TransposedConvolution(nn.Cell):
    """nn.Conv2dTranspose(inputs, outputs, 4, stride=2, pad_mode="pad", padding=1), no bias.

    Takes (N, height, width, inputs), channels last, returns (N, 2 height, 2 width, outputs).
    It is the adjoint of a convolution of the larger image, so every map of that convolution is
    applied backwards. Its weight (16 outputs, inputs) is the matrix of that convolution:
    `conv_to_columns` of nn.Conv2dTranspose's (inputs, outputs, 4, 4).
    """

    def __init__(self, inputs: int, outputs: int, height: int, width: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.weight = Parameter(Tensor(np.zeros((16 * outputs, inputs), np.float32)), name="weight")
        self.by_tiles = _nine_products(height, width, outputs)
        if self.by_tiles:
            self.split = maps.Join(height, width, inputs, adjoint=True)
            self.filters = maps.Filters(outputs, inputs)
            self.from_tiles = maps.Tiles(height, width, outputs, adjoint=True)
            self.product = ops.BatchMatMul(transpose_b=True)
        else:
            self.from_columns = maps.Columns(height, width, outputs, adjoint=True)
            self.product = Product(transpose_b=True)

    def construct(self, x):
        if self.by_tiles:
            return self.from_tiles(self.product(self.split(x), self.filters(self.weight)))
        return self.from_columns(self.product(ops.reshape(x, (-1, self.inputs)), self.weight))


class Projection(nn.Cell):
    """The first transposed convolution: (N, inputs), as 1x1 images, to (N, s, s, outputs)."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.shape = (-1, side, side, outputs)
        self.weight = Parameter(
            Tensor(np.zeros((inputs, side * side * outputs), np.float32)), name="weight"
        )
        self.product = ops.MatMul()

    def construct(self, z):
        return ops.reshape(self.product(z, self.weight), self.shape)


class WholeImage(nn.Cell):
    """The last convolution, as large as its input: (N, s, s, inputs) to (N, 1)."""

    def __init__(self, inputs: int, side: int) -> None:
        super().__init__()
        self.size = side * side * inputs
        self.weight = Parameter(Tensor(np.zeros((1, self.size), np.float32)), name="weight")
        self.sum = ops.ReduceSum(True)

    def construct(self, x):
        # A product with a single column is slower than a weighted sum of the rows.
        return self.sum(ops.reshape(x, (-1, self.size)) * self.weight, 1)
