"""Whether settings with a few runs each differ by more than chance.

Each pair of settings is compared by Welch's t-test, and the p-values of all pairs are adjusted by
Holm's method. The assumptions:

- The runs are independent: one run for each seed. Two settings may share their seeds. Where shared
  seeds make runs alike, the test finds less than it could, but errs no more often.
- The scores of a setting are about normal, on the scale on which they are compared. A Frechet
  distance is above 0 and skewed, so its logarithm is compared.
- The spreads may differ between settings. A pooled spread (Student, Tukey, Dunnett) may not be
  used, because a failing setting spreads much more than a good one.

A permutation test cannot serve here: with three runs each there are 20 ways to divide six runs, so
that its p-value is never below 0.1. `benchmarks/seeds.py` simulates how often this test errs, and
what it finds.

Sources: Welch, Biometrika 34 (1947) 28; Holm, Scandinavian Journal of Statistics 6 (1979) 65.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

# The probability that a difference is reported anywhere if all settings are the same.
LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two settings by one measure.

    Parameters
    ----------
    left, right : int
        The indices of the settings.
    difference : float
        The mean of the left one minus that of the right one; on the logarithmic scale the ratio of
        their geometric means.
    p : float or None
        The p-value, adjusted for all pairs. None if there is no answer: a setting has fewer than
        two runs, or the runs of both settings are all alike.
    """

    left: int
    right: int
    difference: float
    p: float | None

    @property
    def is_found(self) -> bool:
        """Whether they differ by more than chance."""
        return self.p is not None and self.p < LEVEL


def compare(samples: Sequence[Sequence[float]], logarithmic: bool = False) -> list[Comparison]:
    """Compare each pair of settings.

    Parameters
    ----------
    samples : sequence of sequence of float
        The scores of each setting, one for each run. A setting without scores is in no pair.
    logarithmic : bool
        Whether logarithms are compared. All scores must then be above 0.

    Examples
    --------
    >>> near, far = [1.0, 1.1, 1.2], [5.0, 5.2, 5.1]
    >>> [answer.is_found for answer in compare([near, far, near])]
    [True, False, True]
    """
    scaled = [np.log(each) if logarithmic else np.asarray(each, float) for each in samples]
    pairs = [
        (left, right)
        for left, right in itertools.combinations(range(len(scaled)), 2)
        if len(scaled[left]) and len(scaled[right])
    ]
    known = {
        pair: p for pair in pairs if (p := welch(*(scaled[each] for each in pair))) is not None
    }
    adjusted = dict(zip(known, holm(list(known.values())), strict=True))
    found = []
    for left, right in pairs:
        difference = float(scaled[left].mean() - scaled[right].mean())
        shown = math.exp(difference) if logarithmic else difference
        found.append(Comparison(left, right, shown, adjusted.get((left, right))))
    return found


def welch(left: np.ndarray, right: np.ndarray) -> float | None:
    """The p-value of Welch's t-test, two-sided; None if it cannot be computed.

    Parameters
    ----------
    left, right : arrays of the scores of one setting each
    """
    if min(len(left), len(right)) < 2 or np.ptp(left) == np.ptp(right) == 0:
        return None
    return float(stats.ttest_ind(left, right, equal_var=False).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so that all of them together keep one level.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.04]
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
