"""Looks for weights that are not finite numbers.

A network with such weights can have finite losses, because MindSpore's ReLU, clip and softplus
turn NaN into ordinary numbers. Then only the weights show it.
"""

import math

import numpy as np
from mindspore import Parameter
from numpy.typing import NDArray

from stages.gan.training.assembly import Assembly
from stages.gan.training.step.measures import gradients_are_due


class Weights:
    """Both networks' weights and running statistics, and the average of G's.

    Parameters
    ----------
    players : Assembly
    """

    def __init__(self, players: Assembly) -> None:
        average = players.average
        self._parts: dict[str, list[Parameter]] = {
            "G": list(players.generator.get_parameters()),
            "D": list(players.discriminator.get_parameters()),
            "the average of G": list(average.averages) if average is not None else [],
        }

    def look(self, step: int) -> list[str]:
        """What `broken` finds, in the steps in which gradients are measured; [] in all others."""
        return self.broken() if gradients_are_due(step) else []

    def broken(self) -> list[str]:
        """The weights with a value that is not finite, such as "D's layers.0.weight"."""
        return [
            f"{owner}'s {parameter.name}"
            for owner, parameters in self._parts.items()
            for parameter in parameters
            if not is_finite(parameter.asnumpy())
        ]


def is_finite(values: NDArray[np.floating]) -> bool:
    """Whether no value is NaN or infinite.

    NaN and infinity stay in a sum, so one sum settles most arrays, at a third of the time.

    Examples
    --------
    >>> is_finite(np.array([1.0, np.nan])), is_finite(np.full(3, 3e38, np.float32))
    (False, True)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(values, axis=None)
    return math.isfinite(total) or bool(np.isfinite(values).all())
