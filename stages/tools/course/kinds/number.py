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
from stages.tools.course.outcomes import Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = True


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The hash of the right interval's number; width and place of the intervals are open.

    A well-known mistake has an interval of its own, as wide: so it is known when it is rounded.

    Raises
    ------
    ValueError
        If an answer is no number, or a mistake lies in the interval of the right one.
    """
    right, within = task["right"], task["within"]
    mistakes = []
    for each in task.get("mistakes", []):
        wrong = as_number(each["answer"])
        if wrong is None:
            raise ValueError(
                _("{answer!r} is no answer of this kind").format(answer=each["answer"])
            )
        if abs(wrong - right) <= within:
            raise ValueError(_("the mistake {answer!r} is the right answer").format(answer=wrong))
        mistakes.append(_sealed(wrong, within, salt) | {"look": dict(each["look"])})
    return _sealed(right, within, salt) | ({"mistakes": mistakes} if mistakes else {})


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compare the interval in which the answer lies."""
    found = _compared({**entry, "mistakes": []}, answer)
    if found.state is State.RIGHT or as_number(answer) is None:
        return found
    for mistake in entry.get("mistakes", []):
        if _compared({**mistake, "salt": entry["salt"]}, answer).state is State.RIGHT:
            return Outcome(State.WRONG, mistake["look"])
    note = _("It may be off by {within:g} at most.").format(within=entry["width"] / 2)
    return Outcome(State.WRONG, entry["look"], note)


def _compared(entry: Mapping[str, Any], answer: object) -> Outcome:
    return secrets.check(entry, answer, _interval_of(entry), _("an answer here is a number"))


def _sealed(number: float, within: float, salt: str) -> dict[str, Any]:
    """The cuts that put `number` in the middle of its interval, and the interval's hash."""
    width = 2.0 * within
    cuts = {"width": width, "offset": round((number - within) % width, 12)}
    return cuts | secrets.seal({"right": number}, salt, _interval_of(cuts))


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
