"""The work that one step asks for, and batches to do it on.

A problem is what `recipes.recipe` gives, with its keys as attributes. Nothing of this project
and no MindSpore is imported here, so that PyTorch's process holds neither.
"""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np


def batches(problem: SimpleNamespace, batch: int, count: int = 8):
    """`count` batches of images (N, C, H, W) in [-1, 1] and of latent codes, always the same."""
    draw = np.random.default_rng(3)
    images = np.tanh(draw.standard_normal((count, batch, *problem.image_shape)))
    codes = draw.standard_normal((count, batch, problem.latent_size))
    return images.astype(np.float32), codes.astype(np.float32)


@dataclass(frozen=True)
class Layer:
    """One layer's shape for one image."""

    multiply_adds: int
    weights: int
    outputs: int
    by_tiles: bool = False


def layers(problem: SimpleNamespace) -> tuple[list[Layer], list[Layer]]:
    """The generator's and the discriminator's layers."""
    channels, side, _ = problem.image_shape
    if problem.kind == "mlp":
        pixels = int(np.prod(problem.image_shape))

        def dense(sizes):
            return [Layer(a * b, a * b, b) for a, b in itertools.pairwise(sizes)]

        return (
            dense([problem.latent_size, *problem.generator_widths, pixels]),
            dense([pixels, *problem.discriminator_widths, 1]),
        )
    widths = problem.generator_widths
    small = side // 2 ** len(widths)
    first = problem.latent_size * widths[0] * small * small
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
    for outputs in problem.discriminator_widths:
        weights = 16 * inputs * outputs
        discriminator.append(
            Layer(weights * side * side, weights, outputs * side * side, inputs >= 16)
        )
        inputs, side = outputs, side // 2
    last = inputs * (2 * side) ** 2
    discriminator.append(Layer(last, last, 1))
    return generator, discriminator


def work(problem: SimpleNamespace, batch: int) -> dict[str, float]:
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
    generator, discriminator = layers(problem)

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
