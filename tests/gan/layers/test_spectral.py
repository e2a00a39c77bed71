import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from stages.gan import losses, networks
from stages.gan.layers import spectral
from stages.gan.networks.dcgan.convolution import Convolution, columns_to_conv
from stages.gan.training.step import make_step
from tests.helpers.training.network import describe
from tests.helpers.training.steps import batch, optimize


def largest(matrix) -> float:
    return float(np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)[0])


def drawn(layer: nn.Cell, seed: int) -> spectral.SpectralNorm:
    """The layer with drawn weights, normalised, with u and v drawn but not yet turned."""
    draw = np.random.default_rng(seed)
    for parameter in layer.get_parameters():
        parameter.set_data(Tensor(draw.standard_normal(parameter.shape).astype(np.float32)))
    normalised = spectral.SpectralNorm(layer)
    for vector in (normalised.u, normalised.v):
        values = draw.standard_normal(vector.shape)
        values /= np.linalg.norm(values)
        vector.set_data(Tensor(values.astype(np.float32)))
    return normalised


def test_rounds_of_the_iteration_bring_a_dense_layers_largest_singular_value_to_1():
    normalised = drawn(nn.Dense(9, 6), 0)
    bias = normalised.layer.bias.asnumpy()
    iterate = ms.jit(normalised.iterate)
    eye = Tensor(np.eye(9, dtype=np.float32))
    values = [largest(normalised(eye).asnumpy() - bias)]
    for _ in range(60):
        iterate()
        values.append(largest(normalised(eye).asnumpy() - bias))
    assert abs(values[0] - 1) > 0.1
    assert values[-1] == pytest.approx(1, abs=1e-4)
    assert abs(values[5] - 1) < abs(values[0] - 1)


def test_and_a_convolutions():
    normalised = drawn(Convolution(2, 3, 4, 4), 1)
    iterate = ms.jit(normalised.iterate)
    for _ in range(60):
        iterate()
    images = Tensor(np.random.default_rng(0).standard_normal((2, 8, 8, 2)).astype(np.float32))
    ratio = normalised.layer(images).asnumpy() / normalised(images).asnumpy()
    weight = normalised.layer.weight.asnumpy()
    np.testing.assert_allclose(ratio, largest(weight), rtol=1e-3)
    # the paper's matrix: one row an output channel
    assert largest(columns_to_conv(weight).reshape(3, -1)) == pytest.approx(largest(weight))


@pytest.mark.parametrize("kind", networks.KINDS)
def test_a_step_does_one_round_for_every_layer_of_the_discriminator(kind):
    description = describe(kind, discriminator_spectral_norm=True, discriminator_batch_norm=False)
    pair = networks.build(description, 1)
    layers = spectral.layers(pair[1])
    assert len(layers) == (10 if kind == "residual" else 3)
    assert not spectral.layers(pair[0])
    for layer in layers:  # it starts near the truth
        sigma = layer.u.asnumpy().T @ layer.layer.weight.asnumpy() @ layer.v.asnumpy()
        assert sigma[0, 0] == pytest.approx(largest(layer.layer.weight.asnumpy()), rel=0.02)
    step = make_step(*pair, losses.build("bce"), *optimize(pair, 0.02))
    for index in range(3):
        before = [(x.layer.weight.asnumpy().copy(), x.u.asnumpy().copy()) for x in layers]
        step(*batch(index))
        for layer, (weight, u) in zip(layers, before, strict=True):
            v = weight.T @ u
            v /= np.linalg.norm(v)
            np.testing.assert_allclose(layer.v.asnumpy(), v, atol=1e-5)
            u = weight @ v
            np.testing.assert_allclose(layer.u.asnumpy(), u / np.linalg.norm(u), atol=1e-5)
            assert (layer.layer.weight.asnumpy() != weight).any()


def test_u_and_v_are_saved_but_not_trained():
    description = describe("mlp", discriminator_spectral_norm=True)
    _, discriminator = networks.build(description, 1)
    names = {p.name for p in discriminator.get_parameters()}
    trained = {p.name for p in discriminator.trainable_params()}
    vectors = {name for name in names if name.endswith((".u", ".v"))}
    assert len(vectors) == 6
    assert names - trained == vectors


def test_the_gradient_goes_through_the_estimate_of_the_singular_value():
    """The normalised layer does not change with the weight's length, so its gradient is 0."""
    normalised = drawn(nn.Dense(5, 4, has_bias=False), 2)
    x = Tensor(np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32))

    def value(x):
        return (normalised(x) ** 2).sum()

    weight = normalised.layer.weight
    gradient = ms.jit(ms.grad(value, None, [weight]))(x)[0].asnumpy()
    assert np.abs(gradient).max() > 0.1
    assert abs((gradient * weight.asnumpy()).sum()) < 1e-3 * np.abs(gradient).max()
