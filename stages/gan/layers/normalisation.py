"""Batch normalisation and the activation after it, in one compiled kernel instead of twenty.

With a C compiler, normalisation.c does the work of `layers.BatchNorm` and the activation, in the
same order and with the same bits (except for the sign of a zero). Without a C compiler those two
layers are used.
"""

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from stages.gan.layers import BatchNorm, PlainLeakyReLU, activation, kernels, rectifier_slopes

KERNELS = kernels.Library(Path(__file__).with_name("normalisation.c"))


def rectifier_options(name: str, slope: float, epsilon: float = 0.0) -> Tensor | None:
    """The kernels' options beside the arrays; None if they do not support the activation."""
    slopes = rectifier_slopes(name, slope)
    if slopes is None or KERNELS.path is None:
        return None
    return Tensor(np.array([*slopes, epsilon], np.float32))


class _Rectify(nn.Cell):
    """x above 0, s x below, of any shape."""

    def __init__(self, options: Tensor) -> None:
        super().__init__()
        self.options = options
        self.forth = KERNELS.kernel("rectify", lambda x, options: x)
        self.back = KERNELS.kernel("rectify_gradient", lambda dy, y, options: dy)

    def construct(self, x):
        return self.forth(x, self.options)

    def bprop(self, x, out, dout):
        return (self.back(dout, out, self.options),)

    def plain(self):
        """See `layers.make_twice_differentiable`."""
        return PlainLeakyReLU(float(self.options.asnumpy()[0]))


def rectifier(name: str, slope: float) -> nn.Cell:
    """The activation with a name, compiled if possible; see `layers.activation`."""
    options = rectifier_options(name, slope)
    return activation(name, slope) if options is None else _Rectify(options)


class AddAndRectify(nn.Cell):
    """leaky(x + bias) of x (N, features) and bias (features,)."""

    def __init__(self, options: Tensor) -> None:
        super().__init__()
        self.options = options
        self.forth = KERNELS.kernel("add_and_rectify", lambda x, bias, options: x)
        self.back = KERNELS.kernel(
            "add_and_rectify_gradient", lambda dy, y, options: (dy, (dy[1],)), outputs=2
        )

    def construct(self, x, bias):
        return self.forth(x, bias, self.options)

    def bprop(self, x, bias, out, dout):
        return self.back(dout, out, self.options)


class _NormaliseAndRectify(nn.Cell):
    """(rows, features) normalised by the batch's moments and rectified; see _NormaliseRows.

    Returns the result, mean and variance over the rows, and gamma / sqrt(variance + epsilon).
    The backward pass recomputes x - mean, which is cheaper than storing it.
    """

    def __init__(self, options: Tensor) -> None:
        super().__init__()
        self.options = options
        self.forth = KERNELS.kernel(
            "normalise", lambda x, gamma, beta, options: (x, gamma, gamma, gamma), 4
        )
        self.back = KERNELS.kernel(
            "normalise_gradient", lambda dy, y, x, mean, *_others: (x, mean, mean), 3
        )

    def construct(self, x, gamma, beta):
        return self.forth(x, gamma, beta, self.options)

    def bprop(self, x, gamma, beta, out, dout):
        y, mean, variance, factor = out
        return self.back(dout[0], y, x, mean, variance, factor, self.options)


class _Rescale(nn.Cell):
    """(rows, features) to v = (x - mean) factor + beta, then v above 0, s v below."""

    def __init__(self, options: Tensor) -> None:
        super().__init__()
        self.options = options
        self.forth = KERNELS.kernel("rescale", lambda x, *_others: x)
        self.back = KERNELS.kernel("rectify_gradient", lambda dy, y, options: dy)
        self.sum = ops.ReduceSum()

    def construct(self, x, mean, factor, beta):
        return self.forth(x, mean, factor, beta, self.options)

    def bprop(self, x, mean, factor, beta, out, dout):
        d = self.back(dout, out, self.options)
        dbeta = self.sum(d, 0)
        return d * factor, -dbeta * factor, self.sum(d * (x - mean), 0), dbeta


class NormalisedActivation(BatchNorm):
    """BatchNorm(features), then the named activation (`slope` is leaky_relu's)."""

    def __init__(self, features: int, activation_name: str, slope: float) -> None:
        super().__init__(features)
        self.activation = rectifier(activation_name, slope)
        options = rectifier_options(activation_name, slope, self.epsilon)
        self.fused = options is not None
        if self.fused:
            self.by_batch = _NormaliseAndRectify(options)
            self.by_running = _Rescale(options)
            self.move = KERNELS.kernel(
                "follow", lambda old_mean, old_variance, *_others: (old_mean, old_variance), 2
            )

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.fused = False

    def construct(self, x):
        if not self.fused:
            return self.activation(self.apply(x))
        rows = ops.reshape(x, (-1, self.features))
        if not self.training:
            factor = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
            y = self.by_running(rows, self.moving_mean, factor, self.beta)
            return ops.reshape(y, x.shape)
        out = self.by_batch(rows, self.gamma, self.beta)
        count = rows.shape[0]
        new = 1.0 - self.momentum
        weights = Tensor([self.momentum, new, new * count / (count - 1)], ms.float32)
        statistics = self.move(self.moving_mean, self.moving_variance, out[1], out[2], weights)
        ops.assign(self.moving_mean, ops.stop_gradient(statistics[0]))
        ops.assign(self.moving_variance, ops.stop_gradient(statistics[1]))
        return ops.reshape(out[0], x.shape)
