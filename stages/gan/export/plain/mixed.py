"""Plain networks of dense layers and convolutions: MindSpore's own layers, channels first."""

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
    columns_to_conv,
    conv_to_columns,
)

_GEOMETRY = {"kernel_size": 4, "stride": 2, "pad_mode": "pad", "padding": 1, "has_bias": False}


def generator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.mixed.Generator`."""
    channels, side, _ = d.image_shape
    dense, *maps = d.generator_widths
    side //= 2 ** len(maps)
    row: list[nn.Cell] = [nn.Dense(d.latent_size, dense)]
    if d.generator_batch_norm:
        row.append(nn.BatchNorm1d(dense))
    row += [
        activation(d.generator_activation, d.generator_slope),
        nn.Unflatten(1, (dense, 1, 1)),
        nn.Conv2dTranspose(dense, maps[0], side, pad_mode="valid", has_bias=False),
    ]
    for inputs, outputs in pairwise([*maps, channels]):
        if d.generator_batch_norm:
            row.append(nn.BatchNorm2d(inputs))
        row.append(activation(d.generator_activation, d.generator_slope))
        row.append(nn.Conv2dTranspose(inputs, outputs, **_GEOMETRY))
    row.append(Tanh())
    return nn.SequentialCell(row)


def discriminator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.mixed.Discriminator`."""
    inputs, side, _ = d.image_shape
    *maps, dense = d.discriminator_widths
    row: list[nn.Cell] = []
    for index, outputs in enumerate(maps):
        side //= 2
        row.append(nn.Conv2d(inputs, outputs, **_GEOMETRY))
        if d.discriminator_batch_norm and index > 0:
            row.append(nn.BatchNorm2d(outputs))
        row.append(activation(d.discriminator_activation, d.discriminator_slope))
        inputs = outputs
    row += [nn.Flatten(), nn.Dense(side * side * inputs, dense)]
    if d.discriminator_batch_norm:
        row.append(nn.BatchNorm1d(dense))
    row += [activation(d.discriminator_activation, d.discriminator_slope), nn.Dense(dense, 1)]
    return nn.SequentialCell(row)


def to_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """A parameter of one of our layers, in the layout and shape of MindSpore's layer."""
    if isinstance(layer, Convolution | TransposedConvolution):
        return columns_to_conv(values)
    if isinstance(layer, Projection):
        inputs, outputs, height, width = shape
        return values.reshape(inputs, height, width, outputs).transpose(0, 3, 1, 2)
    if values.ndim > 1 and hasattr(layer, "maps"):
        return values.reshape(-1, *layer.maps).transpose(0, 3, 1, 2).reshape(shape)
    return values


def from_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """The inverse of `to_plain`; `shape` is that of our parameter."""
    if isinstance(layer, Convolution | TransposedConvolution):
        return conv_to_columns(values)
    if isinstance(layer, Projection):
        return values.transpose(0, 2, 3, 1).reshape(shape)
    if values.ndim > 1 and hasattr(layer, "maps"):
        height, width, channels = layer.maps
        by_map = values.reshape(-1, channels, height, width)
        return by_map.transpose(0, 2, 3, 1).reshape(shape)
    return values
