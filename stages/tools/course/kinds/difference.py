"""The difference between two settings of a sweep, how sure it is, and what it says.

The answer has three parts: the difference of the means over the seeds, first setting minus second;
half of the width of its 95 % interval (Welch 1947); and a letter. A: the first setting is better.
B: the second one is. C: these runs do not show a difference, because the interval holds 0. The
right answer follows from the own table of the student, so it holds on every processor.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from stages.gan.common.language import _, marked, translated
from stages.gan.measures import table as measures
from stages.tools.course import sweeps
from stages.tools.course.kinds import choice, table
from stages.tools.course.kinds.number import as_number
from stages.tools.course.outcomes import RIGHT, Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = True
_CONFIDENCE = 0.95
# Answers may be rounded: this share of the interval, and never less than this.
_SHARE, _LEAST = 0.02, 0.002
_FIELDS = ("file", "settings", "key", "seeds")
# Of the difference, and of half of its interval.
_UNFIT = (
    marked("The difference does not fit your table."),
    marked("The interval does not fit your table."),
)


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The table, the two settings, the measure and the number of seeds: nothing is hidden.

    Raises
    ------
    ValueError
        If one is missing, there are not two settings, or the measure has no better direction.
    """
    if len(task.get("settings", ())) != 2 or task.get("seeds", 0) < 2:
        raise ValueError(_("it needs two `settings`, and `seeds` of 2 or more"))
    if _sign(task["key"]) == 0:
        raise ValueError(
            _("{measure}: neither lower nor higher is better").format(measure=task["key"])
        )
    return {name: task[name] for name in _FIELDS}


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compute the difference from the table, and compare all three parts."""
    rows = table.rows_of(entry, place)
    if isinstance(rows, Outcome):
        return rows
    runs = [
        list(sweeps.values(rows, setting, entry["key"]).values()) for setting in entry["settings"]
    ]
    for setting, found in zip(entry["settings"], runs, strict=True):
        if len(found) < entry["seeds"]:
            note = _("{setting} has {found} runs with a score, and needs {needed}.").format(
                setting=setting, found=len(found), needed=entry["seeds"]
            )
            return Outcome(State.WRONG, entry["look"], note)
    mean, half = interval(*runs)
    given = answer if isinstance(answer, list) and len(answer) == 3 else [None] * 3
    numbers, letter = [as_number(each) for each in given[:2]], choice.canonical(given[2])
    if None in numbers or letter is None:
        note = _("An answer here is [difference, half of the interval, letter].")
        return Outcome(State.WRONG, entry["look"], note)
    slack = max(_LEAST, _SHARE * half)
    for number, right, note in zip(numbers, (mean, half), _UNFIT, strict=True):
        if number is None or not abs(number - right) <= slack:
            return Outcome(State.WRONG, entry["look"], translated(note))
    if letter != conclusion(mean, half, entry["key"]):
        note = _("The numbers are right, but they do not carry this conclusion.")
        return Outcome(State.WRONG, entry["look"], note)
    return RIGHT


def interval(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The difference of two means, first minus second, and half of its 95 % interval.

    The two samples may vary by different amounts, so the degrees of freedom are Welch's.

    Examples
    --------
    >>> [round(each, 4) for each in interval([1.0, 2.0, 3.0], [3.0, 5.0, 7.0])]
    [-3.0, 4.1554]
    """
    a, b = (np.var(each, ddof=1) / len(each) for each in (first, second))
    difference = float(np.mean(first) - np.mean(second))
    if a + b == 0:
        return difference, 0.0
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    return difference, float(stats.t.ppf((1 + _CONFIDENCE) / 2, freedom) * np.sqrt(a + b))


def conclusion(difference: float, half: float, key: str) -> str:
    """The letter that follows from a difference and half of its interval."""
    if abs(difference) <= half:
        return "C"
    return "A" if difference * _sign(key) > 0 else "B"


def _sign(key: str) -> int:
    """1 if a higher value of a measure is better, -1 if a lower one is, otherwise 0."""
    found = next((each for each in measures.ALL if f"{each.section}.{each.key}" == key), None)
    return {"higher": 1, "lower": -1}.get(found.better if found else "", 0)
