"""Plain networks of dense layers and convolutions: MindSpore's own layers, channels first."""

from collections.abc import Sequence

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.export.plain import dcgan
from stages.gan.export.plain.activations import activation
from stages.gan.networks import Description


def generator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.mixed.Generator`."""
    dense, *maps = d.generator_widths
    row: list[nn.Cell] = [nn.Dense(d.latent_size, dense)]
    if d.generator_batch_norm:
        row.append(nn.BatchNorm1d(dense))
    row.append(activation(d.generator_activation, d.generator_slope))
    return nn.SequentialCell([*row, *dcgan.drawing(d, dense, maps)])


def discriminator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.mixed.Discriminator`."""
    *maps, dense = d.discriminator_widths
    side = d.image_shape[1] // 2 ** len(maps)
    row = dcgan.looking(d, maps)
    row += [nn.Flatten(), nn.Dense(side * side * maps[-1], dense)]
    if d.discriminator_batch_norm:
        row.append(nn.BatchNorm1d(dense))
    row += [activation(d.discriminator_activation, d.discriminator_slope), nn.Dense(dense, 1)]
    return nn.SequentialCell(row)


def to_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """A parameter of one of our layers, in the layout and shape of MindSpore's layer."""
    if values.ndim > 1 and hasattr(layer, "maps"):
        return values.reshape(-1, *layer.maps).transpose(0, 3, 1, 2).reshape(shape)
    return dcgan.to_plain(layer, values, shape)


def from_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """The inverse of `to_plain`; `shape` is that of our parameter."""
    if values.ndim > 1 and hasattr(layer, "maps"):
        height, width, channels = layer.maps
        by_map = values.reshape(-1, channels, height, width)
        return by_map.transpose(0, 2, 3, 1).reshape(shape)
    return dcgan.from_plain(layer, values, shape)
