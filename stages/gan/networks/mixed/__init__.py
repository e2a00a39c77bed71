"""Dense layers and convolutions in one network, after InfoGAN (Chen et al. 2016, appendix C.1).

A dense layer sees the image as a whole, convolutions draw strokes. The generator begins with a
dense layer and ends with transposed convolutions; the discriminator is the other way round. The
layers are those of the kinds `mlp` and `dcgan`.

What differs from the paper: the weights are drawn by the number of their inputs, batch norm keeps
statistics for each channel of the smallest maps, and there are fewer channels (see
recipes/mnist-mixed.yaml).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from mindspore import nn, ops

from stages.gan.common.compiled import put
from stages.gan.layers.spectral import SpectralNorm
from stages.gan.networks.dcgan import drawing, looking
from stages.gan.networks.dcgan import remark as _remark
from stages.gan.networks.dcgan.convolution import (
    KERNEL,
    Convolution,
    Projection,
    TransposedConvolution,
)
from stages.gan.networks.mlp import hidden

# Positions of the smaller image that add to one pixel of the larger one.
_OVERLAPS = (KERNEL // 2) ** 2


class Generator(nn.Cell):
    """Latent codes to images: a dense layer, another to maps, transposed convolutions, then tanh.

    Parameters
    ----------
    image_shape : (channels, height, width)
        A square whose side is a multiple of 2 to the number of widths less one.
    latent_size : int
    widths : sequence of int
        The outputs of the dense layer, then channels, from the smallest maps to the largest.
    activation_name, slope, batch_norm
        The hidden layers' activation, its slope if leaky, and whether they are normalised.

    Takes (N, latent_size), returns images of (N, channels, height, width) in [-1, 1].
    """

    def __init__(self, image_shape, latent_size, widths, activation_name, slope, batch_norm):
        super().__init__()
        channels, side, _ = image_shape
        dense, *maps = widths
        side //= 2 ** len(maps)
        layers = hidden(latent_size, dense, activation_name, slope, batch_norm)
        layers += drawing(dense, side, maps, channels, activation_name, slope, batch_norm)
        self.layers = nn.SequentialCell(layers)

    def construct(self, z):
        return ops.transpose(self.layers(z), (0, 3, 1, 2))


class Flat(nn.Cell):
    """(N, height, width, channels) to (N, height * width * channels), in that order."""

    def construct(self, x):
        return ops.reshape(x, (x.shape[0], -1))


class Discriminator(nn.Cell):
    """Images to logits: convolutions, a dense layer, the logit. The sigmoid belongs to the loss.

    Parameters
    ----------
    widths : sequence of int
        Channels, from the largest maps to the smallest, then the outputs of the dense layer.
    spectral_norm : bool
        Divide each weight by its largest singular value (see spectral).

    Takes (N, channels, height, width), returns logits of shape (N, 1). The first layer is not
    normalised, as in the paper.
    """

    def __init__(
        self, image_shape, widths, activation_name, slope, batch_norm, spectral_norm=False
    ):
        super().__init__()
        wrapped = SpectralNorm if spectral_norm else lambda layer: layer
        *maps, dense = widths
        side = image_shape[1] // 2 ** len(maps)
        layers = looking(image_shape, maps, activation_name, slope, batch_norm, wrapped)
        layers.append(Flat())

        def of_maps(layer):
            layer.maps = (side, side, maps[-1])  # the order of its inputs, for export
            return wrapped(layer)

        size = side * side * maps[-1]
        layers += hidden(size, dense, activation_name, slope, batch_norm, of_maps)
        layers.append(wrapped(nn.Dense(dense, 1)))
        self.layers = nn.SequentialCell(layers)
        # With batch norm a logit depends on its batch: real and fake images are kept apart.
        self.rows_are_independent = not batch_norm

    def construct(self, x):
        return self.layers(ops.transpose(x, (0, 2, 3, 1)))


def initialise(network: nn.Cell, generator: np.random.Generator) -> None:
    """Draw weights from N(0, 2 / inputs) (He et al. 2015), the last layer's from N(0, 1 / inputs).

    `inputs` is the number of values that are summed for one output. Biases are 0, and batch norm is
    as it is built. Call it before the network is first used in a jitted function.
    """
    cells = [
        cell
        for _name, cell in network.cells_and_names()
        if isinstance(cell, Convolution | TransposedConvolution | Projection | nn.Dense)
    ]
    for cell in cells:
        gain = 1.0 if cell is cells[-1] else 2.0
        values = generator.normal(0.0, math.sqrt(gain / _inputs(cell)), cell.weight.shape)
        put(cell.weight, values.astype(np.float32))
        if isinstance(cell, nn.Dense):
            put(cell.bias, np.zeros(cell.bias.shape, np.float32))


def _inputs(cell: nn.Cell) -> int:
    """How many values are summed for one output of a layer."""
    if isinstance(cell, TransposedConvolution):
        return _OVERLAPS * cell.weight.shape[1]
    return cell.weight.shape[1 if isinstance(cell, nn.Dense) else 0]


def generator_weights(image_shape: Sequence[int], latent_size: int, widths: Sequence[int]) -> int:
    """The number of weights in a Generator's matrices."""
    channels, side, _ = image_shape
    dense, *maps = widths
    side //= 2 ** len(maps)
    return dense * (latent_size + side**2 * maps[0]) + _in_kernels([*maps, channels])


def discriminator_weights(image_shape: Sequence[int], widths: Sequence[int]) -> int:
    """The number of weights in a Discriminator's matrices."""
    channels, side, _ = image_shape
    *maps, dense = widths
    side //= 2 ** len(maps)
    return _in_kernels([channels, *maps]) + dense * (side**2 * maps[-1] + 1)


def _in_kernels(channels: Sequence[int]) -> int:
    return KERNEL**2 * sum(a * b for a, b in pairwise(channels))


def remark() -> str:
    """A line that says whether the convolutions run as compiled kernels, and if not, why."""
    return _remark()
