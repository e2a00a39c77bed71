"""What is measured: both networks of the lecture, and the work that one step of each asks for."""

import itertools
from dataclasses import dataclass

import numpy as np

from stages.gan.networks import Description

MLP = Description(
    kind="mlp",
    image_shape=(1, 28, 28),
    latent_size=100,
    generator_widths=(128, 256, 512, 1024),
    generator_activation="relu",
    generator_slope=0.2,
    generator_batch_norm=True,
    discriminator_widths=(512, 256),
    discriminator_activation="leaky_relu",
    discriminator_slope=0.2,
    discriminator_batch_norm=False,
)
DCGAN = Description(
    kind="dcgan",
    image_shape=(3, 64, 64),
    latent_size=100,
    generator_widths=(512, 256, 128, 64),
    generator_activation="relu",
    generator_slope=0.2,
    generator_batch_norm=True,
    discriminator_widths=(64, 128, 256, 512),
    discriminator_activation="leaky_relu",
    discriminator_slope=0.2,
    discriminator_batch_norm=True,
)
DESCRIPTIONS = {"mlp": MLP, "dcgan": DCGAN}
BETAS = (0.5, 0.999)
LEARNING_RATE = 2e-4


def batches(description: Description, batch: int, count: int = 8):
    """`count` batches of images (N, C, H, W) in [-1, 1] and of latent codes, always the same."""
    draw = np.random.default_rng(3)
    images = np.tanh(draw.standard_normal((count, batch, *description.image_shape)))
    codes = draw.standard_normal((count, batch, description.latent_size))
    return images.astype(np.float32), codes.astype(np.float32)


@dataclass(frozen=True)
class Layer:
    """One layer's shape for one image."""

    multiply_adds: int
    weights: int
    outputs: int
    by_tiles: bool = False


def layers(description: Description) -> tuple[list[Layer], list[Layer]]:
    """The generator's and the discriminator's layers."""
    channels, side, _ = description.image_shape
    if description.kind == "mlp":
        pixels = int(np.prod(description.image_shape))

        def dense(sizes):
            return [Layer(a * b, a * b, b) for a, b in itertools.pairwise(sizes)]

        return (
            dense([description.latent_size, *description.generator_widths, pixels]),
            dense([pixels, *description.discriminator_widths, 1]),
        )
    widths = description.generator_widths
    small = side // 2 ** len(widths)
    first = description.latent_size * widths[0] * small * small
    generator = [Layer(first, first, widths[0] * small * small)]
    for inputs, outputs in zip(widths, [*widths[1:], channels], strict=True):
        weights = 16 * inputs * outputs
        # As many as in the convolution that it is the adjoint of.
        generator.append(
            Layer(weights * small * small, weights, 4 * outputs * small * small, outputs >= 16)
        )
        small *= 2
    discriminator = []
    inputs, side = channels, side // 2
    for outputs in description.discriminator_widths:
        weights = 16 * inputs * outputs
        discriminator.append(
            Layer(weights * side * side, weights, outputs * side * side, inputs >= 16)
        )
        inputs, side = outputs, side // 2
    last = inputs * (2 * side) ** 2
    discriminator.append(Layer(last, last, 1))
    return generator, discriminator


def work(description: Description, batch: int) -> dict[str, float]:
    """The work of one step: floating-point operations and least memory traffic.

    A layer's forward pass costs its multiply-adds once, the gradients of its weights and of its
    inputs once each. The generator runs forward and back once; the discriminator forward and
    back on real and on fake images, and once more for the generator, without its weights'
    gradients.

    Returns
    -------
    dict
        `gflop` as the definition of a convolution asks, `gflop_by_tiles` with 9 products
        instead of 16 where ours does so, and `least_gbyte`: every layer's output and its
        gradient written once and read twice, and seven passes over each weight for Adam.
    """
    generator, discriminator = layers(description)

    def passes(stack: list[Layer], forward: int, weights: int, inputs: int, tiles: bool) -> float:
        total = 0.0
        for index, layer in enumerate(stack):
            times = forward + weights + (inputs if index else 0)
            share = 9 / 16 if tiles and layer.by_tiles else 1.0
            total += times * share * layer.multiply_adds
        return total

    def operations(tiles: bool) -> float:
        own = passes(generator, 1, 1, 1, tiles)
        judged = passes(discriminator, 3, 2, 3, tiles)
        # The generator's update also needs the gradient of the images themselves.
        judged += discriminator[0].multiply_adds
        return 2 * batch * (own + judged) / 1e9

    outputs = sum(layer.outputs for layer in generator) + 3 * sum(
        layer.outputs for layer in discriminator
    )
    weights = sum(layer.weights for layer in generator + discriminator)
    return {
        "gflop": operations(False),
        "gflop_by_tiles": operations(True),
        "least_gbyte": 4 * (6 * batch * outputs + 7 * weights) / 1e9,
    }
