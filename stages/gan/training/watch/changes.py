"""Changes of params that are proposed after a run, by the watch and by the scores.

Each is made so that it can help in a run as long as the one that gets the advice.
"""

from dataclasses import dataclass
from typing import Any

from stages.gan.common.language import marked
from stages.gan.params import Train
from stages.gan.training.watch import sentences

# An average over a tenth of the run: shorter than that, it lies between the swings; longer, and
# weights of the beginning stay in it. With fewer than FEWEST steps that is less than ten steps.
SHARE = 0.1
LONGEST = 0.999
FEWEST = 100


@dataclass(frozen=True)
class Change:
    """A param to change, named as in params.yaml under the data set, and the value to try."""

    param: str
    value: Any
    why: str


def average(settings: Train, steps: int) -> tuple[Change, ...]:
    """The moving average (EMA), if there is none, as long as a run of `steps` steps can use.

    A decay d averages about the last 1 / (1 - d) steps. After n steps d^n of the first weights is
    left: with 1 - d = 1 / (0.1 n) that is e^-10.
    """
    if settings.ema > 0 or steps < FEWEST:
        return ()
    decay = min(LONGEST, 1.0 - float(f"{1.0 / (SHARE * steps):.2g}"))
    why = marked(
        "the average of G's weights lies between the swings; this one spans a tenth of the run"
    )
    return (Change("train.ema", round(decay, 6), why),)


def longer(settings: Train, steps: int, epochs: int, times: int) -> Change:
    """So many times the steps of a run that took `steps` steps in `epochs` epochs."""
    why = sentences.TIMES.format(times=times)
    if settings.max_steps is None or steps < settings.max_steps:
        return Change("train.epochs", settings.epochs * times, why)
    if times * steps < settings.epochs * steps / max(epochs, 1):
        return Change("train.max_steps", times * steps, why)
    return Change("train.max_steps", None, marked("train for all epochs"))
