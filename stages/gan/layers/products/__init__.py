"""Products of matrices: compiled kernels of our own, or MindSpore's operators without them.

MindSpore shares a product between two cores at 115 to 190 GFLOPS (Intel Xeon with AVX-512, 2
cores, the shapes of the shipped networks). The kernels of products.c reach that on one core. The
gradients of a product are products too, so they use the same kernels.

All arrays are float32. NaN and infinity go through as the definition has it. The bits of a result
depend on the sizes and on the processor, not on the number of cores. They differ in the last places
from MindSpore's.
"""

from pathlib import Path

from mindspore import nn, ops

from stages.gan.layers.kernels import Library

# With contraction: a product and a sum are one instruction, rounded once, and twice as fast.
KERNELS = Library(Path(__file__).with_name("products.c"), "-ffp-contract=fast")

_NAMES = {
    (False, False): "product",
    (False, True): "product_right",
    (True, False): "product_left",
    (True, True): "product_both",
}
# Rows of a piece of MindSpore's product. On one core and on two it adds so many alike.
_PIECE = 512


def stacks(transpose_a: bool = False, transpose_b: bool = False) -> nn.Cell:
    """The product of two stacks of equally many matrices, as ops.BatchMatMul."""
    if KERNELS.path is None:
        return ops.BatchMatMul(transpose_a, transpose_b)
    return _Stacks(transpose_a, transpose_b)


class _Stacks(nn.Cell):
    """C = A B for each pair (m, k), (k, n) of two stacks; a transposed side lies the other way."""

    def __init__(self, transpose_a: bool, transpose_b: bool) -> None:
        super().__init__()
        self.turned = transpose_a, transpose_b
        self.forth = self._kernel(transpose_a, transpose_b)
        # dA is dC B', or its transpose B dC'; dB is A' dC, or its transpose dC' A.
        self.by_a = (
            self._kernel(transpose_b, True)
            if transpose_a
            else (self._kernel(False, not transpose_b))
        )
        self.by_b = (
            self._kernel(True, transpose_a)
            if transpose_b
            else (self._kernel(not transpose_a, False))
        )

    @staticmethod
    def _kernel(left: bool, right: bool):
        rows, columns = 2 if left else 1, 1 if right else 2
        return KERNELS.kernel(_NAMES[left, right], lambda a, b: (a[0], a[rows], b[columns]))

    def construct(self, a, b):
        return self.forth(a, b)

    def bprop(self, a, b, out, dout):
        da = self.by_a(b, dout) if self.turned[0] else self.by_a(dout, b)
        db = self.by_b(dout, a) if self.turned[1] else self.by_b(a, dout)
        return da, db

    def plain(self):
        """See `layers.make_twice_differentiable`."""
        return ops.BatchMatMul(*self.turned)


@ops.constexpr
def _pieces(rows):
    """The number of equally long pieces, of at least _PIECE rows, into which rows are cut."""
    return next(rows // size for size in range(min(_PIECE, rows), rows + 1) if rows % size == 0)


class PlainProduct(nn.Cell):
    """`Product` by MindSpore's operators.

    The gradient of the weight is a sum over all rows. With many rows and a small weight,
    MindSpore's product divides the rows among its threads, and the rounding depends on the number
    of threads. Here each piece of the rows is multiplied separately, so autodiff sums within the
    pieces first, and their bounds are always the same. A piece has 512 rows, or the next number
    that divides the rows; for a prime number of rows nothing is guaranteed.
    """

    def __init__(self, transpose_b: bool = False) -> None:
        super().__init__()
        self.product = ops.BatchMatMul(transpose_b=transpose_b)

    def construct(self, x, weight):
        pieces = _pieces(x.shape[0])
        weights = ops.broadcast_to(weight, (pieces, *weight.shape))
        by_piece = self.product(ops.reshape(x, (pieces, -1, x.shape[1])), weights)
        return ops.reshape(by_piece, (x.shape[0], -1))


class _FlatProduct(nn.Cell):
    """x (rows, inputs) times a flat weight of inputs x outputs numbers, or outputs x inputs."""

    def __init__(self, transpose_b: bool) -> None:
        super().__init__()
        self.transpose_b = transpose_b
        self.forth = KERNELS.kernel(
            _NAMES[False, transpose_b], lambda x, weight: (x[0], weight[0] // x[1])
        )
        self.by_x = KERNELS.kernel(
            _NAMES[False, not transpose_b], lambda dy, weight: (dy[0], weight[0] // dy[1])
        )
        self.by_weight = KERNELS.kernel(_NAMES[True, False], lambda a, b: (a[1] * b[1],))

    def construct(self, x, weight):
        return self.forth(x, weight)

    def bprop(self, x, weight, out, dout):
        dweight = self.by_weight(dout, x) if self.transpose_b else self.by_weight(x, dout)
        return self.by_x(dout, weight), dweight


class Product(nn.Cell):
    """The product of (rows, inputs) and a weight (inputs, outputs); (outputs, inputs) transposed.

    Its gradients have the same bits on any number of cores.
    """

    def __init__(self, transpose_b: bool = False) -> None:
        super().__init__()
        self.transpose_b = transpose_b
        compiled = KERNELS.path is not None
        self.product = _FlatProduct(transpose_b) if compiled else PlainProduct(transpose_b)
        self.flat = compiled

    def construct(self, x, weight):
        if self.flat:
            # A parameter that is given as it is would be copied first.
            return self.product(x, ops.reshape(weight, (-1,)))
        return self.product(x, weight)

    def plain(self):
        """See `layers.make_twice_differentiable`."""
        return PlainProduct(self.transpose_b)
