import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.layers import (
    BatchNorm,
    LeakyReLU,
    Tanh,
    activation,
    make_twice_differentiable,
)
from stages.gan.layers.normalisation import NormalisedActivation, rectifier
from tests.helpers.training.kernel import compiled, pure


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@settings(deadline=None, max_examples=8)
@given(rows=st.integers(2, 40), features=st.integers(1, 30), seed=st.integers(0, 99))
def test_batch_norm_is_mindspores_forward_backward_and_statistics(rows, features, seed):
    x, weight = draw(rows, features, seed=seed) * 3 + 1, draw(rows, features, seed=seed + 1)
    results = []
    for layer in (BatchNorm(features), nn.BatchNorm1d(features)):
        layer.set_train()
        gamma, beta = layer.gamma, layer.beta
        gamma.set_data(Tensor(draw(features, seed=5)))
        beta.set_data(Tensor(draw(features, seed=6)))

        def total(value, layer=layer):
            return ops.sum(layer(value) * Tensor(weight))

        gradient = ms.value_and_grad(total, 0, [gamma, beta])
        value, (dx, (dgamma, dbeta)) = gradient(Tensor(x))
        layer.set_train(False)
        results.append(
            [
                a.asnumpy()
                for a in (
                    value, dx, dgamma, dbeta, layer.moving_mean, layer.moving_variance,
                    layer(Tensor(x)),
                )
            ]
        )  # fmt: skip
    for ours, theirs in zip(*results, strict=True):
        scale = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours / scale, theirs / scale, atol=2e-5)


def test_batch_norm_keeps_any_leading_shape():
    layer = BatchNorm(3).set_train()
    x = draw(2, 4, 5, 3)
    y = layer(Tensor(x)).asnumpy()
    assert y.shape == x.shape
    np.testing.assert_allclose(y.reshape(-1, 3).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(y.reshape(-1, 3).std(axis=0), 1, atol=1e-3)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
def test_leaky_relu_and_its_gradient(slope):
    x = draw(50)
    layer = LeakyReLU(slope)
    y, dx = ms.value_and_grad(lambda v: ops.sum(layer(v)), 0)(Tensor(x))
    np.testing.assert_allclose(y.asnumpy(), np.where(x > 0, x, slope * x).sum(), rtol=1e-5)
    np.testing.assert_allclose(dx.asnumpy(), np.where(x > 0, 1.0, slope), atol=1e-6)


def test_activations_are_what_their_names_say():
    x = Tensor(np.array([-1.0, 2.0], np.float32))
    expected = {
        "relu": [0, 2],
        "leaky_relu": [-0.3, 2],
        "elu": [np.exp(-1) - 1, 2],
        "tanh": np.tanh([-1, 2]),
        "sigmoid": 1 / (1 + np.exp([1, -2])),
        "none": [-1, 2],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(activation(name, 0.3)(x).asnumpy(), values, atol=1e-5)
    with pytest.raises(ValueError, match="choose one of relu"):
        activation("swish", 0.2)


@pytest.mark.parametrize("form", [compiled, pure])
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "tanh", "sigmoid", "none"])
def test_no_activation_hides_nan(name, form):
    """nn.ReLU makes 0 of NaN: training would go on with a generator that is lost.

    A twice differentiable discriminator and a normalised layer have forms of their own.
    """
    x = Tensor(np.array([[np.nan], [np.nan]], np.float32))
    with form():
        for layer in (activation(name, 0.2), rectifier(name, 0.2)):
            network = nn.SequentialCell(layer)
            assert np.isnan(network(x).asnumpy()).all()
            make_twice_differentiable(network)
            assert np.isnan(network(x).asnumpy()).all()
        assert np.isnan(NormalisedActivation(1, name, 0.2).set_train()(x).asnumpy()).all()


@pytest.mark.parametrize("form", [compiled, pure])
@pytest.mark.parametrize("compiles", [False, True])
def test_batch_norm_refuses_a_single_row(form, compiles):
    """nn.BatchNorm1d takes it, and its running variance is NaN from then on."""
    with form():
        layers = BatchNorm(3), NormalisedActivation(3, "relu", 0.2)
    for layer in layers:
        layer.set_train()

        def call(x, layer=layer):
            return layer(x)

        run = ms.jit(call) if compiles else call
        with pytest.raises((ZeroDivisionError, ValueError)):
            run(Tensor(np.ones((1, 3), np.float32)))
        assert layer.moving_variance.asnumpy().tolist() == [1, 1, 1]


def test_tanh_and_its_gradient_are_right_far_out_too():
    x = np.linspace(-12, 12, 24001, dtype=np.float32)
    y, dx = ms.value_and_grad(lambda v: Tanh()(v).sum(), 0)(Tensor(x))
    exact = np.tanh(x.astype(np.float64))
    np.testing.assert_allclose(Tanh()(Tensor(x)).asnumpy(), exact, atol=2e-6)
    np.testing.assert_allclose(y.asnumpy(), exact.sum(), atol=1e-2)
    np.testing.assert_allclose(dx.asnumpy(), 1 / np.cosh(x.astype(np.float64)) ** 2, atol=2e-6)
    # The reason for it: MindSpore's own has no gradient there. If it gets one, it will do.
    far = Tensor(np.array([-6.0], np.float32))
    assert ms.grad(lambda v: ops.tanh(v).sum())(far).asnumpy() == 0
    assert 2.4e-5 < ms.grad(lambda v: Tanh()(v).sum())(far).asnumpy()[0] < 2.5e-5


def test_tanh_of_what_is_no_number_is_none_and_of_infinity_one():
    x = Tensor(np.array([-np.inf, -1e38, 0, 1e38, np.inf, np.nan], np.float32))
    assert Tanh()(x).asnumpy().tolist()[:5] == [-1, -1, 0, 1, 1]
    assert np.isnan(Tanh()(x).asnumpy()[5])
