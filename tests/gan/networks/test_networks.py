from itertools import pairwise

import numpy as np
import pytest

from stages.gan import networks
from stages.gan.common.errors import UserError
from stages.gan.trained.sampling import generate, logits
from tests.helpers.network import describe


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize("batch_norm", [True, False])
def test_shapes_range_and_names(kind, batch_norm):
    description = describe(kind, generator_batch_norm=batch_norm)
    generator, discriminator = networks.build(description, seed=3)
    codes = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    images = generate(generator, codes)
    assert images.shape == (5, *description.image_shape)
    assert np.abs(images).max() <= 1
    assert logits(discriminator, images).shape == (5,)
    names = [p.name for p in generator.get_parameters()]
    assert all(name.startswith("generator.") for name in names)
    assert len(set(names)) == len(names)


def test_the_recipes_networks_have_the_recipes_sizes():
    mlp = networks.Description(
        "mlp", (1, 28, 28), 100,
        (128, 256, 512, 1024), "relu", 0.2, True, (512, 256), "leaky_relu", 0.2, False,
    )  # fmt: skip
    generator, discriminator = networks.build(mlp)
    dense = [100, 128, 256, 512, 1024, 784]
    weights = sum(a * b + b for a, b in pairwise(dense))
    assert sum(p.size for p in generator.trainable_params()) == weights + 2 * (256 + 512 + 1024)
    assert sum(p.size for p in discriminator.trainable_params()) == (
        784 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    )
    dcgan = networks.Description(
        "dcgan", (3, 64, 64), 100,
        (512, 256, 128, 64), "relu", 0.2, True, (64, 128, 256, 512), "leaky_relu", 0.2, True,
    )  # fmt: skip
    generator, discriminator = networks.build(dcgan)
    # nn.Conv2dTranspose and nn.Conv2d without biases, as in the paper
    channels = [100, 512, 256, 128, 64, 3]
    kernels = sum(16 * a * b for a, b in pairwise(channels))
    assert sum(p.size for p in generator.trainable_params()) == kernels + 2 * (512 + 256 + 128 + 64)
    channels = [3, 64, 128, 256, 512, 1]
    kernels = sum(16 * a * b for a, b in pairwise(channels))
    assert sum(p.size for p in discriminator.trainable_params()) == kernels + 2 * (128 + 256 + 512)


@pytest.mark.parametrize("kind", networks.KINDS)
def test_the_seed_decides_the_weights(kind):
    def first_weights(seed):
        return [net.trainable_params()[0].asnumpy() for net in networks.build(describe(kind), seed)]

    once, again, other = first_weights(1), first_weights(1), first_weights(2)
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert not any((a == b).all() for a, b in zip(once, other, strict=True))


def test_dcgan_weights_are_drawn_as_in_the_paper():
    description = describe("dcgan", generator_widths=(64, 64), image_shape=(3, 16, 16))
    generator, _ = networks.build(description, seed=0)
    by_name = {p.name: p.asnumpy() for p in generator.trainable_params()}
    weights = np.concatenate([v.ravel() for k, v in by_name.items() if k.endswith("weight")])
    gammas = np.concatenate([v.ravel() for k, v in by_name.items() if k.endswith("gamma")])
    assert abs(weights.std() - 0.02) < 0.0005
    assert abs(weights.mean()) < 0.0005
    assert abs(gammas.mean() - 1) < 0.01
    assert 0.015 < gammas.std() < 0.025


def test_description_survives_json_and_refuses_what_does_not_fit():
    description = describe("mlp")
    assert networks.Description.from_json(description.to_json()) == description
    with pytest.raises(UserError, match="does not fit"):
        networks.Description.from_json({**description.to_json(), "layers": 3})
    with pytest.raises(ValueError, match="choose one of mlp, dcgan"):
        networks.build(describe("transformer"))
