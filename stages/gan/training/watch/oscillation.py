"""Measures how D's answers swing from step to step, and whether more than in a healthy run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.gan.training.watch import sentences

# Swings of the mean probability that D gives to a batch of generated images, in the run's second
# half. A healthy run has no slow swings (of means over ten steps). It has swings from step to
# step, because each update answers the last one: up to 0.1 turns a step were seen with the MLP's
# recipe, 0.13 with the DCGAN's, 0.23 to 0.4 with fifty times the rate.
SLOW_SWING = 0.2
SLOW_TURNS = 4  # at least, and 4 for each 1,000 steps
SLOW_STEPS = 10
FAST_SWING = 0.4
FAST_TURNS = 0.15  # per step
FAST_FROM = 50  # fewer steps are too few for a rate


def describe(answers: NDArray[np.float64]) -> str:
    """How D's answers to generated images swing, in words; "" if not more than in a healthy run.

    Parameters
    ----------
    answers : (N,) in [0, 1]
        D(G(z)) of N steps in a row, the mean of each step's batch.
    """
    whole = len(answers) // SLOW_STEPS * SLOW_STEPS
    slow = count(answers[:whole].reshape(-1, SLOW_STEPS).mean(axis=1), SLOW_SWING)
    if slow >= SLOW_TURNS * max(1.0, len(answers) / 1000):
        return sentences.SLOW_SWINGS.format(
            steps=SLOW_STEPS, turns=slow, swing=SLOW_SWING, last=len(answers)
        )
    fast = count(answers, FAST_SWING)
    if len(answers) >= FAST_FROM and fast > FAST_TURNS * len(answers):
        return sentences.FAST_SWINGS.format(turns=fast, swing=FAST_SWING, last=len(answers))
    return ""


def count(values: Sequence[float] | NDArray[np.float64], least: float) -> int:
    """How often a curve turns round after it moved by at least `least`, up or down.

    Examples
    --------
    >>> count([0.0, 1.0, 0.0, 0.1, 0.0, 1.0], 0.5)
    2
    >>> count([0.0, 0.2, 0.4, 0.6], 0.5)
    0
    """
    if not len(values):
        return 0
    turns, direction, extreme = 0, 0, values[0]
    lowest = highest = values[0]
    for value in values[1:]:
        lowest, highest = min(lowest, value), max(highest, value)
        if direction == 0:
            if highest - lowest >= least:
                direction = 1 if value == highest else -1
                extreme = value
        elif (value - extreme) * direction > 0:
            extreme = value
        elif (extreme - value) * direction >= least:
            turns += 1
            direction = -direction
            extreme = value
    return turns
