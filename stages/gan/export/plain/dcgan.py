"""Plain convolutional networks (DCGAN): MindSpore's own layers, channels first."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.export.plain.activations import activation
from stages.gan.layers import Tanh
from stages.gan.networks import Description
from stages.gan.networks.dcgan.convolution import (
    Convolution,
    Projection,
    TransposedConvolution,
    WholeImage,
    columns_to_conv,
    conv_to_columns,
)

_GEOMETRY = {"kernel_size": 4, "stride": 2, "pad_mode": "pad", "padding": 1, "has_bias": False}
_WHOLE = {"pad_mode": "valid", "has_bias": False}


def generator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.dcgan.Generator`."""
    return nn.SequentialCell(drawing(d, d.latent_size, d.generator_widths))


def drawing(d: Description, inputs: int, widths: Sequence[int]) -> list[nn.Cell]:
    """The same layers as `stages.gan.networks.dcgan.drawing` gives."""
    channels, side, _ = d.image_shape
    side //= 2 ** len(widths)
    row: list[nn.Cell] = [
        nn.Unflatten(1, (inputs, 1, 1)),
        nn.Conv2dTranspose(inputs, widths[0], side, **_WHOLE),
    ]
    for before, after in pairwise([*widths, channels]):
        if d.generator_batch_norm:
            row.append(nn.BatchNorm2d(before))
        row.append(activation(d.generator_activation, d.generator_slope))
        row.append(nn.Conv2dTranspose(before, after, **_GEOMETRY))
    row.append(Tanh())
    return row


def discriminator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.dcgan.Discriminator`."""
    widths = d.discriminator_widths
    side = d.image_shape[1] // 2 ** len(widths)
    row = looking(d, widths)
    row += [nn.Conv2d(widths[-1], 1, side, **_WHOLE), nn.Flatten()]
    return nn.SequentialCell(row)


def looking(d: Description, widths: Sequence[int]) -> list[nn.Cell]:
    """The same layers as `stages.gan.networks.dcgan.looking` gives."""
    row: list[nn.Cell] = []
    for index, (inputs, outputs) in enumerate(pairwise([d.image_shape[0], *widths])):
        row.append(nn.Conv2d(inputs, outputs, **_GEOMETRY))
        if d.discriminator_batch_norm and index > 0:
            row.append(nn.BatchNorm2d(outputs))
        row.append(activation(d.discriminator_activation, d.discriminator_slope))
    return row


def to_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """A parameter of one of our layers, in the layout and shape of MindSpore's layer."""
    if isinstance(layer, Convolution | TransposedConvolution):
        return columns_to_conv(values)
    if isinstance(layer, Projection | WholeImage):
        inputs, outputs, height, width = shape
        return values.reshape(inputs, height, width, outputs).transpose(0, 3, 1, 2)
    return values


def from_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """The inverse of `to_plain`; `shape` is that of our parameter."""
    if isinstance(layer, Convolution | TransposedConvolution):
        return conv_to_columns(values)
    if isinstance(layer, Projection | WholeImage):
        return values.transpose(0, 2, 3, 1).reshape(shape)
    return values
