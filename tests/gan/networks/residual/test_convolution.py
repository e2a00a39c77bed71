"""Against MindSpore's own convolution and interpolation."""

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.networks.residual.convolution import (
    KERNELS,
    Convolution,
    Doubling,
    Halving,
    PlainPatches,
)
from tests.helpers.training.kernel import check_cores_change_no_bit, every_form, needs_kernels


def last(images: np.ndarray) -> Tensor:
    """(N, C, H, W) with channels last."""
    return Tensor(np.ascontiguousarray(images.transpose(0, 2, 3, 1), np.float32))


def first(images: Tensor) -> np.ndarray:
    return images.asnumpy().transpose(0, 3, 1, 2)


def with_gradients(layer, x: Tensor, g: Tensor) -> list[np.ndarray]:
    """layer(x), and the gradients of <layer(x), g> by x and by the layer's parameters."""
    gradient = ms.value_and_grad(
        lambda value: ops.sum(layer(value) * g), 0, layer.trainable_params()
    )
    _, (dx, others) = gradient(x)
    return [layer(x).asnumpy(), dx.asnumpy(), *(one.asnumpy() for one in others)]


@every_form
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("activation", [None, "leaky_relu", "tanh"])
def test_it_is_mindspores_convolution_and_activation(form, kernel, activation):
    draw = np.random.default_rng(kernel)
    x, g = draw.standard_normal((2, 3, 5, 4)), draw.standard_normal((2, 6, 5, 4))
    weight, bias = draw.standard_normal((6, 3, kernel, kernel)), draw.standard_normal(6)
    with form():
        ours = Convolution(kernel, 3, 6, 5, 4, activation, 0.2)
    matrix = weight.transpose(2, 3, 1, 0).reshape(-1, 6)
    ours.weight.set_data(Tensor(matrix.astype(np.float32)))
    theirs = nn.Conv2d(
        3, 6, kernel, pad_mode="pad", padding=kernel // 2, has_bias=activation is not None
    )
    theirs.weight.set_data(Tensor(weight.astype(np.float32)))
    whole: nn.Cell = theirs
    if activation is not None:
        ours.bias.set_data(Tensor(bias.astype(np.float32)))
        theirs.bias.set_data(Tensor(bias.astype(np.float32)))
        after = {"leaky_relu": nn.LeakyReLU(0.2), "tanh": nn.Tanh()}[activation]
        whole = nn.SequentialCell(theirs, after)
    y, dx, dweight, *dbias = with_gradients(ours, last(x), last(g))
    plain = Tensor(x.astype(np.float32)), Tensor(g.astype(np.float32))
    expected, plain_dx, plain_dweight, *plain_dbias = with_gradients(whole, *plain)
    # MindSpore's tanh is off by up to 1e-4.
    near = {"atol": 5e-4 if activation == "tanh" else 2e-5}
    np.testing.assert_allclose(y.transpose(0, 3, 1, 2), expected, **near)
    np.testing.assert_allclose(dx.transpose(0, 3, 1, 2), plain_dx, **{"atol": 10 * near["atol"]})
    as_matrix = plain_dweight.transpose(2, 3, 1, 0).reshape(-1, 6)
    np.testing.assert_allclose(dweight, as_matrix, atol=10 * near["atol"])
    assert len(dbias) == len(plain_dbias) == (activation is not None)
    for one, other in zip(dbias, plain_dbias, strict=True):
        np.testing.assert_allclose(one, other, atol=10 * near["atol"])


@needs_kernels
@settings(deadline=None, max_examples=25)
@given(st.tuples(*[st.integers(1, 5)] * 4), st.integers(0, 99))
def test_the_kernel_cuts_the_patches_that_the_operators_cut(shape, seed):
    n, height, width, channels = shape
    draw = np.random.default_rng(seed)
    x = Tensor(draw.standard_normal(shape).astype(np.float32))
    size = (n * height * width, 9 * channels)
    g = Tensor(draw.standard_normal(size).astype(np.float32))
    compiled = Convolution(3, channels, 1, height, width).patches
    found, dx = with_gradients(compiled, x, g)
    expected, plain_dx = with_gradients(PlainPatches(), x, g)
    assert np.array_equal(found, expected)
    np.testing.assert_allclose(dx, plain_dx, atol=1e-5)


@needs_kernels
def test_the_number_of_cores_changes_no_bit():
    draw = np.random.default_rng(0)
    x = draw.standard_normal((16, 14, 14, 24)).astype(np.float32)
    columns = draw.standard_normal((16 * 14 * 14, 9 * 24)).astype(np.float32)
    check_cores_change_no_bit(KERNELS, "patches", [x], columns.shape)
    check_cores_change_no_bit(KERNELS, "from_patches", [columns], x.shape)


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_doubling_is_bilinear_interpolation(height, width, seed):
    x = np.random.default_rng(seed).standard_normal((2, 3, height, width)).astype(np.float32)
    expected = ops.interpolate(Tensor(x), size=(2 * height, 2 * width), mode="bilinear")
    np.testing.assert_allclose(
        first(Doubling(height, width)(last(x))), expected.asnumpy(), atol=1e-5
    )


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_halving_is_the_mean_of_four_pixels(height, width, seed):
    x = np.random.default_rng(seed).standard_normal((2, 3, 2 * height, 2 * width))
    expected = x.reshape(2, 3, height, 2, width, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(first(Halving(2 * height, 2 * width)(last(x))), expected, atol=1e-5)
