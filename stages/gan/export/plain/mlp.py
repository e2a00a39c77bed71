"""Plain fully connected networks: MindSpore's own layers."""

import math
from collections.abc import Sequence

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.export.plain.activations import activation
from stages.gan.layers import Tanh
from stages.gan.networks import Description


def generator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.mlp.Generator`."""
    row = []
    inputs = d.latent_size
    for index, outputs in enumerate(d.generator_widths):
        row.append(nn.Dense(inputs, outputs))
        if d.generator_batch_norm and index > 0:
            row.append(nn.BatchNorm1d(outputs))
        row.append(activation(d.generator_activation, d.generator_slope))
        inputs = outputs
    row += [
        nn.Dense(inputs, math.prod(d.image_shape)),
        Tanh(),
        nn.Unflatten(1, tuple(d.image_shape)),
    ]
    return nn.SequentialCell(row)


def discriminator(d: Description) -> nn.SequentialCell:
    """The same layers as in `stages.gan.networks.mlp.Discriminator`."""
    row = [nn.Flatten()]
    inputs = math.prod(d.image_shape)
    for outputs in d.discriminator_widths:
        row.append(nn.Dense(inputs, outputs))
        if d.discriminator_batch_norm:
            row.append(nn.BatchNorm1d(outputs))
        row.append(activation(d.discriminator_activation, d.discriminator_slope))
        inputs = outputs
    row.append(nn.Dense(inputs, 1))
    return nn.SequentialCell(row)


def to_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """A parameter of one of our layers. MindSpore's layer has the same layout."""
    return values


def from_plain(
    layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int]
) -> NDArray[np.float32]:
    """The inverse of `to_plain`."""
    return values
