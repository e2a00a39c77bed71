"""Residual networks without batch norm, after R3GAN (Huang et al. 2024, arXiv 2501.05441), small.

A block computes x + f(x), where f is a 1x1 convolution, a 3x3 and another 1x1, each but the last
followed by bias and activation. Between two blocks the side is doubled or halved by bilinear
interpolation. Nothing needs to be normalised, because at the start every f is 0 (Zhang et al. 2019,
Fixup). So a logit depends on its image alone, and penalties on the gradient can be used.

What differs from the paper, for speed on a CPU: the 3x3 convolution has half of the block's
channels and is not cut into groups (the paper: twice the channels, in groups); there is one block
of each size; and the largest one works at half of the image's side. There 2x2 pixels are the
channels of one.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from mindspore import nn

from stages.gan.common.compiled import put
from stages.gan.common.language import _
from stages.gan.layers import Tanh, spectral
from stages.gan.layers.normalisation import NormalisedActivation, rectifier
from stages.gan.layers.spectral import SpectralNorm
from stages.gan.networks.residual.convolution import (
    BLOCK,
    KERNELS,
    Convolution,
    Doubling,
    FromImage,
    FromMaps,
    Halving,
    ToImage,
    ToMaps,
)

# Outputs of the hidden dense layer. With few blocks it decides on the shape of the whole.
DENSE = 256
# Convolutions of a residual block.
_IN_BLOCK = 3


def inner(width: int) -> int:
    """The channels of the 3x3 convolution in a residual block of so many channels."""
    return max(width // 2, 1)


class Residual(nn.Cell):
    """x + f(x) of (N, side, side, width); f is three convolutions, and 0 at the start.

    `wrapped` is applied to each convolution (see `spectral`).
    """

    def __init__(
        self, width, side, activation_name, slope, batch_norm, wrapped=lambda layer: layer
    ):
        super().__init__()
        narrow = inner(width)
        size = (side, side)
        layers = []
        for kernel, inputs in ((1, width), (3, narrow)):
            if batch_norm:
                layers.append(wrapped(Convolution(kernel, inputs, narrow, *size)))
                layers.append(NormalisedActivation(narrow, activation_name, slope))
            else:
                layer = Convolution(kernel, inputs, narrow, *size, activation_name, slope)
                layers.append(wrapped(layer))
        layers.append(wrapped(Convolution(1, narrow, width, *size)))
        self.layers = nn.SequentialCell(layers)

    def construct(self, x):
        return x + self.layers(x)


class Generator(nn.Cell):
    """Latent codes to images: two dense layers, residual blocks, doubled sides, then tanh.

    Parameters
    ----------
    image_shape : (channels, height, width)
        A square whose side is a multiple of 2 to the number of widths.
    latent_size : int
    widths : sequence of int
        Channels of the residual blocks, from the smallest image to the largest, which has half
        of the image's side.
    activation_name, slope, batch_norm
        The activation in the blocks, its slope if leaky, and whether it follows batch norm.

    Takes (N, latent_size), returns images of (N, channels, height, width) in [-1, 1].
    """

    def __init__(self, image_shape, latent_size, widths, activation_name, slope, batch_norm):
        super().__init__()
        channels, side, _ = image_shape
        side //= 2 ** len(widths)
        layers = [
            nn.Dense(latent_size, DENSE),
            rectifier(activation_name, slope),
            ToMaps(DENSE, side, side, widths[0]),
        ]
        for inputs, outputs in pairwise([*widths, None]):
            layers.append(Residual(inputs, side, activation_name, slope, batch_norm))
            if outputs is not None:
                layers += [Convolution(1, inputs, outputs, side, side), Doubling(side, side)]
                side *= 2
        layers += [ToImage(widths[-1], channels, side, side), Tanh()]
        self.layers = nn.SequentialCell(layers)

    def construct(self, z):
        return self.layers(z)


class Discriminator(nn.Cell):
    """Images to logits: residual blocks, halved sides, two dense layers. The sigmoid is the loss's.

    `spectral_norm` divides each weight by its largest singular value (see spectral). Takes
    (N, channels, height, width), returns logits of shape (N, 1).
    """

    def __init__(
        self, image_shape, widths, activation_name, slope, batch_norm, spectral_norm=False
    ):
        super().__init__()
        wrapped = SpectralNorm if spectral_norm else lambda layer: layer
        channels, side, _ = image_shape
        side //= BLOCK
        layers = [wrapped(FromImage(channels, widths[0], side, side))]
        for inputs, outputs in pairwise([*widths, None]):
            layers.append(Residual(inputs, side, activation_name, slope, batch_norm, wrapped))
            if outputs is not None:
                layers.append(Halving(side, side))
                side //= 2
                layers.append(wrapped(Convolution(1, inputs, outputs, side, side)))
        layers += [
            wrapped(FromMaps(side, side, widths[-1], DENSE)),
            rectifier(activation_name, slope),
            wrapped(nn.Dense(DENSE, 1)),
        ]
        self.layers = nn.SequentialCell(layers)
        # With batch norm a logit depends on its batch: real and fake images are kept apart.
        self.rows_are_independent = not batch_norm

    def construct(self, x):
        return self.layers(x)


def initialise(network: nn.Cell, generator: np.random.Generator) -> None:
    """Draw weights from N(0, 1 / inputs), and from N(0, 2 / inputs) where an activation follows.

    In a block the weights of the first two of m = 3 convolutions are also divided by
    L^(1 / (2 m - 2)) for L blocks, and the last one is 0 (Zhang et al. 2019, Fixup, section 3).
    Spectral norm divides by the size of a weight, so there the last one is drawn like the others.
    Biases are 0. Call it before the network is first used in a jitted function.
    """
    cells = [cell for _name, cell in network.cells_and_names()]
    blocks = [cell for cell in cells if isinstance(cell, Residual)]
    scale = len(blocks) ** (-1.0 / (2 * _IN_BLOCK - 2))
    # The hidden dense layer: the generator's first, the discriminator's last but one.
    dense = [cell for cell in cells if isinstance(cell, nn.Dense)]
    gains = {id(dense[0]): math.sqrt(2.0)}
    for block in blocks:
        *first, last = (
            cell for _name, cell in block.cells_and_names() if isinstance(cell, Convolution)
        )
        gains |= {id(cell): math.sqrt(2.0) * scale for cell in first}
        gains[id(last)] = scale if spectral.layers(network) else 0.0
    for cell in cells:
        if isinstance(cell, Convolution | nn.Dense):
            inputs = cell.weight.shape[0 if isinstance(cell, Convolution) else 1]
            deviation = gains.get(id(cell), 1.0) / math.sqrt(inputs)
            values = generator.normal(0.0, 1.0, cell.weight.shape) * deviation
            put(cell.weight, values.astype(np.float32))
            if isinstance(cell, nn.Dense):
                put(cell.bias, np.zeros(cell.bias.shape, np.float32))


def generator_weights(image_shape: Sequence[int], latent_size: int, widths: Sequence[int]) -> int:
    """The number of weights in a Generator's matrices."""
    channels, side, _ = image_shape
    side //= 2 ** len(widths)
    dense = DENSE * (latent_size + side * side * widths[0])
    return dense + _in_convolutions(widths, channels, widths[-1])


def discriminator_weights(image_shape: Sequence[int], widths: Sequence[int]) -> int:
    """The number of weights in a Discriminator's matrices."""
    channels, side, _ = image_shape
    side //= 2 ** len(widths)
    return _in_convolutions(widths, channels, widths[0]) + DENSE * (side * side * widths[-1] + 1)


def _in_convolutions(widths: Sequence[int], channels: int, beside: int) -> int:
    """In all convolutions; `beside` is the width of the block beside the image."""
    at_image = 9 * beside * BLOCK**2 * channels
    in_blocks = sum(2 * width * inner(width) + 9 * inner(width) ** 2 for width in widths)
    return at_image + in_blocks + sum(a * b for a, b in pairwise(widths))


def remark() -> str:
    """A line that says whether the convolutions run as compiled kernels, and if not, why."""
    if not KERNELS.reason:
        return _("convolutions with compiled kernels{note}").format(note=KERNELS.note)
    return _("convolutions without compiled kernels, about three times as slow: {reason}").format(
        reason=KERNELS.reason
    )
