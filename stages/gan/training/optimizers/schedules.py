"""Learning rate schedules: the learning rate as a function of the step.

With t the step from 0, w the steps of warm-up, T the total steps and s = max(t - w, 0), the rate
is

    base * min((t + 1) / w, 1) * f(s)

    constant      f = 1
    cosine        f = final + (1 - final) (1 + cos(pi min(s / (T - w), 1))) / 2
                  (Loshchilov and Hutter 2017, equation 5, without restarts)
    exponential   f = decay^(s / every)
    step          f = decay^floor(s / every)

A run that begins with a checkpoint counts t on from the checkpoint's steps, so the rate continues
too. A constant rate is a plain number and costs the compiled step nothing.

`Cosine` moves another number, such as beta2, from one value to a second one:

    value = final + (start - final) (1 + cos(pi min(t / T, 1))) / 2
"""

import math
from dataclasses import dataclass

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.nn.learning_rate_schedule import LearningRateSchedule
from numpy.typing import ArrayLike, NDArray

KINDS = ("constant", "cosine", "exponential", "step")


@dataclass(frozen=True)
class Schedule:
    """The factor by which a base rate changes over a run; see the module for the formulas.

    `total_steps` counts from new networks on: the steps of earlier runs are included.
    """

    kind: str = "constant"
    warm_up_steps: int = 0
    decay: float = 1.0
    every: int = 1
    final: float = 0.0
    total_steps: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"schedule {self.kind!r}: choose one of {', '.join(KINDS)}")

    @property
    def constant(self) -> bool:
        """Whether the rate never changes."""
        return self.kind == "constant" and self.warm_up_steps == 0

    def factor(self, steps: ArrayLike) -> NDArray[np.float64]:
        """The rate over the base rate at `steps`, counted from 0."""
        t = np.asarray(steps, np.int64)
        s = np.maximum(t - self.warm_up_steps, 0)
        rising = np.minimum((t + 1) / max(self.warm_up_steps, 1), 1.0)
        if self.kind == "cosine":
            part = np.minimum(s / max(self.total_steps - self.warm_up_steps, 1), 1.0)
            falling = self.final + (1 - self.final) * (1 + np.cos(np.pi * part)) / 2
        elif self.kind == "exponential":
            falling = self.decay ** (s / self.every)
        elif self.kind == "step":
            falling = self.decay ** (s // self.every).astype(np.float64)
        else:
            falling = np.ones(s.shape)
        return rising * falling

    def rate(self, base: float, updates_per_step: int = 1) -> float | nn.Cell:
        """The learning rate in the form that an optimizer takes.

        Parameters
        ----------
        base : float
            The rate that the factor multiplies, > 0.
        updates_per_step : int
            How often this optimizer is called in a step; all calls in one step have one rate.
        """
        return base if self.constant else _Rate(self, base, updates_per_step)


@dataclass(frozen=True)
class Cosine:
    """A number that moves from `start` at step 0 to `final` at step `steps` and stays there."""

    start: float
    final: float
    steps: int

    def value(self, step: int) -> float:
        """The number at a step, counted from 0."""
        wave = (1.0 + math.cos(math.pi * min(step / max(self.steps, 1), 1.0))) / 2.0
        return self.final + (self.start - self.final) * wave

    def cell(self, updates_per_step: int = 1) -> nn.Cell:
        """The same in a compiled step, in float32: of an optimizer's `global_step`, shape (1,)."""
        return _Cosine(self, updates_per_step)


class _Cosine(nn.Cell):
    def __init__(self, cosine: Cosine, updates_per_step: int) -> None:
        super().__init__(auto_prefix=False)
        self.start = cosine.start
        self.final = cosine.final
        self.share_of_a_step = 1.0 / max(cosine.steps, 1)
        self.updates_per_step = updates_per_step

    def construct(self, global_step):
        t = ops.cast(ops.floor_divide(global_step, self.updates_per_step), ms.float32)
        part = ops.minimum(t * self.share_of_a_step, 1.0)
        wave = (1.0 + ops.cos(part * np.pi)) * 0.5
        return self.final + (self.start - self.final) * wave


class _Rate(LearningRateSchedule):
    """`Schedule.factor` times a base rate inside a compiled step, in float32."""

    def __init__(self, schedule: Schedule, base: float, updates_per_step: int) -> None:
        super().__init__()
        self.kind = schedule.kind
        self.base = base
        self.updates_per_step = updates_per_step
        self.warm_up_steps = schedule.warm_up_steps
        self.decay = Tensor(np.float32(schedule.decay))
        self.every = schedule.every
        self.final = schedule.final
        self.falling_steps = max(schedule.total_steps - schedule.warm_up_steps, 1)

    def construct(self, global_step):
        t = ops.floor_divide(global_step, self.updates_per_step)
        s = ops.maximum(t - self.warm_up_steps, 0)
        rate = self.base * ops.ones_like(ops.cast(t, ms.float32))
        if self.warm_up_steps > 0:
            rising = ops.cast(t + 1, ms.float32) * (1.0 / self.warm_up_steps)
            rate = rate * ops.minimum(rising, 1.0)
        if self.kind == "cosine":
            part = ops.minimum(ops.cast(s, ms.float32) * (1.0 / self.falling_steps), 1.0)
            wave = (1.0 + ops.cos(part * np.pi)) * 0.5
            rate = rate * (self.final + (1.0 - self.final) * wave)
        if self.kind == "exponential":
            rate = rate * ops.pow(self.decay, ops.cast(s, ms.float32) * (1.0 / self.every))
        if self.kind == "step":
            count = ops.cast(ops.floor_divide(s, self.every), ms.float32)
            rate = rate * ops.pow(self.decay, count)
        return rate
