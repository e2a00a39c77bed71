"""The fused layers against the plain ones that they stand for, and against MindSpore's own."""

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.layers import BatchNorm, Tanh, activation
from stages.gan.layers.normalisation import KERNELS, NormalisedActivation, rectifier
from tests.helpers.training.kernel import check_cores_change_no_bit, every_form, needs_kernels

SLOPE = 0.2
FUSED = ["relu", "leaky_relu", "none"]
OTHERS = ["elu", "tanh", "sigmoid"]
# Images and rows, channels in whole vectors or not, more of them than a kernel takes at once,
# and few but with enough rows for a second thread.
SHAPES = [(3, 4, 5, 7), (64, 32), (2, 3, 3, 300), (20000, 16), (1200, 257)]


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def results(layer: nn.Cell, norm: nn.Cell, x: np.ndarray, weight: np.ndarray) -> dict:
    """What a layer makes of x: outputs, gradients of <layer(x), weight>, running statistics."""
    features = norm.gamma.shape[0]
    norm.gamma.set_data(Tensor(1 + 0.1 * draw(features, seed=5)))
    norm.beta.set_data(Tensor(draw(features, seed=6)))
    norm.moving_mean.set_data(Tensor(draw(features, seed=7)))
    norm.moving_variance.set_data(Tensor(0.5 + np.abs(draw(features, seed=8))))

    def total(value):
        y = layer(value)
        return ops.sum(y * Tensor(weight)), y

    layer.set_train()
    gradient = ms.value_and_grad(total, 0, [norm.gamma, norm.beta], has_aux=True)
    (_, y), (dx, (dgamma, dbeta)) = gradient(Tensor(x))
    layer.set_train(False)
    found = {
        "y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta,
        "moving_mean": norm.moving_mean, "moving_variance": norm.moving_variance,
        "y of evaluation": layer(Tensor(x)),
    }  # fmt: skip
    return {name: tensor.asnumpy().copy() for name, tensor in found.items()}


def check_against_plain_layers(name: str, shape: tuple[int, ...], seed: int) -> None:
    x, weight = 2 * draw(*shape, seed=seed) + 1, draw(*shape, seed=seed + 1)
    norm = BatchNorm(shape[-1])
    plain = results(nn.SequentialCell(norm, activation(name, SLOPE)), norm, x, weight)
    layer = NormalisedActivation(shape[-1], name, SLOPE)
    ours = results(layer, layer, x, weight)
    for key in plain:
        np.testing.assert_array_equal(ours[key], plain[key], err_msg=key)


@pytest.mark.parametrize("name", [*FUSED, *OTHERS])
@settings(deadline=None, max_examples=8)
@given(rows=st.integers(2, 40), features=st.integers(1, 40), seed=st.integers(0, 99))
def test_fused_layers_are_the_plain_ones(name, rows, features, seed):
    check_against_plain_layers(name, (rows, features), seed)


@every_form
@pytest.mark.parametrize("shape", SHAPES)
def test_fused_layers_are_the_plain_ones_in_any_shape(form, shape):
    with form():
        check_against_plain_layers("leaky_relu", shape, 0)


@pytest.mark.parametrize("name", [*FUSED, "tanh"])
@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (8, 4, 4, 20)])
def test_fused_layers_are_near_mindspores_own(name, shape):
    x, weight = 2 * draw(*shape, seed=1) + 1, draw(*shape, seed=2)
    layer = NormalisedActivation(shape[-1], name, SLOPE)
    ours = results(layer, layer, x, weight)
    theirs = {"relu": nn.ReLU, "none": nn.Identity, "tanh": Tanh}.get(name)
    norm = nn.BatchNorm2d(shape[-1])
    plain = nn.SequentialCell(norm, theirs() if theirs else nn.LeakyReLU(SLOPE))
    first = (0, 3, 1, 2)
    found = results(plain, norm, x.transpose(first).copy(), weight.transpose(first).copy())
    for key, value in found.items():
        value = value.transpose(0, 2, 3, 1) if value.ndim == 4 else value
        np.testing.assert_allclose(ours[key], value, atol=1e-4, rtol=1e-4, err_msg=key)


@every_form
@pytest.mark.parametrize("name", FUSED)
def test_gradients_in_evaluation_mode_are_the_plain_ones(form, name):
    x, weight = draw(6, 2, 3, 5), Tensor(draw(6, 2, 3, 5, seed=1))
    norm = BatchNorm(5)
    with form():
        layer = NormalisedActivation(5, name, SLOPE)
    found = []
    for own, network in ((norm, nn.SequentialCell(norm, activation(name, SLOPE))), (layer, layer)):
        own.moving_mean.set_data(Tensor(draw(5, seed=7)))
        own.moving_variance.set_data(Tensor(0.5 + np.abs(draw(5, seed=8))))
        network.set_train(False)

        def total(value, network=network):
            return ops.sum(network(value) * weight)

        gradient = ms.value_and_grad(total, 0, [own.gamma, own.beta])
        value, (dx, (dgamma, dbeta)) = gradient(Tensor(x))
        found.append([tensor.asnumpy() for tensor in (value, dx, dgamma, dbeta)])
    for left, right in zip(*found, strict=True):
        np.testing.assert_allclose(left, right, rtol=2e-5, atol=2e-5)


@every_form
def test_fused_layers_work_in_a_compiled_graph(form):
    x, weight = draw(6, 2, 2, 5), Tensor(draw(6, 2, 2, 5, seed=1))

    def steps(layer, norm):
        def total(value):
            return ops.sum(layer(value) * weight)

        layer.set_train()
        gradient = ms.jit(ms.value_and_grad(total, 0, [norm.gamma, norm.beta]))
        value, (dx, (dgamma, dbeta)) = gradient(Tensor(x))
        tensors = (value, dx, dgamma, dbeta, norm.moving_mean, norm.moving_variance)
        return [tensor.asnumpy() for tensor in tensors]

    norm = BatchNorm(5)
    plain = steps(nn.SequentialCell(norm, activation("relu", SLOPE)), norm)
    with form():
        layer = NormalisedActivation(5, "relu", SLOPE)
    for left, right in zip(steps(layer, layer), plain, strict=True):
        np.testing.assert_array_equal(left, right)


@every_form
@pytest.mark.parametrize("name", [*FUSED, *OTHERS])
@pytest.mark.parametrize("shape", [(7,), (3, 4, 5, 7), (300, 300)])
def test_rectifiers_are_the_plain_activations(form, name, shape):
    x, weight = draw(*shape), Tensor(draw(*shape, seed=1))
    x.ravel()[::5] = 0  # where the slopes meet
    found = []
    with form():
        layers = rectifier(name, SLOPE), activation(name, SLOPE)
    for layer in layers:

        def total(value, layer=layer):
            y = layer(value)
            return ops.sum(y * weight), y

        (_, y), dx = ms.value_and_grad(total, 0, has_aux=True)(Tensor(x))
        found.append((y.asnumpy(), dx.asnumpy()))
    for left, right in zip(*found, strict=True):
        np.testing.assert_array_equal(left, right)


def test_unknown_activations_are_refused():
    with pytest.raises(ValueError, match="choose one of relu"):
        rectifier("swish", SLOPE)
    with pytest.raises(ValueError, match="choose one of relu"):
        NormalisedActivation(3, "swish", SLOPE)


@needs_kernels
@pytest.mark.parametrize("shape", [(20000, 16), (1200, 257)])
def test_the_number_of_cores_changes_no_bit(shape):
    rows = (shape[1],)
    x, y, dy = draw(*shape), draw(*shape, seed=1), draw(*shape, seed=2)
    mean, factor, beta = (draw(*rows, seed=seed) for seed in range(3, 6))
    variance = np.abs(draw(*rows, seed=6))
    options = np.array([SLOPE, 1 - SLOPE, 1e-5], np.float32)
    for name, inputs, shapes in [
        ("normalise", [x, factor, beta, options], [shape, rows, rows, rows]),
        ("rescale", [x, mean, factor, beta, options], [shape]),
        ("normalise_gradient", [dy, y, x, mean, variance, factor, options], [shape, rows, rows]),
        ("rectify", [x, options], [shape]),
        ("rectify_gradient", [dy, y, options], [shape]),
        ("add_and_rectify", [x, beta, options], [shape]),
        ("add_and_rectify_gradient", [dy, y, options], [shape, rows]),
    ]:
        check_cores_change_no_bit(KERNELS, name, inputs, *shapes)
