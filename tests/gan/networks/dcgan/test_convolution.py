"""Against the definition of a convolution, in float64 NumPy."""

import shutil
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.layers import Product
from stages.gan.networks.dcgan.convolution import (
    Convolution,
    Projection,
    TransposedConvolution,
    WholeImage,
    columns_to_conv,
    conv_to_columns,
)
from stages.gan.networks.dcgan.maps import KERNELS
from tests.helpers.processes import cores
from tests.helpers.project import ROOT
from tests.helpers.training.kernel import every_form, pure


def convolve(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """4x4, stride 2, padding 1: x (N, C, H, W), weight (O, C, 4, 4), by its definition."""
    n, _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((n, len(weight), height // 2, width // 2))
    for i in range(height // 2):
        for j in range(width // 2):
            patch = padded[:, :, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
            y[:, :, i, j] = np.einsum("ncij,ocij->no", patch, weight)
    return y


def transpose_convolve(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Its adjoint: x (N, C, h, w), weight (C, O, 4, 4), every pixel stamps a 4x4 patch."""
    n, _, height, width = x.shape
    padded = np.zeros((n, weight.shape[1], 2 * height + 2, 2 * width + 2))
    for i in range(height):
        for j in range(width):
            stamp = np.einsum("nc,coij->noij", x[:, :, i, j], weight)
            padded[:, :, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += stamp
    return padded[:, :, 1:-1, 1:-1]


# Images, channels of the larger image and of the smaller, height and width of the smaller.
by_columns = st.tuples(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)
)
even = st.sampled_from([2, 4])
by_tiles = st.tuples(st.integers(1, 2), st.integers(16, 18), st.integers(1, 3), even, even)
sizes = st.one_of(by_columns, by_tiles)


@settings(deadline=None, max_examples=20)
@given(sizes, st.integers(0, 99))
def test_convolution_and_its_gradients(size, seed):
    n, inputs, outputs, h, w = size
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, inputs, 2 * h, 2 * w))
    weight = draw.standard_normal((outputs, inputs, 4, 4))
    layer = Convolution(inputs, outputs, h, w)
    layer.weight.set_data(Tensor(conv_to_columns(weight.astype(np.float32))))
    channels_last = Tensor(np.ascontiguousarray(x.transpose(0, 2, 3, 1)).astype(np.float32))
    y = layer(channels_last).asnumpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, convolve(x, weight), atol=1e-4)

    # The gradient of <conv(x), g> is the transposed convolution of g.
    g = draw.standard_normal(y.shape)
    seen = Tensor(np.ascontiguousarray(g.transpose(0, 2, 3, 1)).astype(np.float32))
    gradient = ms.value_and_grad(lambda v: ops.sum(layer(v) * seen), 0, [layer.weight])
    _, (dx, (dweight,)) = gradient(channels_last)
    np.testing.assert_allclose(
        dx.asnumpy().transpose(0, 3, 1, 2), transpose_convolve(g, weight), atol=1e-4
    )
    # It is linear in the weight: <dweight, v> is <conv_v(x), g> for any v.
    v = draw.standard_normal(weight.shape)
    product = (columns_to_conv(dweight.asnumpy()) * v).sum()
    np.testing.assert_allclose(product, (convolve(x, v) * g).sum(), atol=2e-3)


@settings(deadline=None, max_examples=20)
@given(sizes, st.integers(0, 99))
def test_transposed_convolution_and_its_gradients(size, seed):
    n, outputs, inputs, h, w = size
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, inputs, h, w))
    weight = draw.standard_normal((inputs, outputs, 4, 4))
    layer = TransposedConvolution(inputs, outputs, h, w)
    layer.weight.set_data(Tensor(conv_to_columns(weight.astype(np.float32))))
    channels_last = Tensor(np.ascontiguousarray(x.transpose(0, 2, 3, 1)).astype(np.float32))
    y = layer(channels_last).asnumpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, transpose_convolve(x, weight), atol=1e-4)

    g = draw.standard_normal(y.shape)
    seen = Tensor(np.ascontiguousarray(g.transpose(0, 2, 3, 1)).astype(np.float32))
    gradient = ms.value_and_grad(lambda value: ops.sum(layer(value) * seen), 0, [layer.weight])
    _, (dx, (dweight,)) = gradient(channels_last)
    np.testing.assert_allclose(dx.asnumpy().transpose(0, 3, 1, 2), convolve(g, weight), atol=1e-4)
    v = draw.standard_normal(weight.shape)
    product = (columns_to_conv(dweight.asnumpy()) * v).sum()
    np.testing.assert_allclose(product, (transpose_convolve(x, v) * g).sum(), atol=2e-3)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_weights_convert_both_ways(outputs, inputs, seed):
    weight = np.random.default_rng(seed).standard_normal((outputs, inputs, 4, 4))
    assert (columns_to_conv(conv_to_columns(weight)) == weight).all()


@pytest.mark.parametrize(
    ("channels", "height", "width", "by_tiles"),
    [
        (16, 2, 4, True),
        (64, 8, 8, True),
        (15, 2, 4, False),
        (16, 3, 4, False),
        (16, 2, 5, False),
        (64, 1, 1, False),
    ],
)
def test_the_larger_images_channels_and_the_smaller_ones_sides_decide_the_way(
    channels, height, width, by_tiles
):
    by_tiles = by_tiles and KERNELS.path is not None
    assert Convolution(channels, 3, height, width).by_tiles == by_tiles
    assert TransposedConvolution(3, channels, height, width).by_tiles == by_tiles
    with pure():
        assert not Convolution(channels, 3, height, width).by_tiles
        assert not TransposedConvolution(3, channels, height, width).by_tiles


@every_form
@pytest.mark.parametrize(("larger", "smaller", "h", "w"), [(3, 5, 3, 2), (18, 4, 2, 4)])
def test_mindspores_own_convolutions_have_the_same_weights(form, larger, smaller, h, w):
    geometry = {"kernel_size": 4, "stride": 2, "pad_mode": "pad", "padding": 1, "has_bias": False}
    draw = np.random.default_rng(0)
    small = draw.standard_normal((2, h, w, smaller)).astype(np.float32)
    large = draw.standard_normal((2, 2 * h, 2 * w, larger)).astype(np.float32)
    with form():
        down = Convolution(larger, smaller, h, w)
        up = TransposedConvolution(smaller, larger, h, w)
    for ours, theirs, x in (
        (down, nn.Conv2d(larger, smaller, **geometry), large),
        (up, nn.Conv2dTranspose(smaller, larger, **geometry), small),
    ):
        # theirs to ours, and drawn anew, ours to theirs
        ours.weight.set_data(Tensor(conv_to_columns(theirs.weight.asnumpy())))
        check_same(ours, theirs, x)
        weight = draw.standard_normal(ours.weight.shape).astype(np.float32)
        ours.weight.set_data(Tensor(weight))
        theirs.weight.set_data(Tensor(columns_to_conv(weight)))
        check_same(ours, theirs, x)


def check_same(ours: nn.Cell, theirs: nn.Cell, x: np.ndarray) -> None:
    expected = theirs(Tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).asnumpy()
    np.testing.assert_allclose(ours(Tensor(x)).asnumpy().transpose(0, 3, 1, 2), expected, atol=1e-4)


@pytest.mark.parametrize("channels", [3, 16])
def test_layers_tell_arrays_of_one_shape_apart_by_their_own_sides(channels):
    # 4 images of 2 x 2 positions and 1 of 4 x 4 are arrays of one shape inside the layers.
    draw = np.random.default_rng(0)
    weight = draw.standard_normal((channels, channels, 4, 4)).astype(np.float32)
    for n, side in ((4, 2), (1, 4)):
        for kind, definition, factor in (
            (Convolution, convolve, 2),
            (TransposedConvolution, transpose_convolve, 1),
        ):
            layer = kind(channels, channels, side, side)
            layer.weight.set_data(Tensor(conv_to_columns(weight)))
            x = draw.standard_normal((n, channels, factor * side, factor * side))
            channels_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).astype(np.float32)
            y = layer(Tensor(channels_last)).asnumpy().transpose(0, 3, 1, 2)
            np.testing.assert_allclose(y, definition(x, weight), atol=1e-4)


def test_projection_and_whole_image_are_matrix_products():
    draw = np.random.default_rng(0)
    z = draw.standard_normal((5, 7)).astype(np.float32)
    projection = Projection(7, 3, 4)
    matrix = draw.standard_normal(projection.weight.shape).astype(np.float32)
    projection.weight.set_data(Tensor(matrix))
    y = projection(Tensor(z)).asnumpy()
    np.testing.assert_allclose(y, (z @ matrix).reshape(5, 4, 4, 3), atol=1e-5)
    last = WholeImage(3, 4)
    row = draw.standard_normal(last.weight.shape).astype(np.float32)
    last.weight.set_data(Tensor(row))
    np.testing.assert_allclose(last(Tensor(y)).asnumpy(), y.reshape(5, -1) @ row.T, atol=1e-4)


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("rows", [1, 511, 512, 1024, 784, 3136])
def test_a_product_in_pieces_and_its_gradients_are_those_of_the_whole(rows, transpose_b):
    draw = np.random.default_rng(rows)
    x, weight, seen = (
        draw.normal(size=size).astype(np.float32) for size in ((rows, 3), (3, 2), (rows, 2))
    )
    given = weight.T if transpose_b else weight
    product = Product(transpose_b)

    def value(x, weight):
        return (product(x, weight) * Tensor(seen)).sum()

    tensors = Tensor(x), Tensor(np.ascontiguousarray(given))
    np.testing.assert_allclose(product(*tensors).asnumpy(), x @ weight, rtol=1e-4, atol=1e-5)
    by_x, by_weight = (gradient.asnumpy() for gradient in ms.grad(value, (0, 1))(*tensors))
    np.testing.assert_allclose(by_x, seen @ weight.T, rtol=1e-4, atol=1e-5)
    expected = seen.T @ x if transpose_b else x.T @ seen
    np.testing.assert_allclose(by_weight, expected, rtol=1e-3, atol=1e-4)


# The layers of the shipped DCGAN whose weights are small and whose rows are many.
GRADIENTS = """
import hashlib
import mindspore as ms, numpy as np
from mindspore import Tensor
from stages.gan.networks.dcgan.convolution import Convolution, TransposedConvolution
draw = np.random.default_rng(0)
for layer, shape in (
    (Convolution(3, 64, 32, 32), (64, 64, 64, 3)),
    (TransposedConvolution(64, 3, 32, 32), (64, 32, 32, 64)),
):
    weight = draw.normal(0, 0.02, layer.weight.shape).astype(np.float32)
    layer.weight.set_data(Tensor(weight))
    x = Tensor(draw.normal(size=shape).astype(np.float32))

    def value(x):
        y = layer(x)
        return (y * y).sum()

    by_x, (by_weight,) = ms.grad(value, 0, [layer.weight])(x)
    for gradient in (by_x, by_weight):
        print(hashlib.sha256(gradient.asnumpy()).hexdigest())
"""


@pytest.mark.skipif(
    shutil.which("taskset") is None or len(cores.AVAILABLE) < 2, reason="needs two cores"
)
def test_gradients_are_the_same_to_the_bit_on_one_core_and_on_all():
    lists = [",".join(map(str, cores.AVAILABLE)), str(min(cores.AVAILABLE))]
    outputs = [
        subprocess.run(
            ["taskset", "-c", some, sys.executable, "-c", GRADIENTS],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout
        for some in lists
    ]  # fmt: skip
    assert len(outputs[0].split()) == 4
    assert outputs[0] == outputs[1]
