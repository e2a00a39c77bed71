"""Networks of MindSpore's own layers with the weights of this project's, to compare with.

Everything is channels first, as MindSpore's layers have it.
"""

from collections.abc import Iterator

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

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


def _activation(name: str, slope: float) -> nn.Cell:
    return {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "none": nn.Identity}.get(
        name, lambda: nn.LeakyReLU(slope)
    )()


class PlainGenerator(nn.Cell):
    """The recipe of `stages.gan.networks.dcgan.Generator` in MindSpore's layers."""

    def __init__(self, d: Description) -> None:
        super().__init__()
        channels, side, _ = d.image_shape
        side //= 2 ** len(d.generator_widths)
        first = d.generator_widths[0]
        layers = [nn.Conv2dTranspose(d.latent_size, first, side, pad_mode="valid", has_bias=False)]
        for inputs, outputs in zip(
            d.generator_widths, [*d.generator_widths[1:], channels], strict=True
        ):
            if d.generator_batch_norm:
                layers.append(nn.BatchNorm2d(inputs))
            layers.append(_activation(d.generator_activation, d.generator_slope))
            layers.append(nn.Conv2dTranspose(inputs, outputs, **_GEOMETRY))
        layers.append(nn.Tanh())
        self.layers = nn.SequentialCell(layers)

    def construct(self, z):
        return self.layers(ops.reshape(z, (*z.shape, 1, 1)))


class PlainDiscriminator(nn.Cell):
    """The recipe of `stages.gan.networks.dcgan.Discriminator` in MindSpore's layers."""

    def __init__(self, d: Description) -> None:
        super().__init__()
        inputs, side, _ = d.image_shape
        layers = []
        for index, outputs in enumerate(d.discriminator_widths):
            side //= 2
            layers.append(nn.Conv2d(inputs, outputs, **_GEOMETRY))
            if d.discriminator_batch_norm and index > 0:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(_activation(d.discriminator_activation, d.discriminator_slope))
            inputs = outputs
        layers.append(nn.Conv2d(inputs, 1, side, pad_mode="valid", has_bias=False))
        self.layers = nn.SequentialCell(layers)

    def construct(self, x):
        return ops.reshape(self.layers(x), (-1, 1))


def plain_networks(d: Description) -> tuple[nn.Cell, nn.Cell]:
    """Generator and discriminator of a description; the second gives logits."""
    if d.kind == "dcgan":
        return PlainGenerator(d), PlainDiscriminator(d)
    pixels = int(np.prod(d.image_shape))
    generator = []
    inputs = d.latent_size
    for index, outputs in enumerate(d.generator_widths):
        generator.append(nn.Dense(inputs, outputs))
        if d.generator_batch_norm and index > 0:
            generator.append(nn.BatchNorm1d(outputs))
        generator.append(_activation(d.generator_activation, d.generator_slope))
        inputs = outputs
    generator += [nn.Dense(inputs, pixels), nn.Tanh(), nn.Unflatten(1, d.image_shape)]
    discriminator = [nn.Flatten()]
    inputs = pixels
    for outputs in d.discriminator_widths:
        discriminator.append(nn.Dense(inputs, outputs))
        if d.discriminator_batch_norm:
            discriminator.append(nn.BatchNorm1d(outputs))
        discriminator.append(_activation(d.discriminator_activation, d.discriminator_slope))
        inputs = outputs
    discriminator.append(nn.Dense(inputs, 1))
    return nn.SequentialCell(generator), nn.SequentialCell(discriminator)


def matched(ours: nn.Cell, theirs: nn.Cell) -> Iterator[tuple[str, np.ndarray, Parameter]]:
    """Each parameter and running statistic of ours, in the plain network's shape, and the plain's.

    Parameters
    ----------
    ours, theirs : a network of the package and the plain one of the same description
    """
    for layer, parameter, other in _pairs(ours, theirs):
        values = parameter.asnumpy().copy()
        if isinstance(layer, Convolution | TransposedConvolution):
            values = columns_to_conv(values)
        elif isinstance(layer, Projection | WholeImage):
            inputs, outputs, height, width = other.shape
            values = values.reshape(inputs, height, width, outputs).transpose(0, 3, 1, 2)
        assert values.shape == other.shape
        yield parameter.name, np.ascontiguousarray(values), other


def take_back(ours: nn.Cell, theirs: nn.Cell) -> None:
    """Give our network the plain one's weights and running statistics: `matched` backwards."""
    for layer, parameter, other in _pairs(ours, theirs):
        values = other.asnumpy().copy()
        if isinstance(layer, Convolution | TransposedConvolution):
            values = conv_to_columns(values)
        elif isinstance(layer, Projection | WholeImage):
            values = values.transpose(0, 2, 3, 1).reshape(parameter.shape)
        assert values.shape == parameter.shape
        parameter.set_data(Tensor(np.ascontiguousarray(values)))


def _pairs(ours: nn.Cell, theirs: nn.Cell) -> Iterator[tuple[nn.Cell, Parameter, Parameter]]:
    for left, right in zip(layers(ours), layers(theirs), strict=True):
        others = dict(right.parameters_and_names(expand=False))
        for name, parameter in left.parameters_and_names(expand=False):
            yield left, parameter, others.pop(name)
        assert not others


def layers(network: nn.Cell) -> list[nn.Cell]:
    """Those with weights, in the order in which an image passes them."""
    cells = (cell for _, cell in network.cells_and_names())
    return [cell for cell in cells if any(cell.parameters_and_names(expand=False))]


def as_plain(
    description: Description, generator: nn.Cell, discriminator: nn.Cell
) -> tuple[nn.Cell, nn.Cell]:
    """Plain networks with the weights of these, in training mode."""
    pair = plain_networks(description)
    for ours, theirs in zip((generator, discriminator), pair, strict=True):
        for _, values, parameter in matched(ours, theirs):
            parameter.set_data(Tensor(values))
        theirs.set_train()
    return pair
