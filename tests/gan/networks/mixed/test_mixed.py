"""Sizes, first weights and first answers of networks of dense layers and convolutions."""

import math

import numpy as np
import pytest
from mindspore import nn

from stages.gan import networks
from stages.gan.networks.dcgan.convolution import Convolution, Projection, TransposedConvolution
from stages.gan.trained.sampling import generate, logits
from tests.helpers.training.network import describe

# For digits: 7x7, 14x14 and 28x28 pixels.
GENERATOR, DISCRIMINATOR = (512, 32, 16), (16, 32, 256)


def digits(**changes) -> networks.Description:
    return describe(
        "mixed",
        image_shape=(1, 28, 28),
        latent_size=100,
        generator_widths=GENERATOR,
        discriminator_widths=DISCRIMINATOR,
        **changes,
    )


def weights(network: nn.Cell, kind: type) -> list[np.ndarray]:
    return [c.weight.asnumpy() for _, c in network.cells_and_names() if isinstance(c, kind)]


def test_one_width_is_that_of_a_dense_layer_and_the_others_are_channels():
    generator, discriminator = networks.build(digits(discriminator_batch_norm=True))
    parameters = 100 * 512 + 512 + 512 * 49 * 32 + 16 * (32 * 16 + 16 * 1)
    assert sum(p.size for p in generator.trainable_params()) == parameters + 2 * (512 + 32 + 16)
    parameters = 16 * (1 * 16 + 16 * 32) + 49 * 32 * 256 + 256 + 256 + 1
    assert sum(p.size for p in discriminator.trainable_params()) == parameters + 2 * (32 + 256)


@pytest.mark.parametrize("halvings", [1, 2, 3, 4])
def test_each_other_width_halves_the_side_of_faces_too(halvings):
    maps = (8,) * halvings
    description = describe(
        "mixed",
        image_shape=(3, 64, 64),
        generator_widths=(12, *maps),
        discriminator_widths=(*maps, 12),
    )
    generator, discriminator = networks.build(description)
    (projection,) = weights(generator, Projection)
    assert projection.shape == (12, (64 // 2**halvings) ** 2 * 8)
    images = generate(generator, np.ones((2, 6), np.float32))
    assert images.shape == (2, 3, 64, 64)
    assert logits(discriminator, images).shape == (2,)


def test_weights_are_drawn_by_the_number_of_inputs():
    pair = networks.build(digits(), seed=1)
    inputs = {
        Convolution: [16 * 1, 16 * 16],
        TransposedConvolution: [4 * 32, 4 * 16],  # four positions of the smaller maps overlap
        Projection: [512],
        nn.Dense: [100, 49 * 32, 256],
    }
    for kind, counts in inputs.items():
        drawn = [one for network in pair for one in weights(network, kind)]
        assert len(drawn) == len(counts)
        for one, count in zip(drawn, counts, strict=True):
            last = (kind is TransposedConvolution and count == 64) or one.shape[0] == 1
            expected = math.sqrt((1 if last else 2) / count)
            assert one.std() == pytest.approx(expected, rel=4 / math.sqrt(2 * one.size))
    for network in pair:
        for parameter in network.trainable_params():
            if parameter.name.endswith("bias"):
                assert not parameter.asnumpy().any()


def test_before_training_images_differ_and_logits_are_neither_small_nor_large():
    generator, discriminator = networks.build(digits(), seed=1)
    draw = np.random.default_rng(0)
    images = generate(generator, draw.standard_normal((64, 100)).astype(np.float32))
    assert 0.3 < images.std(axis=0).mean() < 0.9
    noise = draw.uniform(-1, 1, (64, 1, 28, 28)).astype(np.float32)
    assert 0.05 < logits(discriminator, noise).std() < 5


def test_only_the_first_layer_of_the_discriminator_is_not_normalised():
    description = digits(discriminator_batch_norm=True)
    for network, widths in zip(
        networks.build(description), (GENERATOR, DISCRIMINATOR[1:]), strict=True
    ):
        gammas = [p.size for p in network.trainable_params() if p.name.endswith("gamma")]
        assert gammas == list(widths)
