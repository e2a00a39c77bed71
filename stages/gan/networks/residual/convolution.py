"""1x1 and 3x3 convolutions as matrix products, and bilinear resampling, in channels-last layout.

MindSpore's convolution on a CPU runs a reference kernel at about 1 GFLOPS, but its matrix product
reaches 100 per core. A 1x1 convolution is one product of all pixels with a matrix. A 3x3
convolution is the product of all 3x3 patches; a compiled kernel cuts them out. Convolutions in
groups would need one product for each group, with few columns each, so there are none here.
"""

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from numpy.typing import NDArray

from stages.gan.layers import Product, activation
from stages.gan.layers.kernels import Library
from stages.gan.layers.normalisation import AddAndRectify, rectifier_options

KERNELS = Library(Path(__file__).with_name("patches.c"))
_SIDE = 3  # of a patch
# So many pixels of an image, along each axis, are channels of one pixel of the largest maps.
BLOCK = 2

_rows = ops.Concat(1)
_columns = ops.Concat(2)
_channels = ops.Concat(-1)


class PlainPatches(nn.Cell):
    """(N, H, W, C) to the 3x3 patch around each pixel, (N H W, 9 C), with zeros outside.

    It is made of twice differentiable operators.
    """

    def construct(self, x):
        n, height, width, channels = x.shape
        side = ops.zeros((n, height, 1, channels), ms.float32)
        edge = ops.zeros((n, 1, width + 2, channels), ms.float32)
        x = _rows((edge, _columns((side, x, side)), edge))
        nine = (
            x[:, :height, :width], x[:, :height, 1 : width + 1], x[:, :height, 2:],
            x[:, 1 : height + 1, :width], x[:, 1 : height + 1, 1 : width + 1],
            x[:, 1 : height + 1, 2:],
            x[:, 2:, :width], x[:, 2:, 1 : width + 1], x[:, 2:, 2:],
        )  # fmt: skip
        return ops.reshape(_channels(nine), (n * height * width, 9 * channels))


class Patches(nn.Cell):
    """`PlainPatches` of images of height x width pixels, as one compiled kernel."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        super().__init__()
        pixels = height * width
        self.forth = KERNELS.kernel("patches", lambda x: (x[0] * pixels, _SIDE**2 * channels))
        self.back = KERNELS.kernel(
            "from_patches", lambda x: (x[0] // pixels, height, width, channels)
        )

    def construct(self, x):
        return self.forth(x)

    def bprop(self, x, out, dout):
        return (self.back(dout),)


class Convolution(nn.Cell):
    """nn.Conv2d(inputs, outputs, kernel, pad_mode="pad", padding=kernel // 2) of stride 1.

    Parameters
    ----------
    kernel : int
        1 or 3.
    activation_name, slope : str, float
        With a name, a bias is added and the activation follows.

    Takes (N, height, width, inputs), returns (N, height, width, outputs). The weight has the
    shape (kernel^2 inputs, outputs), the places of the kernel row by row.
    """

    def __init__(
        self,
        kernel: int,
        inputs: int,
        outputs: int,
        height: int,
        width: int,
        activation_name: str | None = None,
        slope: float = 0.0,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.inputs = inputs
        self.shape = (-1, height, width, outputs)
        self.weight = Parameter(ops.zeros((kernel**2 * inputs, outputs), ms.float32), name="weight")
        self.product = Product()
        self.patches: nn.Cell = PlainPatches()
        if kernel > 1 and KERNELS.path is not None:
            self.patches = Patches(height, width, inputs)
        self.activated = activation_name is not None
        self.fused = False
        if activation_name is not None:
            self.bias = Parameter(ops.zeros(outputs, ms.float32), name="bias")
            self.then = activation(activation_name, slope)
            options = rectifier_options(activation_name, slope)
            self.fused = options is not None
            if self.fused:
                self.add_and_rectify = AddAndRectify(options)

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.fused = False
        self.patches = PlainPatches()

    def construct(self, x):
        rows = self.patches(x) if self.kernel > 1 else ops.reshape(x, (-1, self.inputs))
        y = self.product(rows, self.weight)
        if self.fused:
            y = self.add_and_rectify(y, self.bias)
        elif self.activated:
            y = self.then(y + self.bias)
        return ops.reshape(y, self.shape)


class FromImage(Convolution):
    """A 3x3 convolution of an image whose BLOCK x BLOCK pixels are the channels of one pixel.

    Together it is a 6x6 convolution of stride 2 and padding 2. Takes (N, channels, 2 height,
    2 width), returns (N, height, width, outputs).
    """

    def __init__(self, channels: int, outputs: int, height: int, width: int) -> None:
        super().__init__(3, BLOCK**2 * channels, outputs, height, width)
        self.parts = (-1, channels, height, BLOCK, width, BLOCK)
        self.together = (-1, height, width, BLOCK**2 * channels)

    def construct(self, x):
        x = ops.transpose(ops.reshape(x, self.parts), (0, 2, 4, 3, 5, 1))
        return super().construct(ops.reshape(x, self.together))


class ToImage(Convolution):
    """A 3x3 convolution to the BLOCK x BLOCK pixels of an image that each pixel becomes.

    Together it is a 6x6 transposed convolution of stride 2 and padding 2. Takes (N, height, width,
    inputs), returns (N, channels, 2 height, 2 width).
    """

    def __init__(self, inputs: int, channels: int, height: int, width: int) -> None:
        super().__init__(3, inputs, BLOCK**2 * channels, height, width)
        self.parts = (-1, height, width, BLOCK, BLOCK, channels)
        self.together = (-1, channels, BLOCK * height, BLOCK * width)

    def construct(self, x):
        x = ops.transpose(ops.reshape(super().construct(x), self.parts), (0, 5, 1, 3, 2, 4))
        return ops.reshape(x, self.together)


class ToMaps(nn.Dense):
    """A dense layer from (N, inputs) to maps (N, height, width, channels)."""

    def __init__(self, inputs: int, height: int, width: int, channels: int) -> None:
        super().__init__(inputs, height * width * channels)
        self.maps = (height, width, channels)

    def construct(self, x):
        return ops.reshape(super().construct(x), (-1, *self.maps))


class FromMaps(nn.Dense):
    """A dense layer from maps (N, height, width, channels) to (N, outputs)."""

    def __init__(self, height: int, width: int, channels: int, outputs: int) -> None:
        super().__init__(height * width * channels, outputs)
        self.maps = (height, width, channels)

    def construct(self, x):
        return super().construct(ops.reshape(x, (-1, self.in_channels)))


class _Resampling(nn.Cell):
    """(N, H, W, C) resampled along both axes, each by a product with a matrix."""

    def __init__(self, down: NDArray[np.float64], across: NDArray[np.float64]) -> None:
        super().__init__()
        self.down, self.across = (Tensor(one.astype(np.float32)) for one in (down, across))
        self.product = ops.BatchMatMul()

    def construct(self, x):
        n, height, width, channels = x.shape
        above, right = self.down.shape[0], self.across.shape[0]
        across = ops.broadcast_to(self.across, (n * height, right, width))
        x = self.product(across, ops.reshape(x, (n * height, width, channels)))
        down = ops.broadcast_to(self.down, (n, above, height))
        x = self.product(down, ops.reshape(x, (n, height, right * channels)))
        return ops.reshape(x, (n, above, right, channels))


class Doubling(_Resampling):
    """Bilinear interpolation of height x width pixels to twice as many along each axis.

    As ops.interpolate(mode="bilinear", align_corners=False) and ONNX's Resize with half_pixel.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__(_doubling(height), _doubling(width))


class Halving(_Resampling):
    """Bilinear interpolation to half as many pixels along each axis: means of 2x2 pixels."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__(_halving(height), _halving(width))


def _doubling(side: int) -> NDArray[np.float64]:
    """The matrix (2 side, side): each new pixel is 3/4 of the nearest and 1/4 of the next one."""
    matrix = np.zeros((2 * side, side))
    for new in range(2 * side):
        next_one = new // 2 + (1 if new % 2 else -1)
        matrix[new, new // 2] += 0.75
        matrix[new, min(max(next_one, 0), side - 1)] += 0.25
    return matrix


def _halving(side: int) -> NDArray[np.float64]:
    """The matrix (side / 2, side) of means of two neighbours."""
    return np.kron(np.eye(side // 2), np.full((1, 2), 0.5))
