"""The DCGAN: the convolutional generator and discriminator of Radford et al. 2015."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from mindspore import nn, ops

from stages.gan.common.compiled import put
from stages.gan.common.language import _
from stages.gan.layers import BatchNorm, Tanh
from stages.gan.layers.normalisation import NormalisedActivation, rectifier
from stages.gan.layers.spectral import SpectralNorm
from stages.gan.networks.dcgan import maps
from stages.gan.networks.dcgan.convolution import (
    Convolution,
    Projection,
    TransposedConvolution,
    WholeImage,
)


class Generator(nn.Cell):
    """Latent codes to images: transposed convolutions, each doubling the side, then tanh.

    Parameters
    ----------
    image_shape : (channels, height, width)
        A square whose side is a multiple of 2 to the number of widths.
    latent_size : int
    widths : sequence of int
        Channels of the hidden layers, from the smallest image to the largest.
    activation_name, slope, batch_norm
        The hidden layers' activation, its slope if leaky, and whether they are normalised.

    Takes (N, latent_size), returns images of (N, channels, height, width) in [-1, 1].
    """

    def __init__(self, image_shape, latent_size, widths, activation_name, slope, batch_norm):
        super().__init__()
        channels, side, _ = image_shape
        side //= 2 ** len(widths)
        layers = [Projection(latent_size, widths[0], side)]
        for inputs, outputs in zip(widths, [*widths[1:], channels], strict=True):
            if batch_norm:
                layers.append(NormalisedActivation(inputs, activation_name, slope))
            else:
                layers.append(rectifier(activation_name, slope))
            layers.append(TransposedConvolution(inputs, outputs, side, side))
            side *= 2
        layers.append(Tanh())
        self.layers = nn.SequentialCell(layers)

    def construct(self, z):
        return ops.transpose(self.layers(z), (0, 3, 1, 2))


class Discriminator(nn.Cell):
    """Images to logits: convolutions, each halving the side. The sigmoid belongs to the loss.

    Takes (N, channels, height, width), returns logits of shape (N, 1). The first layer is
    not normalised, as in the paper. `spectral_norm` divides each weight by its largest
    singular value (see spectral).
    """

    def __init__(
        self, image_shape, widths, activation_name, slope, batch_norm, spectral_norm=False
    ):
        super().__init__()
        normalised = SpectralNorm if spectral_norm else lambda layer: layer
        inputs, side, _ = image_shape
        layers = []
        for index, outputs in enumerate(widths):
            side //= 2
            layers.append(normalised(Convolution(inputs, outputs, side, side)))
            if batch_norm and index > 0:
                layers.append(NormalisedActivation(outputs, activation_name, slope))
            else:
                layers.append(rectifier(activation_name, slope))
            inputs = outputs
        layers.append(normalised(WholeImage(inputs, side)))
        self.layers = nn.SequentialCell(layers)
        # With batch norm a logit depends on its batch: real and fake images are kept apart.
        self.rows_are_independent = not batch_norm

    def construct(self, x):
        return self.layers(ops.transpose(x, (0, 2, 3, 1)))


def initialise(network: nn.Cell, generator: np.random.Generator) -> None:
    """Draw weights from N(0, 0.02) and batch norm's gamma from N(1, 0.02), as the paper does.

    Call it before the network is first used in a jitted function.
    """
    for _name, cell in network.cells_and_names():
        if isinstance(cell, BatchNorm):
            parameter, mean = cell.gamma, 1.0
        elif isinstance(cell, (Convolution, TransposedConvolution, Projection, WholeImage)):
            parameter, mean = cell.weight, 0.0
        else:
            continue
        values = generator.normal(mean, 0.02, parameter.shape)
        put(parameter, values.astype(np.float32))


def generator_weights(image_shape: Sequence[int], latent_size: int, widths: Sequence[int]) -> int:
    """The number of weights in a Generator's matrices."""
    channels, side, _ = image_shape
    side //= 2 ** len(widths)
    kernels = 16 * sum(a * b for a, b in pairwise([*widths, channels]))
    return latent_size * widths[0] * side * side + kernels


def discriminator_weights(image_shape: Sequence[int], widths: Sequence[int]) -> int:
    """The number of weights in a Discriminator's matrices."""
    channels, side, _ = image_shape
    side //= 2 ** len(widths)
    return 16 * sum(a * b for a, b in pairwise([channels, *widths])) + widths[-1] * side * side


def remark() -> str:
    """A line that says whether the convolutions run as compiled kernels, and if not, why."""
    if not maps.KERNELS.reason:
        return _("convolutions with compiled kernels{note}").format(note=maps.KERNELS.note)
    return _("convolutions without compiled kernels, about three times as slow: {reason}").format(
        reason=maps.KERNELS.reason
    )
