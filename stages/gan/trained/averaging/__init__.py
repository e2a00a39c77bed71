"""The moving average (EMA) of a generator's weights over the steps of its training.

Adversarial training circles around its equilibrium and does not stay there. The average is nearer
to the equilibrium than any single step (Yazici et al. 2019, "The unusual effectiveness of
averaging in GAN training").
"""

from collections.abc import Callable
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops

from stages.gan.common.compiled import jit, put
from stages.gan.layers import kernels

KERNELS = kernels.Library(Path(__file__).with_name("averaging.c"))

# The power of the start-up. (1 - 1/n)^9 and the (1 + n) / (10 + n) of TensorFlow's
# ExponentialMovingAverage both tend to 1 - 9/n. But the first is 0 at n = 1.
START = 9.0


class Average(nn.Cell):
    """The average of every weight and running statistic of a generator; a call updates it.

    The n-th call, counted from 1, replaces the average A by

        decay(n) A + (1 - decay(n)) w(n),    decay(n) = min(decay, (1 - 1/n)^power)

    where w(n) is the weight at call n. As decay(1) is 0, no weight from before the first call is
    left after any number of calls, and the weights of w(1) to w(n) in the average always have the
    sum 1. While (1 - 1/n)^power is below `decay`, w(i) has the weight

        (i^power - (i - 1)^power) / n^power

    This is the power function average of Karras et al. 2024 ("Analyzing and improving the training
    dynamics of diffusion models", arXiv 2312.02696, equation 3) with gamma = power - 1: with power
    9, most of the weight lies in the last tenth of the run. From call m on, the first with
    (1 - 1/m)^power >= decay, each call multiplies all these weights by `decay`, and w(n) enters
    with 1 - decay: the exponential moving average. For power 9 and a decay near 1, m is about
    9 / (1 - decay).

    Batch norm's running statistics are averaged too, because they must fit the averaged weights.

    With a C compiler, one kernel computes a weight's product and sum, with the same bits.

    Parameters
    ----------
    generator : nn.Cell
    decay : float
        Largest weight of the old average, 0 to 1; 1 for a power function average of all calls.
    power : float
        Of the start-up, above 0.
    prefix : str
        Of the names of the averages.

    Attributes
    ----------
    averages : ParameterTuple
        In the order of the generator's parameters.
    updates : Parameter
        The number of calls so far, int32 of shape (1,).
    """

    def __init__(
        self,
        generator: nn.Cell,
        decay: float = 1.0,
        power: float = START,
        prefix: str = "average",
    ) -> None:
        super().__init__(auto_prefix=False)
        self.weights = ParameterTuple(generator.get_parameters())
        self.averages = self.weights.clone(prefix=prefix, init="same")
        self.updates = Parameter(
            Tensor(np.zeros(1, np.int32)), name=f"{prefix}.updates", requires_grad=False
        )
        self.rule = Tensor(np.array([power, decay], np.float32))
        self.power, self.decay = (Tensor(value, ms.float64) for value in self.rule.asnumpy())
        self.factors = KERNELS.kernel("factors", lambda rule, n: rule)
        self.mix = KERNELS.kernel("mix", lambda average, weight, factors: average)

    def construct(self):
        n = self.updates + 1
        ops.assign(self.updates, n)
        if self.factors is not None:
            factors = self.factors(self.rule, ops.cast(n, ms.float32))
        else:
            started = ops.pow(1.0 - 1.0 / ops.cast(n, ms.float64), self.power)
            kept = ops.cast(ops.minimum(started, self.decay), ms.float32)
            factors = kept, 1.0 - kept
        for average, weight in zip(self.averages, self.weights):  # noqa: B905 (see jit)
            if self.mix is not None:
                ops.assign(average, self.mix(average, weight, factors))
            else:
                ops.assign(average, average * factors[0] + weight * factors[1])
        return n

    def compiled(self) -> Callable[[], Tensor]:
        """An update as a compiled function of its own, to be called outside of a compiled step."""

        average = self

        def update():
            return average()

        return jit(update, self)

    @property
    def state(self) -> list[Parameter]:
        """All that an update changes: the averages, and their count."""
        return [*self.averages, self.updates]

    def copy_to(self, generator: nn.Cell) -> None:
        """Copy the averages into an equal generator that no compiled function uses."""
        for own, average in zip(generator.get_parameters(), self.averages, strict=True):
            put(own, average.asnumpy())
