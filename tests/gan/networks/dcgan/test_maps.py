"""Each map against its definition, its adjoint and its gradient, and both ways to a convolution."""

from collections.abc import Callable
from dataclasses import dataclass

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.networks.dcgan import maps
from tests.helpers.training.kernel import (
    assert_same_bits,
    check_cores_change_no_bit,
    compiled,
    needs_kernels,
    pure,
)

# F(2, 2) along one axis: m = (B d) (G g), y = T m.
B = np.array([[1, -1, 0], [0, 1, 0], [0, 1, -1]])
G = np.array([[1, 0], [1, 1], [0, 1]])
T = np.array([[1, 1, 0], [0, 1, -1]])


def blocks(x: np.ndarray) -> np.ndarray:
    """(N, H, W, C), padded by one pixel, to 2x2 blocks (N, H/2 + 1, W/2 + 1, 4C)."""
    n, height, width, channels = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    parts = padded.reshape(n, height // 2 + 1, 2, width // 2 + 1, 2, channels)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // 2 + 1, width // 2 + 1, -1)


def cut(array: np.ndarray, size: int, step: int) -> np.ndarray:
    """Windows (size, size, N, rows, columns, C) of an array (N, height, width, C)."""
    windows = np.lib.stride_tricks.sliding_window_view(array, (size, size), (1, 2))
    return windows[:, ::step, ::step].transpose(4, 5, 0, 1, 2, 3)


@dataclass
class Map:
    """A map between arrays of two shapes, what it does to them, and the Cell that does it."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    definition: Callable[[np.ndarray], np.ndarray]
    cell: Callable[..., nn.Cell]
    kernels: tuple[str, str]


def columns(n: int, h: int, w: int, channels: int) -> Map:
    def definition(x):
        four = cut(blocks(x), 2, 1).transpose(2, 3, 4, 0, 1, 5)
        return four.reshape(n * h * w, 16 * channels)

    return Map(
        (n, 2 * h, 2 * w, channels),
        (n * h * w, 16 * channels),
        definition,
        lambda **adjoint: maps.Columns(h, w, channels, **adjoint),
        ("columns", "from_columns"),
    )


def tiles(n: int, h: int, w: int, channels: int) -> Map:
    def definition(x):
        values = np.einsum("uy,vx,yx...->uv...", B, B, cut(blocks(x), 3, 2))
        return values.reshape(9, n * h * w, 4 * channels)

    return Map(
        (n, 4 * h, 4 * w, channels),
        (9, n * h * w, 4 * channels),
        definition,
        lambda **adjoint: maps.Tiles(2 * h, 2 * w, channels, **adjoint),
        ("tiles", "from_tiles"),
    )


def join(n: int, h: int, w: int, channels: int) -> Map:
    def definition(m):
        products = m.reshape(3, 3, n, h, w, channels)
        positions = np.einsum("au,bv,uvnhwc->nhawbc", T, T, products)
        return positions.reshape(n, 2 * h, 2 * w, channels)

    return Map(
        (9, n * h * w, channels),
        (n, 2 * h, 2 * w, channels),
        definition,
        lambda **adjoint: maps.Join(2 * h, 2 * w, channels, **adjoint),
        ("join", "split"),
    )


def filters(n: int, h: int, w: int, channels: int) -> Map:
    outputs = n * h * w

    def definition(weight):
        four = weight.reshape(2, 2, 4 * channels, outputs)
        return np.einsum("ua,vb,abio->uvio", G, G, four).reshape(9, 4 * channels, outputs)

    return Map(
        (16 * channels, outputs),
        (9, 4 * channels, outputs),
        definition,
        lambda: maps.Filters(channels, outputs),
        ("filters", "from_filters"),
    )


every_map = pytest.mark.parametrize("make", [columns, tiles, join, filters])
every_cell = pytest.mark.parametrize(
    ("form", "make"),
    [
        pytest.param(pure, columns, id="pure-columns"),
        *(
            pytest.param(compiled, make, id=f"compiled-{make.__name__}", marks=needs_kernels)
            for make in (columns, tiles, join, filters)
        ),
    ],
)
sizes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
seeds = st.integers(0, 99)
# More channels than the kernels take at once, and enough bytes for a second thread.
LARGE = (5, 4, 6, 300)


def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def draw_whole(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Small whole numbers: their sums are exact, in any order."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


def run(function: Callable, *arrays: np.ndarray) -> np.ndarray:
    return function(*(Tensor(np.ascontiguousarray(array)) for array in arrays)).asnumpy()


def gradient(cell: nn.Cell, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """That of <cell(x), y> at x."""

    def product(value, weight):
        return ops.sum(cell(value) * weight)

    return run(ms.grad(product, 0), x, y)


def check_map(form: Callable, a_map: Map, seed: int) -> None:
    with form():
        cell = a_map.cell()
    assert (form is compiled) == any(isinstance(part, ops.Custom) for part in vars(cell).values())
    x, y = draw_whole(a_map.source, seed), draw_whole(a_map.target, seed + 1)
    forth, back = run(cell, x), gradient(cell, x, y)
    np.testing.assert_array_equal(forth, a_map.definition(x))
    assert back.shape == x.shape
    assert np.vdot(forth.astype(np.float64), y) == np.vdot(x.astype(np.float64), back)


@every_cell
@settings(deadline=None, max_examples=15)
@given(size=sizes, seed=seeds)
def test_maps_do_what_is_defined_and_their_gradients_are_their_adjoints(form, make, size, seed):
    check_map(form, make(*size), seed)


@every_cell
def test_maps_of_large_arrays_do_what_is_defined(form, make):
    check_map(form, make(*LARGE), 0)


@every_cell
@settings(deadline=None, max_examples=8)
@given(size=sizes, seed=seeds)
def test_cells_turned_round_are_adjoints(form, make, size, seed):
    if make is filters:
        return  # nothing needs it turned round
    a_map = make(*size)
    with form():
        cell, adjoint = a_map.cell(), a_map.cell(adjoint=True)
    x, y = draw(a_map.source, seed), draw(a_map.target, seed + 1)
    assert_same_bits(run(adjoint, y), gradient(cell, x, y))
    assert_same_bits(gradient(adjoint, y, x), run(cell, x))


@needs_kernels
@settings(deadline=None, max_examples=12)
@given(size=sizes, seed=seeds)
def test_compiled_and_pure_columns_agree_bit_for_bit(size, seed):
    a_map = columns(*size)
    x, y = draw(a_map.source, seed), draw(a_map.target, seed + 1)
    with pure():
        expected = a_map.cell()
    assert_same_bits(run(a_map.cell(), x), run(expected, x))
    assert_same_bits(gradient(a_map.cell(), x, y), gradient(expected, x, y))


@every_cell
def test_cells_work_in_a_compiled_graph(form, make):
    a_map = make(2, 1, 3, 3)
    with form():
        cell = a_map.cell()
    x, y = draw(a_map.source, 0), draw(a_map.target, 1)

    def product(value, weight):
        result = cell(value)
        return ops.sum(result * weight), result

    both = ms.jit(ms.value_and_grad(product, 0, has_aux=True))
    (_, result), dx = both(Tensor(x), Tensor(y))
    assert_same_bits(result.asnumpy(), run(cell, x))
    assert_same_bits(dx.asnumpy(), gradient(cell, x, y))


@every_cell
def test_cells_tell_arrays_of_one_shape_apart_by_their_own_sides(form, make):
    # MindSpore remembers a result's shape by the operator's name and attributes and its input.
    for size in ((4, 1, 1, 3), (1, 2, 2, 3)):
        a_map = make(*size)
        with form():
            cell = a_map.cell()
        x, y = draw(a_map.source, 0), draw(a_map.target, 1)
        assert run(cell, x).shape == y.shape
        assert gradient(cell, x, y).shape == x.shape


@needs_kernels
@settings(deadline=None, max_examples=25)
@given(size=sizes, outputs=st.integers(1, 5), seed=seeds)
def test_nine_products_are_the_convolution(size, outputs, seed):
    n, h, w, channels = size
    image = tiles(*size)
    x, weight = draw(image.source, seed), draw((16 * channels, outputs), seed + 1)
    expected = run(columns(n, 2 * h, 2 * w, channels).cell(), x) @ weight
    products = run(image.cell(), x) @ run(maps.Filters(channels, outputs), weight)
    result = run(join(n, h, w, outputs).cell(), products)
    np.testing.assert_allclose(result.reshape(-1, outputs), expected, atol=1e-4)


@needs_kernels
@every_map
def test_the_number_of_cores_changes_no_bit(make):
    a_map = make(*LARGE)
    forth, back = a_map.kernels
    check_cores_change_no_bit(maps.KERNELS, forth, [draw(a_map.source, 0)], a_map.target)
    check_cores_change_no_bit(maps.KERNELS, back, [draw(a_map.target, 1)], a_map.source)
