"""Is a standard error what it says? Compared with the spread over samples drawn afresh."""

from collections.abc import Callable, Sequence

import numpy as np

from stages.gan.evaluation.quality.scores import Estimate


def error_over_spread(measured: Callable[[np.random.Generator], Estimate], rounds: int) -> float:
    """The root mean square error that estimates give, over how much their values do differ."""
    return ratio_of([measured(np.random.default_rng([2323, index])) for index in range(rounds)])


def ratio_of(found: Sequence[Estimate]) -> float:
    """The same of estimates that are there already."""
    errors = [one.error for one in found]
    spread = np.std([one.value for one in found], ddof=1)
    return float(np.sqrt(np.mean(np.square(errors))) / spread)
