"""How far a score is from its floor, in standard errors: computed from the student's own scores."""

import math
from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course.kinds import values
from stages.tools.course.kinds.number import as_number
from stages.tools.course.outcomes import RIGHT, Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = True
_PARTS = ("value", "floor", "error", "floor_error")
_FIELDS = ("file", "key", "within")


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """File, key and tolerance: nothing is hidden."""
    return {name: task[name] for name in _FIELDS}


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compare the answer with (value - floor) / root(error^2 + floor_error^2)."""
    try:
        numbers = [
            as_number(values.value_of(place, entry["file"], f"{entry['key']}.{part}"))
            for part in _PARTS
        ]
    except values.Unreadable as reason:
        return Outcome(State.WRONG if place.is_whole else State.UNSEEN, entry["look"], str(reason))
    value, floor, error, floor_error = (math.nan if each is None else each for each in numbers)
    deviation = math.hypot(error, floor_error)
    if not deviation > 0:
        note = _("{file}: {key} has no error.").format(file=entry["file"], key=entry["key"])
        return Outcome(State.WRONG, entry["look"], note)
    given = as_number(answer)
    if given is not None and abs(given - (value - floor) / deviation) <= entry["within"]:
        return RIGHT
    return Outcome(State.WRONG, entry["look"])
