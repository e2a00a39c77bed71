"""Layers of plain networks that MindSpore has no single layer for."""

from collections.abc import Sequence

from mindspore import nn, ops


class Residual(nn.Cell):
    """x + f(x) of any shape, where f is `layers`, one after the other."""

    def __init__(self, layers: Sequence[nn.Cell]) -> None:
        super().__init__()
        self.layers = nn.SequentialCell(list(layers))

    def construct(self, x):
        return x + self.layers(x)


class Doubling(nn.Cell):
    """(N, C, height, width) to twice as many pixels along each axis, by bilinear interpolation.

    nn.Upsample is not for any N in MindIR.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (2 * height, 2 * width)
        self.resize = ops.ResizeBilinearV2(align_corners=False, half_pixel_centers=True)

    def construct(self, x):
        return self.resize(x, self.size)
