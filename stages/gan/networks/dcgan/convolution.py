"""4x4 stride-2 convolutions as matrix products, in channels-last layout.

MindSpore's convolution on a CPU runs a reference kernel at about 1 GFLOPS where its matrix
product gets 100 a core, so both convolutions of a DCGAN are written as one product each.

A 4x4 convolution of stride 2 and padding 1 reads, at each output position, four 2x2 blocks
of the padded image. Cut the padded image into 2x2 blocks with 4C channels each (space to
depth), and the convolution becomes a 2x2 convolution of stride 1 over blocks: its columns
are four shifted slices side by side. The transposed convolution is the exact adjoint: one
matrix product, then the four slices added back at their shifts and the blocks laid out as
pixels (depth to space). So each one's gather is the other's scatter, and the gradient too.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from numpy.typing import NDArray

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


_slice = ops.Slice()
_beside = ops.Concat(2)
_below = ops.Concat(1)
_channels = ops.Concat(-1)


def gather_columns(x):
    """(N, H, W, C) to the columns (N H/2 W/2, 16 C) of a 4x4 stride-2 convolution."""
    n, height, width, channels = x.shape
    h = height // 2
    w = width // 2
    side = ops.zeros((n, height, 1, channels), ms.float32)
    x = _beside((side, x, side))
    edge = ops.zeros((n, 1, width + 2, channels), ms.float32)
    x = _below((edge, x, edge))
    blocks = ops.reshape(x, (n, h + 1, 2, w + 1, 2, channels))
    blocks = ops.reshape(ops.transpose(blocks, (0, 1, 3, 2, 4, 5)), (n, h + 1, w + 1, 4 * channels))
    size = (n, h, w, 4 * channels)
    columns = _channels(
        (
            _slice(blocks, (0, 0, 0, 0), size),
            _slice(blocks, (0, 0, 1, 0), size),
            _slice(blocks, (0, 1, 0, 0), size),
            _slice(blocks, (0, 1, 1, 0), size),
        )
    )
    return ops.reshape(columns, (n * h * w, 16 * channels))


def scatter_columns(columns, n, h, w, channels):
    """The adjoint of `gather_columns`: (n h w, 16 C) to (n, 2h, 2w, C), overlaps added."""
    k = 4 * channels
    columns = ops.reshape(columns, (n, h, w, 4 * k))
    size = (n, h, w, k)
    side = ops.zeros((n, h, 1, k), ms.float32)
    edge = ops.zeros((n, 1, w + 1, k), ms.float32)
    upper = _beside((_slice(columns, (0, 0, 0, 0), size), side)) + _beside(
        (side, _slice(columns, (0, 0, 0, k), size))
    )
    lower = _beside((_slice(columns, (0, 0, 0, 2 * k), size), side)) + _beside(
        (side, _slice(columns, (0, 0, 0, 3 * k), size))
    )
    blocks = _below((upper, edge)) + _below((edge, lower))
    blocks = ops.transpose(
        ops.reshape(blocks, (n, h + 1, w + 1, 2, 2, channels)), (0, 1, 3, 2, 4, 5)
    )
    padded = ops.reshape(blocks, (n, 2 * h + 2, 2 * w + 2, channels))
    return _slice(padded, (0, 1, 1, 0), (n, 2 * h, 2 * w, channels))


class _Gather(nn.Cell):
    def construct(self, x):
        return gather_columns(x)

    def bprop(self, x, out, dout):
        n, height, width, channels = x.shape
        return (scatter_columns(dout, n, height // 2, width // 2, channels),)


class _Scatter(nn.Cell):
    """Columns (N h w, 16 C) to images; the sides are fixed as columns do not tell them."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        super().__init__()
        self.height, self.width, self.channels = height, width, channels

    def construct(self, columns):
        n = columns.shape[0] // (self.height * self.width)
        return scatter_columns(columns, n, self.height, self.width, self.channels)

    def bprop(self, columns, out, dout):
        return (gather_columns(dout),)


class Convolution(nn.Cell):
    """nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, has_bias=False), channels last.

    Takes (N, H, W, inputs) with even H and W, returns (N, H/2, W/2, outputs). The weight
    is kept as (16 inputs, outputs): see `conv_to_columns`.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.weight = Parameter(Tensor(np.zeros((16 * inputs, outputs), np.float32)), name="weight")
        self.gather = _Gather()
        self.product = ops.MatMul()

    def construct(self, x):
        n, height, width, _ = x.shape
        y = self.product(self.gather(x), self.weight)
        return ops.reshape(y, (n, height // 2, width // 2, self.outputs))


class TransposedConvolution(nn.Cell):
    """nn.Conv2dTranspose(inputs, outputs, 4, stride=2, padding=1), without bias, channels last.

    Takes (N, H, W, inputs), returns (N, 2H, 2W, outputs). Its weight (16 outputs, inputs) is
    the matrix of the convolution whose adjoint it is: `conv_to_columns` of
    nn.Conv2dTranspose's (inputs, outputs, 4, 4).
    """

    def __init__(self, inputs: int, outputs: int, height: int, width: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.weight = Parameter(Tensor(np.zeros((16 * outputs, inputs), np.float32)), name="weight")
        self.scatter = _Scatter(height, width, outputs)
        self.product = ops.MatMul(transpose_b=True)

    def construct(self, x):
        return self.scatter(self.product(ops.reshape(x, (-1, self.inputs)), self.weight))


class Projection(nn.Cell):
    """The first transposed convolution: (N, inputs), seen as 1x1 images, to (N, s, s, outputs)."""

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
