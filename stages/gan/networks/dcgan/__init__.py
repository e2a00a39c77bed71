"""The DCGAN: the convolutional generator and discriminator of Radford et al. 2015."""

from collections.abc import Callable, Sequence
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


def drawing(
    inputs: int,
    side: int,
    widths: Sequence[int],
    channels: int,
    activation_name: str,
    slope: float,
    batch_norm: bool,
) -> list[nn.Cell]:
    """The layers from (N, inputs), by maps of `side` x `side`, to images, channels last."""
    row: list[nn.Cell] = [Projection(inputs, widths[0], side)]
    for before, after in pairwise([*widths, channels]):
        if batch_norm:
            row.append(NormalisedActivation(before, activation_name, slope))
        else:
            row.append(rectifier(activation_name, slope))
        row.append(TransposedConvolution(before, after, side, side))
        side *= 2
    row.append(Tanh())
    return row


def looking(
    image_shape: Sequence[int],
    widths: Sequence[int],
    activation_name: str,
    slope: float,
    batch_norm: bool,
    wrapped: Callable[[nn.Cell], nn.Cell],
) -> list[nn.Cell]:
    """The layers from images, channels last, to maps: convolutions, each passed to `wrapped`.

    The first layer is not normalised, as in the paper.
    """
    inputs, side, _width = image_shape
    row: list[nn.Cell] = []
    for index, outputs in enumerate(widths):
        side //= 2
        row.append(wrapped(Convolution(inputs, outputs, side, side)))
        if batch_norm and index > 0:
            row.append(NormalisedActivation(outputs, activation_name, slope))
        else:
            row.append(rectifier(activation_name, slope))
        inputs = outputs
    return row


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
        row = drawing(latent_size, side, widths, channels, activation_name, slope, batch_norm)
        self.layers = nn.SequentialCell(row)

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
        wrapped = SpectralNorm if spectral_norm else lambda layer: layer
        layers = looking(image_shape, widths, activation_name, slope, batch_norm, wrapped)
        layers.append(wrapped(WholeImage(widths[-1], image_shape[1] // 2 ** len(widths))))
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
