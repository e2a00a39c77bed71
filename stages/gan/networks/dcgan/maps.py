"""The linear maps that turn a 4x4 stride-2 convolution into a matrix product, and their adjoints.

Each map is a Cell whose backward pass is its adjoint. So each pair of maps serves both the
convolution and the transposed convolution. Each map is one kernel of maps.c. Without a C compiler
only `Columns` is used, made of MindSpore's operators. The other maps would need so many operators
that they would be slower (measured: 7.9 s a step of the DCGAN, with columns 2.1).

Images are (N, H, W, C). Cut into 2x2 blocks after padding by one pixel, an image is
(H/2 + 1) x (W/2 + 1) blocks of 4C channels, and the convolution is a 2x2 convolution of
stride 1 over blocks:

    y[i, j] = sum over a, b in {0, 1} of block[i + a, j + b] w[a, b]

`Columns` lays the four blocks of each position side by side: one product with 16C inputs.

`Tiles`, `Filters` and `Join` do it with 9 products for 4 positions instead of 16, by minimal
filtering (Winograd 1980; Lavin and Gray 2015, section 4). Along one axis, F(2, 2) reads

    y0 = d0 g0 + d1 g1 = m0 + m1        m0 = (d0 - d1) g0
    y1 = d1 g0 + d2 g1 = m1 - m2        m1 = d1 (g0 + g1)
                                        m2 = (d1 - d2) g1

with three products instead of four, and no factor but 1 and -1 that could cost accuracy. Both
axes together have 9 products, m[u, v] = (tile value u, v) (filter value u, v), each a matrix
product over all tiles and channels.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

from stages.gan.layers.kernels import Library

PRODUCTS = 9
KERNELS = Library(Path(__file__).with_name("maps.c"))

_slice = ops.Slice()  # much faster than the kernel behind x[:, 1:]
_rows = ops.Concat(1)
_columns = ops.Concat(2)
_channels = ops.Concat(-1)


def _blocks(x):
    """(N, H, W, C), padded by one pixel, to its 2x2 blocks (N, H/2 + 1, W/2 + 1, 4 C)."""
    n, height, width, channels = x.shape
    side = ops.zeros((n, height, 1, channels), ms.float32)
    edge = ops.zeros((n, 1, width + 2, channels), ms.float32)
    x = _rows((edge, _columns((side, x, side)), edge))
    h, w = height // 2 + 1, width // 2 + 1
    blocks = ops.transpose(ops.reshape(x, (n, h, 2, w, 2, channels)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(blocks, (n, h, w, 4 * channels))


def columns(x):
    """(N, H, W, C) to the columns (N H/2 W/2, 16 C) of a 4x4 stride-2 convolution."""
    n, height, width, channels = x.shape
    h = height // 2
    w = width // 2
    blocks = _blocks(x)
    size = (n, h, w, 4 * channels)
    four = (
        _slice(blocks, (0, 0, 0, 0), size),
        _slice(blocks, (0, 0, 1, 0), size),
        _slice(blocks, (0, 1, 0, 0), size),
        _slice(blocks, (0, 1, 1, 0), size),
    )
    return ops.reshape(_channels(four), (n * h * w, 16 * channels))


def from_columns(x, h, w, channels):
    """The adjoint of `columns`: (N h w, 16 C) to (N, 2h, 2w, C), overlaps added."""
    n = x.shape[0] // (h * w)
    k = 4 * channels
    x = ops.reshape(x, (n, h, w, 4 * k))
    size = (n, h, w, k)
    side = ops.zeros((n, h, 1, k), ms.float32)
    edge = ops.zeros((n, 1, w + 1, k), ms.float32)
    upper = _columns((_slice(x, (0, 0, 0, 0), size), side)) + _columns(
        (side, _slice(x, (0, 0, 0, k), size))
    )
    lower = _columns((_slice(x, (0, 0, 0, 2 * k), size), side)) + _columns(
        (side, _slice(x, (0, 0, 0, 3 * k), size))
    )
    blocks = _rows((upper, edge)) + _rows((edge, lower))
    blocks = ops.transpose(
        ops.reshape(blocks, (n, h + 1, w + 1, 2, 2, channels)), (0, 1, 3, 2, 4, 5)
    )
    padded = ops.reshape(blocks, (n, 2 * h + 2, 2 * w + 2, channels))
    return _slice(padded, (0, 1, 1, 0), (n, 2 * h, 2 * w, channels))


class _Map(nn.Cell):
    """A linear map `there` and its adjoint `back`; with adjoint=True they are exchanged."""

    def __init__(self, adjoint: bool = False) -> None:
        super().__init__()
        self.adjoint = adjoint

    def construct(self, x):
        return self.back(x) if self.adjoint else self.there(x)

    def bprop(self, x, out, dout):
        return (self.there(dout) if self.adjoint else self.back(dout),)


class Columns(_Map):
    """`columns` of images of 2h x 2w pixels."""

    def __init__(self, h: int, w: int, channels: int, adjoint: bool = False) -> None:
        super().__init__(adjoint)
        self.sizes = (h, w, channels)
        self.kernel = KERNELS.kernel("columns", lambda x: (x[0] * h * w, 16 * channels))
        self.back_kernel = KERNELS.kernel(
            "from_columns", lambda x: (x[0] // (h * w), 2 * h, 2 * w, channels)
        )

    def there(self, x):
        if self.kernel is None:
            return columns(x)
        return self.kernel(x)

    def back(self, x):
        if self.kernel is None:
            h, w, channels = self.sizes
            return from_columns(x, h, w, channels)
        return self.back_kernel(x)


class PlainColumns(nn.Cell):
    """`columns` without its own backward pass, made of twice differentiable operators.

    `columns` uses ops.Slice, whose gradient cannot be differentiated.
    """

    def construct(self, x):
        n, height, width, channels = x.shape
        h = height // 2
        w = width // 2
        blocks = _blocks(x)
        four = (blocks[:, :h, :w], blocks[:, :h, 1:], blocks[:, 1:, :w], blocks[:, 1:, 1:])
        return ops.reshape(_channels(four), (n * h * w, 16 * channels))


class Tiles(_Map):
    """(N, 2h, 2w, C) to the tile values (9, N h/2 w/2, 4 C); h and w even."""

    def __init__(self, h: int, w: int, channels: int, adjoint: bool = False) -> None:
        super().__init__(adjoint)
        count = h * w // 4
        self.there = KERNELS.kernel("tiles", lambda x: (PRODUCTS, x[0] * count, 4 * channels))
        self.back = KERNELS.kernel("from_tiles", lambda x: (x[1] // count, 2 * h, 2 * w, channels))


class Join(_Map):
    """The nine products (9, N h/2 w/2, C) to the positions' values (N, h, w, C)."""

    def __init__(self, h: int, w: int, channels: int, adjoint: bool = False) -> None:
        super().__init__(adjoint)
        count = h * w // 4
        self.there = KERNELS.kernel("join", lambda x: (x[1] // count, h, w, channels))
        self.back = KERNELS.kernel("split", lambda x: (PRODUCTS, x[0] * count, channels))


class Filters(_Map):
    """A convolution's matrix (16 inputs, outputs) to its nine (9, 4 inputs, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.there = KERNELS.kernel("filters", lambda w: (PRODUCTS, 4 * inputs, outputs))
        self.back = KERNELS.kernel("from_filters", lambda u: (16 * inputs, outputs))
