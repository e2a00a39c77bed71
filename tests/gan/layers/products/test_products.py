"""Products of matrices against NumPy's in float64, and their bits on one core and on all."""

import ctypes
import os
import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn, ops

from stages.gan.layers import kernels, make_twice_differentiable
from stages.gan.layers.products import _NAMES, KERNELS, Product, stacks
from tests.helpers.training.kernel import (
    assert_same_bits,
    call,
    check_cores_change_no_bit,
    every_form,
    needs_kernels,
    pure,
)

# Sizes around those of a tile, of a vector, and of a block of the sum.
size = st.one_of(st.integers(1, 70), st.sampled_from([127, 128, 129, 528, 529]))
depth = st.one_of(size, st.sampled_from([511, 512, 513, 1025]))
sides = st.tuples(st.booleans(), st.booleans())


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def turned(array: np.ndarray, side: bool) -> np.ndarray:
    return np.ascontiguousarray(np.swapaxes(array, -1, -2)) if side else array


def check_near(found: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """Each number of a b: rounding errors are bounded by the sum of the terms' sizes."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    assert found.shape == (a @ b).shape
    # In blocks, so fewer than k roundings in a row; half a unit in the last place each.
    bound = (a.shape[-1] + 2) * 2.0**-24 * (np.abs(a) @ np.abs(b))
    assert (np.abs(found - a @ b) <= bound).all()


@needs_kernels
@settings(deadline=None, max_examples=60)
@given(sides, st.integers(1, 3), size, size, depth, st.integers(0, 99))
def test_products_of_any_size(sides, count, m, n, k, seed):
    a, b = draw(count, m, k, seed=seed), draw(count, k, n, seed=seed + 1)
    given = [turned(a, sides[0]), turned(b, sides[1])]
    (found,) = call(KERNELS, _NAMES[sides], given, (count, m, n))
    check_near(found, a, b)
    (alone,) = call(KERNELS, _NAMES[sides], [one[0] for one in given], (m, n))
    assert_same_bits(alone, call(KERNELS, _NAMES[sides], [g[:1] for g in given], (1, m, n))[0][0])


# Stacks; results of many strips by rows, by columns; small ones that are long sums.
LARGE = [
    (9, 256, 128, 64),
    (1, 700, 90, 300),
    (1, 128, 1024, 784),
    (1, 48, 64, 9000),
    (3, 9, 5, 4099),
]


@needs_kernels
@pytest.mark.parametrize("sides", list(_NAMES))
@pytest.mark.parametrize("sizes", LARGE)
def test_the_number_of_cores_changes_no_bit(sides, sizes):
    count, m, n, k = sizes
    a, b = draw(count, m, k), draw(count, k, n, seed=1)
    given = [turned(a, sides[0]), turned(b, sides[1])]
    check_cores_change_no_bit(KERNELS, _NAMES[sides], given, (count, m, n))
    check_near(call(KERNELS, _NAMES[sides], given, (count, m, n))[0], a, b)


@needs_kernels
@pytest.mark.parametrize("sides", list(_NAMES))
@pytest.mark.parametrize("sizes", [(7, 50, 9), (17, 100, 600), (4, 4, 5000)])
def test_nan_and_infinity_go_through(sides, sizes):
    m, n, k = sizes
    a, b = draw(m, k), draw(k, n, seed=1)
    a[1, k // 2] = np.nan
    a[2, k - 1], b[0, 3] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        expected = a.astype(np.float64) @ b.astype(np.float64)
    given = [turned(a, sides[0]), turned(b, sides[1])]
    (found,) = call(KERNELS, _NAMES[sides], given, (m, n))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite].astype(np.float32))
    np.testing.assert_allclose(found[finite], expected[finite], atol=1e-3)


def at_the_end(array: np.ndarray) -> np.ndarray:
    """A copy that ends where memory may no longer be read or written: doing so ends the process."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    page = 1 << 16  # at least a page of any processor
    room = -(-array.nbytes // page) * page
    start = libc.mmap(None, room + page, 3, 0x22, -1, 0)  # to read and write; private, of no file
    assert libc.mprotect(start + room, page, 0) == 0
    place = (ctypes.c_float * array.size).from_address(start + room - array.nbytes)
    copy = np.frombuffer(place, np.float32).reshape(array.shape)
    copy[:] = array
    return copy


@needs_kernels
@pytest.mark.skipif(platform.system() != "Linux", reason="it asks Linux for memory")
@pytest.mark.parametrize("sides", list(_NAMES))
@pytest.mark.parametrize("sizes", [(1, 1, 1), (9, 49, 17), (13, 50, 513), (3, 5, 4097)])
def test_nothing_outside_of_the_arrays_is_read(sides, sizes):
    m, n, k = sizes
    a, b = draw(m, k), draw(k, n, seed=1)
    given = [at_the_end(turned(a, sides[0])), at_the_end(turned(b, sides[1]))]
    check_near(call(KERNELS, _NAMES[sides], given, (m, n))[0], a, b)


def weight_gradient() -> bytes:
    """The bits of a product that is large enough for two threads."""
    return call(KERNELS, "product_left", [draw(128, 300), draw(128, 500, seed=1)], (300, 500))[
        0
    ].tobytes()


@needs_kernels
def test_callers_at_once_get_the_same_bits():
    expected = weight_gradient()
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: weight_gradient(), range(200)))
    assert set(found) == {expected}


@needs_kernels
@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_a_forked_process_has_a_second_thread_of_its_own():
    expected = weight_gradient()
    child = os.fork()
    if child == 0:
        same = False
        try:
            same = all(weight_gradient() == expected for _ in range(20))
        finally:
            os._exit(0 if same else 1)
    assert weight_gradient() == expected
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Other:
    """The kernels compiled for another processor."""

    def __init__(self, path: Path) -> None:
        self.path = path


@needs_kernels
@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags of x86-64")
@pytest.mark.parametrize("processor", ["x86-64", "sandybridge", "haswell"])
def test_other_processors_have_other_tiles(processor, tmp_path):
    flags = [f"-march={processor}" if flag == "-march=native" else flag for flag in kernels._FLAGS]
    made = tmp_path / "products.so"
    command = ["cc", *flags, *KERNELS.more, f"-I{kernels.HEADER.parent}", "-o", str(made)]
    subprocess.run([*command, str(KERNELS.source), "-lm"], check=True)
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if processor != "x86-64" and not {"avx2", "fma"} <= set(flags.split()):
        pytest.skip("this processor cannot run it")
    for sides in _NAMES:
        for m, n, k in ((1, 1, 1), (6, 16, 8), (13, 37, 21), (100, 90, 600)):
            a, b = draw(m, k), draw(k, n, seed=1)
            given = [turned(a, sides[0]), turned(b, sides[1])]
            check_near(call(Other(made), _NAMES[sides], given, (m, n))[0], a, b)


@every_form
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("sides", list(_NAMES))
def test_gradients_of_stacks(form, jit, sides):
    a, b, seen = draw(3, 7, 20), draw(3, 20, 9, seed=1), draw(3, 7, 9, seed=2)
    with form():
        product = stacks(*sides)

    def value(a, b):
        c = product(a, b)
        return ops.sum(c * Tensor(seen)), c

    gradient = ms.value_and_grad(value, (0, 1), has_aux=True)
    given = [Tensor(turned(a, sides[0])), Tensor(turned(b, sides[1]))]
    (_, c), (da, db) = (ms.jit(gradient) if jit else gradient)(*given)
    np.testing.assert_allclose(c.asnumpy(), a @ b, atol=1e-4)
    by_a, by_b = seen @ b.swapaxes(1, 2), a.swapaxes(1, 2) @ seen
    np.testing.assert_allclose(da.asnumpy(), turned(by_a, sides[0]), atol=1e-4)
    np.testing.assert_allclose(db.asnumpy(), turned(by_b, sides[1]), atol=1e-4)


@every_form
@settings(deadline=None, max_examples=10)
@given(st.booleans(), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_gradients_of_a_product(form, transpose_b, rows, inputs, outputs):
    x, weight, seen = draw(rows, inputs), draw(inputs, outputs, seed=1), draw(rows, outputs, seed=2)
    with form():
        product = Product(transpose_b)
    given = Tensor(x), Tensor(turned(weight, transpose_b))

    def value(x, weight):
        y = product(x, weight)
        return ops.sum(y * Tensor(seen)), y

    (_, y), (dx, dweight) = ms.value_and_grad(value, (0, 1), has_aux=True)(*given)
    np.testing.assert_allclose(y.asnumpy(), x @ weight, atol=1e-4)
    np.testing.assert_allclose(dx.asnumpy(), seen @ weight.T, atol=1e-4)
    np.testing.assert_allclose(dweight.asnumpy(), turned(x.T @ seen, transpose_b), atol=1e-4)


class Squares(nn.Cell):
    """A network whose output is of degree two in x, so that its gradient has a gradient."""

    def __init__(self, transpose_b: bool) -> None:
        super().__init__()
        self.product = Product(transpose_b)
        self.pairs = stacks(False, transpose_b)

    def construct(self, x, weight):
        y = self.product(x, weight)
        z = self.pairs(ops.reshape(x, (1, *x.shape)), ops.reshape(weight, (1, *weight.shape)))
        return ops.sum(y * y * 0.5) + ops.sum(z * z * 0.5)


@pytest.mark.parametrize("transpose_b", [False, True])
def test_plain_products_are_twice_differentiable(transpose_b):
    x, weight = draw(3, 4), draw(4, 2, seed=1)
    network = Squares(transpose_b)
    make_twice_differentiable(network)

    def length(x, weight):
        slope = ms.grad(network)(x, weight)
        return ops.sum(slope * slope)

    found = ms.jit(ms.grad(length))(Tensor(x), Tensor(turned(weight, transpose_b)))
    square = weight @ weight.T  # the gradient is 2 x square, its squared length 4 |x square|^2
    np.testing.assert_allclose(found.asnumpy(), 8 * x @ square @ square, rtol=1e-4, atol=1e-3)


def test_without_kernels_products_are_mindspores():
    with pure():
        assert isinstance(stacks(), ops.BatchMatMul)
        product = Product()
    x, weight = Tensor(draw(5, 3)), Tensor(draw(3, 2, seed=1))
    assert_same_bits(product(x, weight).asnumpy(), ops.MatMul()(x, weight).asnumpy())
