"""The fused layer against the plain ones that it stands for."""

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.layers import activation
from stages.gan.networks.mlp.dense import DenseActivation
from tests.helpers.training.kernel import every_form

SLOPE = 0.2
NAMES = ["relu", "leaky_relu", "none", "elu", "tanh", "sigmoid"]


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def results(layer: nn.Cell, dense: nn.Dense, x: np.ndarray, wish: np.ndarray, jit: bool) -> list:
    """Outputs of a layer, and the gradients of <layer(x), wish>."""
    dense.weight.set_data(Tensor(draw(*dense.weight.shape, seed=5)))
    dense.bias.set_data(Tensor(draw(*dense.bias.shape, seed=6)))

    def total(value):
        y = layer(value)
        return ops.sum(y * Tensor(wish)), y

    gradient = ms.value_and_grad(total, 0, [dense.weight, dense.bias], has_aux=True)
    (_, y), (dx, weights) = (ms.jit(gradient) if jit else gradient)(Tensor(x))
    return [tensor.asnumpy() for tensor in (y, dx, *weights)]


def check_against_plain_layers(name: str, rows: int, inputs: int, outputs: int, jit: bool) -> None:
    x, wish = draw(rows, inputs), draw(rows, outputs, seed=1)
    dense = nn.Dense(inputs, outputs)
    plain = results(nn.SequentialCell(dense, activation(name, SLOPE)), dense, x, wish, jit)
    layer = DenseActivation(inputs, outputs, name, SLOPE)
    for ours, theirs in zip(results(layer, layer, x, wish, jit), plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=8)
@given(rows=st.integers(1, 40), inputs=st.integers(1, 40), outputs=st.integers(1, 40))
def test_the_fused_layer_is_the_plain_ones(name, rows, inputs, outputs):
    check_against_plain_layers(name, rows, inputs, outputs, jit=False)


@every_form
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("size", [(5, 3, 7), (128, 20, 300), (2000, 3, 300)])
def test_the_fused_layer_is_the_plain_ones_in_any_size(form, jit, size):
    with form():
        check_against_plain_layers("leaky_relu", *size, jit)


def test_weights_are_named_and_shaped_as_those_of_dense():
    layer, dense = DenseActivation(4, 3, "relu", SLOPE), nn.Dense(4, 3)
    assert {p.name: p.shape for p in layer.get_parameters()} == {
        p.name: p.shape for p in dense.get_parameters()
    }


def test_unknown_activations_are_refused():
    with pytest.raises(ValueError, match="choose one of relu"):
        DenseActivation(3, 3, "swish", SLOPE)
