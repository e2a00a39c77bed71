"""The moving average (EMA) of a generator's weights over the steps of its training.

Adversarial training circles around its equilibrium and does not stay there. The average is nearer
to the equilibrium than any single step (Yazici et al. 2019, "The unusual effectiveness of
averaging in GAN training").
"""

from pathlib import Path

import numpy as np
from mindspore import ParameterTuple, Tensor, nn, ops

from stages.gan.common.compiled import put
from stages.gan.layers import kernels

KERNELS = kernels.Library(Path(__file__).with_name("averaging.c"))


class Average(nn.Cell):
    """The average of every weight and running statistic of a generator; a call updates it.

    After n calls the average of a weight w is

        decay^n w(0) + (1 - decay) * sum over i = 1 to n of decay^(n - i) w(i)

    where w(0) is the weight when the average was made and w(i) the weight at call i. Batch norm's
    running statistics are averaged too, because they must fit the averaged weights.

    With a C compiler, one kernel computes a weight's product and sum, with the same bits.

    Parameters
    ----------
    generator : nn.Cell
    decay : float
        Weight of the old average, above 0 to below 1.
    """

    def __init__(self, generator: nn.Cell, decay: float) -> None:
        super().__init__(auto_prefix=False)
        self.decay = decay
        self.weights = ParameterTuple(generator.get_parameters())
        self.averages = self.weights.clone(prefix="average", init="same")
        self.factors = Tensor(np.array([decay, 1.0 - decay], np.float32))
        self.mix = KERNELS.kernel("mix", lambda average, weight, factors: average)

    def construct(self):
        for average, weight in zip(self.averages, self.weights):  # noqa: B905 (see jit)
            if self.mix is not None:
                ops.assign(average, self.mix(average, weight, self.factors))
            else:
                ops.assign(average, average * self.decay + weight * (1.0 - self.decay))
        return True

    def copy_to(self, generator: nn.Cell) -> None:
        """Copy the averages into an equal generator that no compiled function uses."""
        for own, average in zip(generator.get_parameters(), self.averages, strict=True):
            put(own, average.asnumpy())
