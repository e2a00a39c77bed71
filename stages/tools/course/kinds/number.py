"""A number within an interval around the right one.

The line of numbers is cut into intervals that are as wide as the one around the right answer, and
the number of the interval is hashed. checks.json shows where the cuts are: so it shows the right
answer up to multiples of the width, and hides which of the intervals it is.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course.kinds import secrets
from stages.tools.course.outcomes import Outcome
from stages.tools.course.places import Place

NEEDS_ANSWER = True


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The hash of the right interval's number; width and place of the intervals are open."""
    width = 2.0 * task["within"]
    cuts = {"width": width, "offset": round((task["right"] - task["within"]) % width, 12)}
    return cuts | secrets.seal(task, salt, _interval_of(cuts))


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compare the interval in which the answer lies."""
    return secrets.check(entry, answer, _interval_of(entry), _("an answer here is a number"))


def as_number(answer: object) -> float | None:
    """A finite number, also where YAML read it as text; None for anything else.

    Examples
    --------
    >>> as_number("1e-3"), as_number(2), as_number("ln 2"), as_number(True), as_number("nan")
    (0.001, 2.0, None, None, None)
    """
    if isinstance(answer, bool) or not isinstance(answer, int | float | str):
        return None
    try:
        number = float(answer)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _interval_of(cuts: Mapping[str, Any]) -> Callable[[object], str | None]:
    def interval(answer: object) -> str | None:
        number = as_number(answer)
        if number is None:
            return None
        return str(math.floor((number - cuts["offset"]) / cuts["width"]))

    return interval
