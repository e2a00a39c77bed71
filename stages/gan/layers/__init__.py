"""Layers that compute the same as MindSpore's own, but faster on its CPU kernels.

Each has the parameters and running statistics of MindSpore's layer, so each can replace the
other.
"""

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.ops.auto_generate import ReluGrad

from stages.gan.layers import waiting

# Whatever computes with these layers waits so: stages, tools, tests, benchmarks.
waiting.install()


class _PlainNormaliseRows(nn.Cell):
    """Batch normalisation of (rows, features) over its rows.

    ReduceSum is used, because ReduceMean is slow on a CPU.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.sum = ops.ReduceSum(True)

    def construct(self, x, gamma, beta):
        scale = 1.0 / x.shape[0]
        mean = self.sum(x, 0) * scale
        centred = x - mean
        variance = self.sum(centred * centred, 0) * scale
        inverse = ops.rsqrt(variance + self.epsilon)
        factor = inverse * gamma
        return centred * factor + beta, centred, inverse, factor, mean, variance


class _NormaliseRows(_PlainNormaliseRows):
    """`_PlainNormaliseRows` with its own backward pass.

    It needs two sums and three passes over the data; MindSpore's automatic differentiation needs
    a dozen. (Ioffe and Szegedy 2015, the gradient equations of section 3.)
    """

    def plain(self):
        """See `make_twice_differentiable`."""
        return _PlainNormaliseRows(self.epsilon)

    def bprop(self, x, gamma, beta, out, dout):
        scale = 1.0 / x.shape[0]
        dy = dout[0]
        centred = out[1]
        inverse = out[2]
        factor = out[3]
        dbeta = self.sum(dy, 0)
        dgamma = self.sum(dy * centred, 0) * inverse
        dx = (dy - (centred * (dgamma * inverse * scale) + dbeta * scale)) * factor
        return dx, ops.reshape(dgamma, gamma.shape), ops.reshape(dbeta, beta.shape)


class BatchNorm(nn.Cell):
    """Batch normalisation over all axes but the last, as nn.BatchNorm1d does for (N, C).

    Parameters
    ----------
    features : int
        Size of the last axis.
    momentum : float
        Weight of the old running statistic, 0 to 1.
    epsilon : float
        Added to the variance, > 0.

    Takes and returns float32 of shape (..., features). In training mode it normalises by the
    batch's mean and (biased) variance, and updates the running statistics, with the unbiased
    variance, as nn.BatchNorm does. In evaluation mode it uses the running statistics.
    """

    def __init__(self, features: int, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.features = features
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma = Parameter(ops.ones(features, ms.float32), name="gamma")
        self.beta = Parameter(ops.zeros(features, ms.float32), name="beta")
        self.moving_mean = Parameter(
            ops.zeros(features, ms.float32), name="moving_mean", requires_grad=False
        )
        self.moving_variance = Parameter(
            ops.ones(features, ms.float32), name="moving_variance", requires_grad=False
        )
        self.normalise = _NormaliseRows(epsilon)
        self.ranks = 1  # each with equally many rows of a batch; see `synchronised`

    def construct(self, x):
        return self.apply(x)

    def apply(self, x):
        """The work of `construct`, for layers that override `construct` to add something."""
        shape = x.shape
        rows = ops.reshape(x, (-1, self.features))
        if not self.training:
            factor = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
            return ops.reshape((rows - self.moving_mean) * factor + self.beta, shape)
        out = self.normalise(rows, self.gamma, self.beta)
        count = rows.shape[0] * self.ranks
        self.follow(ops.reshape(out[4], (-1,)), ops.reshape(out[5], (-1,)), count)
        return ops.reshape(out[0], shape)

    def follow(self, mean, variance, count):
        """Move the running statistics towards those of a batch of `count` rows."""
        mean = ops.stop_gradient(mean)
        variance = ops.stop_gradient(variance)
        old = self.momentum
        new = 1.0 - self.momentum
        ops.assign(self.moving_mean, self.moving_mean * old + mean * new)
        ops.assign(
            self.moving_variance,
            self.moving_variance * old + variance * (new * count / (count - 1)),
        )


class PlainLeakyReLU(nn.Cell):
    """max(x, slope * x) for a slope from 0 to 1."""

    def __init__(self, slope: float = 0.2) -> None:
        super().__init__()
        self.slope = slope

    def construct(self, x):
        return ops.maximum(x, x * self.slope)


class LeakyReLU(PlainLeakyReLU):
    """`PlainLeakyReLU` with its own backward pass: two kernels forward and three back."""

    def __init__(self, slope: float = 0.2) -> None:
        super().__init__(slope)
        self.relu_gradient = ReluGrad()

    def bprop(self, x, out, dout):
        rest = self.relu_gradient(dout * (1.0 - self.slope), out)
        return (dout * self.slope + rest,)

    def plain(self):
        """See `make_twice_differentiable`."""
        return PlainLeakyReLU(self.slope)


class _PlainELU(nn.Cell):
    """x above 0, exp(x) - 1 below. It replaces nn.ELU, whose gradient has no derivative.

    MindSpore's maximum of NaN and a number is the number; x * 0 keeps NaN.
    """

    def construct(self, x):
        zero = x * 0.0
        return ops.maximum(x, zero) + ops.exp(ops.minimum(x, zero)) - 1.0


class Tanh(nn.Cell):
    """tanh x = 2 sigmoid(2 x) - 1, exact to 2e-6; its gradient too.

    MindSpore's own operator has errors up to 1e-4 on a CPU, and beyond 5 its gradient is 0. More
    than half of a trained generator's pixels are there, and then learn no more. Three seeds could
    not show whether digits get worse by it (see docs/samples.md).
    """

    def construct(self, x):
        return ops.sigmoid(x + x) * 2.0 - 1.0


# Rows of a piece of a product. A sum over so many has the same bits on two cores as on one.
_PIECE = 512


@ops.constexpr
def _pieces(rows):
    """The number of equally long pieces, of at least _PIECE rows, into which rows are cut."""
    return next(rows // size for size in range(min(_PIECE, rows), rows + 1) if rows % size == 0)


class Product(nn.Cell):
    """The product of (rows, inputs) and (inputs, outputs), whose gradients repeat.

    The gradient of the weight is a sum over all rows. With many rows and a small weight,
    MindSpore's product divides the rows among its threads, and the rounding depends on the number
    of threads. Here each piece of the rows is multiplied separately, so autodiff sums within the
    pieces first, and their bounds are always the same. A piece has 512 rows, or the next number
    that divides the rows; for a prime number of rows nothing is guaranteed.

    With `transpose_b` the weight has the shape (outputs, inputs).
    """

    def __init__(self, transpose_b: bool = False) -> None:
        super().__init__()
        self.product = ops.BatchMatMul(transpose_b=transpose_b)

    def construct(self, x, weight):
        pieces = _pieces(x.shape[0])
        weights = ops.broadcast_to(weight, (pieces, *weight.shape))
        by_piece = self.product(ops.reshape(x, (pieces, -1, x.shape[1])), weights)
        return ops.reshape(by_piece, (x.shape[0], -1))


def activation(name: str, slope: float) -> nn.Cell:
    """The activation layer with a name; `slope` is leaky_relu's.

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    layers = {
        "relu": lambda: LeakyReLU(0.0),  # nn.ReLU makes 0 of NaN, which nobody would notice
        "leaky_relu": lambda: LeakyReLU(slope),
        "elu": nn.ELU,
        "tanh": Tanh,
        "sigmoid": nn.Sigmoid,
        "none": nn.Identity,
    }
    if name not in layers:
        raise ValueError(f"activation {name!r}: choose one of {', '.join(layers)}")
    return layers[name]()


def rectifier_slopes(name: str, slope: float) -> tuple[float, float] | None:
    """(s, 1 - s) of an activation that is x above 0 and s x below, or None of any other."""
    below = {"relu": 0.0, "leaky_relu": slope, "none": 1.0}.get(name)
    return None if below is None else (below, 1.0 - below)


def make_twice_differentiable(network: nn.Cell) -> None:
    """Replace every layer whose gradient has no derivative by plain operators.

    MindSpore cannot differentiate a Cell's own backward pass, nor a compiled kernel. A layer
    without parameters gives its replacement by `plain()`; a layer with parameters changes itself
    in `use_plain_operators()`. The network computes the same, but more slowly. Call it before the
    network is first used in a jitted function.
    """
    for _, cell in list(network.cells_and_names()):
        if hasattr(cell, "use_plain_operators"):
            cell.use_plain_operators()
        for name, child in list(cell.name_cells().items()):
            if hasattr(child, "plain"):
                other = child.plain()
            elif isinstance(child, nn.ELU):
                other = _PlainELU()
            else:
                continue
            if isinstance(cell, nn.SequentialCell):
                cell[int(name)] = other
            else:
                setattr(cell, name, other)
