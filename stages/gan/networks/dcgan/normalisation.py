"""Batch normalisation and the rectifier after it, in four passes over memory instead of twenty.

Where a C compiler is at hand, kernels.c does what BatchNorm and the rectifier of layers.py do,
in the same order and to the same bits (but for the sign of a zero); elsewhere those two do it
themselves.
"""

import numpy as np
from mindspore import Tensor, nn, ops

from stages.gan.layers import BatchNorm, PlainLeakyReLU, activation
from stages.gan.networks.dcgan import native


def _slopes(name: str, slope: float) -> Tensor | None:
    """(s, 1 - s) of an activation that is x above 0 and s x below, or None of any other."""
    below = {"relu": 0.0, "leaky_relu": slope, "none": 1.0}.get(name)
    return None if below is None else Tensor(np.array([below, 1.0 - below], np.float32))


class _Rectify(nn.Cell):
    """x above 0, s x below, of any shape."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = slopes
        self.forth = native.kernel("rectify", lambda x, slopes: x)
        self.back = native.kernel("rectify_gradient", lambda dy, y, slopes: dy)

    def construct(self, x):
        return self.forth(x, self.slopes)

    def bprop(self, x, out, dout):
        return (self.back(dout, out, self.slopes),)

    def plain(self):
        """See `layers.make_twice_differentiable`."""
        return PlainLeakyReLU(float(self.slopes.asnumpy()[0]))


def rectifier(name: str, slope: float) -> nn.Cell:
    """The activation of that name, compiled if it can be; see `layers.activation`."""
    slopes = _slopes(name, slope)
    if slopes is None or native.library() is None:
        return activation(name, slope)
    return _Rectify(slopes)


class _Rescale(nn.Cell):
    """(rows, features) to v = (x - mean) factor + beta, then v above 0, s v below."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = slopes
        self.forth = native.kernel("normalise", lambda x, *_others: x)
        self.back = native.kernel("rectify_gradient", lambda dy, y, slopes: dy)
        self.sums = native.kernel("gradient_sums", lambda dy, *_others: (2, dy[1]))

    def construct(self, x, mean, factor, beta):
        return self.forth(x, mean, factor, beta, self.slopes)

    def bprop(self, x, mean, factor, beta, out, dout):
        sums = self.sums(dout, out, x, mean, self.slopes)
        dbeta = sums[0]
        return self.back(dout, out, self.slopes) * factor, -dbeta * factor, sums[1], dbeta


class _NormaliseAndRectify(nn.Cell):
    """(rows, features) normalised by the batch's moments and rectified; see _NormaliseRows.

    Returns the result, then mean and variance over the rows, then what the backward pass
    needs. That one recomputes x - mean, which is cheaper than to keep it.
    """

    def __init__(self, slopes: Tensor, epsilon: float) -> None:
        super().__init__()
        self.slopes = slopes
        self.epsilon = epsilon
        self.moments = native.kernel("moments", lambda x: (2, x[1]))
        self.normalise = native.kernel("normalise", lambda x, *_others: x)
        self.sums = native.kernel("gradient_sums", lambda dy, *_others: (2, dy[1]))
        self.gradient = native.kernel("gradient", lambda dy, *_others: dy)

    def construct(self, x, gamma, beta):
        moments = self.moments(x)
        mean = moments[0]
        variance = moments[1]
        inverse = ops.rsqrt(variance + self.epsilon)
        factor = inverse * gamma
        y = self.normalise(x, mean, factor, beta, self.slopes)
        return y, mean, variance, inverse, factor

    def bprop(self, x, gamma, beta, out, dout):
        scale = 1.0 / x.shape[0]
        y, mean, _variance, inverse, factor = out
        sums = self.sums(dout[0], y, x, mean, self.slopes)
        dbeta = sums[0]
        dgamma = sums[1] * inverse
        pull = dgamma * inverse * scale
        shift = dbeta * scale
        dx = self.gradient(dout[0], y, x, mean, factor, pull, shift, self.slopes)
        return dx, dgamma, dbeta


class NormalisedActivation(BatchNorm):
    """BatchNorm(features), then the activation of that name (`slope` is leaky_relu's)."""

    def __init__(self, features: int, activation_name: str, slope: float) -> None:
        super().__init__(features)
        self.activation = activation(activation_name, slope)
        slopes = _slopes(activation_name, slope)
        self.fused = slopes is not None and native.library() is not None
        if self.fused:
            self.by_batch = _NormaliseAndRectify(slopes, self.epsilon)
            self.by_running = _Rescale(slopes)

    def use_plain_operators(self) -> None:
        """See `layers.make_twice_differentiable`."""
        self.fused = False

    def construct(self, x):
        if not self.fused:
            return self.activation(self.apply(x))
        rows = ops.reshape(x, (-1, self.features))
        if self.training:
            out = self.by_batch(rows, self.gamma, self.beta)
            self.follow(out[1], out[2], rows.shape[0])
            y = out[0]
        else:
            factor = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
            y = self.by_running(rows, self.moving_mean, factor, self.beta)
        return ops.reshape(y, x.shape)
