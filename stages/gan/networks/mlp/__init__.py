"""The MLP: the lecture's fully connected generator and discriminator."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from mindspore import nn, ops

from stages.gan.common.compiled import put
from stages.gan.common.language import _
from stages.gan.layers import Tanh
from stages.gan.layers.normalisation import KERNELS, NormalisedActivation
from stages.gan.layers.spectral import SpectralNorm
from stages.gan.networks.mlp.dense import DenseActivation


def hidden(
    inputs: int,
    outputs: int,
    activation_name: str,
    slope: float,
    normalised: bool,
    wrapped: Callable[[nn.Cell], nn.Cell] = lambda layer: layer,
) -> list[nn.Cell]:
    """One hidden layer: Dense, wrapped, batch normalisation if wanted, activation."""
    if not normalised:
        return [wrapped(DenseActivation(inputs, outputs, activation_name, slope))]
    return [
        wrapped(nn.Dense(inputs, outputs)),
        NormalisedActivation(outputs, activation_name, slope),
    ]


class Generator(nn.Cell):
    """Latent codes to images: Dense layers, all but the first with batch norm, then tanh.

    Parameters
    ----------
    image_shape : (channels, height, width)
    latent_size : int
    widths : sequence of int
        Outputs of the hidden layers.
    activation_name, slope, batch_norm
        The hidden layers' activation, its slope if leaky, and whether they are normalised.

    Takes (N, latent_size), returns images of (N, channels, height, width) in [-1, 1].
    """

    def __init__(self, image_shape, latent_size, widths, activation_name, slope, batch_norm):
        super().__init__()
        self.image_shape = tuple(image_shape)
        layers = []
        inputs = latent_size
        for index, width in enumerate(widths):
            layers += hidden(inputs, width, activation_name, slope, batch_norm and index > 0)
            inputs = width
        layers += [nn.Dense(inputs, int(np.prod(self.image_shape))), Tanh()]
        self.layers = nn.SequentialCell(layers)

    def construct(self, z):
        return ops.reshape(self.layers(z), (-1, *self.image_shape))


class Discriminator(nn.Cell):
    """Images to logits: Dense layers. The sigmoid belongs to the loss (see losses).

    `spectral_norm` divides each weight by its largest singular value (see spectral).
    Takes (N, channels, height, width), returns logits of shape (N, 1).
    """

    def __init__(
        self, image_shape, widths, activation_name, slope, batch_norm, spectral_norm=False
    ):
        super().__init__()
        wrapped = SpectralNorm if spectral_norm else lambda layer: layer
        layers = []
        inputs = int(np.prod(image_shape))
        for width in widths:
            layers += hidden(inputs, width, activation_name, slope, batch_norm, wrapped)
            inputs = width
        layers.append(wrapped(nn.Dense(inputs, 1)))
        self.layers = nn.SequentialCell(layers)
        # Without batch norm no image's logit depends on the rest of the batch, so real and fake
        # images may share a batch.
        self.rows_are_independent = not batch_norm

    def construct(self, x):
        return self.layers(ops.reshape(x, (x.shape[0], -1)))


def initialise(network: nn.Cell, generator: np.random.Generator) -> None:
    """Draw every weight and bias from U(-1/sqrt(inputs), 1/sqrt(inputs)).

    nn.Dense does the same by default (HeUniform with a = sqrt(5)), but without an explicit
    generator. Call it before the network is first used in a jitted function.
    """
    for _name, cell in network.cells_and_names():
        if isinstance(cell, nn.Dense):
            bound = 1.0 / np.sqrt(cell.in_channels)
            for parameter in (cell.weight, cell.bias):
                values = generator.uniform(-bound, bound, parameter.shape)
                put(parameter, values.astype(np.float32))


def generator_weights(image_shape: Sequence[int], latent_size: int, widths: Sequence[int]) -> int:
    """The number of weights in a Generator's matrices."""
    return _weights([latent_size, *widths, math.prod(image_shape)])


def discriminator_weights(image_shape: Sequence[int], widths: Sequence[int]) -> int:
    """The number of weights in a Discriminator's matrices."""
    return _weights([math.prod(image_shape), *widths, 1])


def _weights(sizes: Sequence[int]) -> int:
    return sum(inputs * outputs for inputs, outputs in pairwise(sizes))


def remark() -> str:
    """A line that says whether compiled kernels are used for the layers, and if not, why."""
    if not KERNELS.reason:
        return _("layers with compiled kernels{note}").format(note=KERNELS.note)
    return _("layers without compiled kernels, somewhat slower: {reason}").format(
        reason=KERNELS.reason
    )
