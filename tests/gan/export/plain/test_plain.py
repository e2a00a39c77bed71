import numpy as np
import pytest

from stages.gan import networks
from stages.gan.export.plain import as_plain, plain_networks, take_back
from stages.gan.trained.sampling import generate, logits
from tests.helpers.training.network import as_if_trained, describe

ACTIVATIONS = ("relu", "leaky_relu", "elu", "tanh", "sigmoid", "none")


def check_that_both_compute_the_same(description: networks.Description) -> None:
    ours = as_if_trained(description, seed=5)
    plain = as_plain(description, *ours)
    assert not any(network.training for network in plain)
    codes = np.random.default_rng(1).standard_normal((3, description.latent_size))
    images = generate(ours[0], codes.astype(np.float32))
    assert images.std() > 0.01
    assert np.abs(generate(plain[0], codes.astype(np.float32)) - images).max() < 1e-5
    expected = logits(ours[1], images)
    assert expected.std() > 1e-4
    # Of logits beyond 1 in units of the largest, as what is exported (see docs/export.md).
    assert np.abs(logits(plain[1], images) - expected).max() < 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_mindspores(kind, name):
    check_that_both_compute_the_same(
        describe(kind, generator_activation=name, discriminator_activation=name)
    )


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_normalisation_is_mindspores(kind, batch_norm, spectral):
    check_that_both_compute_the_same(
        describe(
            kind,
            image_shape=(3, 16, 16),
            generator_widths=(32, 16),  # some layers by tiles, some by columns
            discriminator_widths=(16, 32),
            generator_batch_norm=batch_norm,
            discriminator_batch_norm=batch_norm,
            discriminator_spectral_norm=spectral,
        )
    )


@pytest.mark.parametrize("kind", networks.KINDS)
def test_weights_go_to_plain_networks_and_back(kind):
    description = describe(kind)
    ours, empty = as_if_trained(description, 1), networks.build(description, 2)
    plain = as_plain(description, *ours)
    for network, source, origin in zip(empty, plain, ours, strict=True):
        take_back(kind, network, source)
        expected = {p.name: p.asnumpy() for p in origin.get_parameters()}
        for parameter in network.get_parameters():
            assert np.array_equal(parameter.asnumpy(), expected[parameter.name]), parameter.name


def test_a_divided_weight_does_not_come_back():
    description = describe("mlp", discriminator_spectral_norm=True)
    _, ours = networks.build(description)
    _, plain = plain_networks(description)
    with pytest.raises(ValueError, match="network with spectral norm"):
        take_back("mlp", ours, plain)


def test_there_is_no_other_kind():
    with pytest.raises(ValueError, match=f"choose one of {', '.join(networks.KINDS)}$"):
        plain_networks(describe("transformer"))
