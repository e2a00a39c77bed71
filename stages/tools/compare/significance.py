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
from typing import Any

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


def compare(
    samples: Sequence[Sequence[float]],
    logarithmic: bool = False,
    judges: Sequence[str] | None = None,
) -> list[Comparison]:
    """Compare each pair of settings.

    Parameters
    ----------
    samples : sequence of sequence of float
        The scores of each setting, one for each run. A setting without scores is in no pair.
    logarithmic : bool
        Whether logarithms are compared. All scores must then be above 0.
    judges : sequence of str or None
        Which judge gave the scores of each setting. Settings of different judges are in no pair;
        with None all have the same one.

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
        if len(scaled[left])
        and len(scaled[right])
        and (judges is None or judges[left] == judges[right])
    ]
    known = [pair for pair in pairs if _has_answer(*(scaled[each] for each in pair))]
    p_values = [welch(*(_summary(scaled[each]) for each in pair)) for pair in known]
    adjusted = dict(zip(known, holm([float(p) for p in p_values]), strict=True))
    found = []
    for left, right in pairs:
        difference = float(scaled[left].mean() - scaled[right].mean())
        shown = math.exp(difference) if logarithmic else difference
        found.append(Comparison(left, right, shown, adjusted.get((left, right))))
    return found


# Mean, standard deviation and number of the scores of a setting; or arrays of them.
Summary = tuple[Any, Any, int]


def welch(left: Summary, right: Summary) -> Any:
    """The p-value of Welch's t-test, two-sided, or an array of them."""
    return stats.ttest_ind_from_stats(*left, *right, equal_var=False).pvalue


def _summary(scores: np.ndarray) -> Summary:
    # Rounding gives equal scores a spread that they do not have.
    deviation = scores.std(ddof=1) if np.ptp(scores) else 0.0
    return scores.mean(), deviation, len(scores)


def _has_answer(left: np.ndarray, right: np.ndarray) -> bool:
    return min(len(left), len(right)) > 1 and bool(np.ptp(left) or np.ptp(right))


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
