"""Plain residual networks: MindSpore's own layers, channels first."""

from collections.abc import Sequence

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.export.plain.activations import activation
from stages.gan.export.plain.composed import Doubling, Residual
from stages.gan.layers import Tanh
from stages.gan.networks import Description
from stages.gan.networks.residual import DENSE, inner
from stages.gan.networks.residual.convolution import (
    BLOCK,
    Convolution,
    FromImage,
    FromMaps,
    ToImage,
    ToMaps,
)

# A 3x3 convolution of BLOCK x BLOCK pixels each.
_AT_IMAGE = {"kernel_size": 6, "stride": 2, "pad_mode": "pad", "padding": 2, "has_bias": False}


def _convolution(kernel: int, inputs: int, outputs: int, bias: bool = False) -> nn.Cell:
    return nn.Conv2d(inputs, outputs, kernel, pad_mode="pad", padding=kernel // 2, has_bias=bias)


def _block(width: int, name: str, slope: float, batch_norm: bool) -> nn.Cell:
    narrow = inner(width)
    row: list[nn.Cell] = []
    for kernel, inputs in ((1, width), (3, narrow)):
        row.append(_convolution(kernel, inputs, narrow, bias=not batch_norm))
        if batch_norm:
            row.append(nn.BatchNorm2d(narrow))
        row.append(activation(name, slope))
    return Residual([*row, _convolution(1, narrow, width)])


def generator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.residual.Generator`."""
    channels, side, _ = d.image_shape
    widths = d.generator_widths
    side //= 2 ** len(widths)
    row: list[nn.Cell] = [
        nn.Dense(d.latent_size, DENSE),
        activation(d.generator_activation, d.generator_slope),
        nn.Dense(DENSE, widths[0] * side * side),
        nn.Unflatten(1, (widths[0], side, side)),
    ]
    for place, width in enumerate(widths):
        row.append(_block(width, d.generator_activation, d.generator_slope, d.generator_batch_norm))
        if place + 1 < len(widths):
            row += [_convolution(1, width, widths[place + 1]), Doubling(side, side)]
            side *= 2
    row += [nn.Conv2dTranspose(widths[-1], channels, **_AT_IMAGE), Tanh()]
    return nn.SequentialCell(row)


def discriminator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.residual.Discriminator`."""
    channels, side, _ = d.image_shape
    widths = d.discriminator_widths
    side //= 2 ** len(widths)
    row: list[nn.Cell] = [nn.Conv2d(channels, widths[0], **_AT_IMAGE)]
    for place, width in enumerate(widths):
        row.append(
            _block(
                width,
                d.discriminator_activation,
                d.discriminator_slope,
                d.discriminator_batch_norm,
            )
        )
        if place + 1 < len(widths):
            row += [nn.AvgPool2d(2, 2), _convolution(1, width, widths[place + 1])]
    row += [
        nn.Flatten(),
        nn.Dense(widths[-1] * side * side, DENSE),
        activation(d.discriminator_activation, d.discriminator_slope),
        nn.Dense(DENSE, 1),
    ]
    return nn.SequentialCell(row)


def to_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """A parameter of one of our layers, in the layout and shape of MindSpore's layer."""
    return _moved(layer, values, shape, back=False)


def from_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """The inverse of `to_plain`; `shape` is that of our parameter."""
    return _moved(layer, values, shape, back=True)


def _moved(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int], back: bool
) -> NDArray[np.float32]:
    """A parameter in the other layout: MindSpore's, or with `back` ours.

    A layout is a list of sides in the order of our array, and the order in which they lie in
    MindSpore's.
    """
    sides, order = _layout(layer, values.ndim)
    if not sides:
        return values
    turned = isinstance(layer, ToImage)  # the kernel of a transposed convolution
    if back:
        ours = values.reshape([sides[axis] for axis in order]).transpose(np.argsort(order))
        return (ours[::-1, ::-1] if turned else ours).reshape(shape)
    ours = values.reshape(sides)
    return (ours[::-1, ::-1] if turned else ours).transpose(order).reshape(shape)


def _layout(layer: nn.Cell, axes: int) -> tuple[list[int], list[int]]:
    """Sides and their order; none where both layouts are one."""
    if isinstance(layer, ToMaps):  # weight and bias: height, width, channels, and the rest
        rest = layer.in_channels if axes > 1 else 1
        return [*layer.maps, rest], [2, 0, 1, 3]
    if axes == 1:
        return [], []
    if isinstance(layer, FromMaps):  # outputs; height, width, channels
        return [layer.out_channels, *layer.maps], [0, 3, 1, 2]
    if isinstance(layer, FromImage):  # the kernel; the pixels of a block, channels; outputs
        channels = layer.inputs // BLOCK**2
        return [3, 3, BLOCK, BLOCK, channels, layer.shape[-1]], [5, 4, 0, 2, 1, 3]
    if isinstance(layer, ToImage):  # the kernel; inputs; the pixels of a block, channels
        channels = layer.shape[-1] // BLOCK**2
        return [3, 3, layer.inputs, BLOCK, BLOCK, channels], [2, 5, 0, 3, 1, 4]
    if isinstance(layer, Convolution):  # the kernel; inputs; outputs
        return [layer.kernel, layer.kernel, layer.inputs, layer.shape[-1]], [3, 2, 0, 1]
    return [], []
