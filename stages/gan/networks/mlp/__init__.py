"""The lecture's fully connected generator and discriminator."""

import numpy as np
from mindspore import Tensor, nn, ops

from stages.gan.layers import BatchNorm, activation
from stages.gan.spectral import SpectralNorm


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
            layers.append(nn.Dense(inputs, width))
            if batch_norm and index > 0:
                layers.append(BatchNorm(width))
            layers.append(activation(activation_name, slope))
            inputs = width
        layers += [nn.Dense(inputs, int(np.prod(self.image_shape))), nn.Tanh()]
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
        normalised = SpectralNorm if spectral_norm else lambda layer: layer
        layers = []
        inputs = int(np.prod(image_shape))
        for width in widths:
            layers.append(normalised(nn.Dense(inputs, width)))
            if batch_norm:
                layers.append(BatchNorm(width))
            layers.append(activation(activation_name, slope))
            inputs = width
        layers.append(normalised(nn.Dense(inputs, 1)))
        self.layers = nn.SequentialCell(layers)
        # Without batch norm no image's logit depends on the rest of the batch, so real and
        # fake images may share one.
        self.rows_are_independent = not batch_norm

    def construct(self, x):
        return self.layers(ops.reshape(x, (x.shape[0], -1)))


def initialise(network: nn.Cell, generator: np.random.Generator) -> None:
    """Draw every weight and bias from U(-1/sqrt(inputs), 1/sqrt(inputs)).

    This is what nn.Dense does by default (HeUniform with a = sqrt(5)), but from an explicit
    generator. To be called before the network is first used in a jitted function.
    """
    for _, cell in network.cells_and_names():
        if isinstance(cell, nn.Dense):
            bound = 1.0 / np.sqrt(cell.in_channels)
            for parameter in (cell.weight, cell.bias):
                values = generator.uniform(-bound, bound, parameter.shape)
                parameter.set_data(Tensor(values.astype(np.float32)))


def remark() -> str:
    """Nothing: matrix products run the same everywhere."""
    return ""
