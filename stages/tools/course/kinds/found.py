"""A result that the student must have, whatever it is called: the student's outs are looked at.

Nothing is typed, and nothing is hidden: the task itself says what the result should be.
"""

from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course.kinds import values
from stages.tools.course.kinds.number import as_number
from stages.tools.course.outcomes import RIGHT, Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = False
_CONDITIONS = ("between", "equals", "one_of")
_PARAMS = "params.yaml"


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The conditions, as they are.

    Raises
    ------
    ValueError
        If there is no condition, or one that is unknown.
    """
    for value in task.get("values", []):
        if sum(name in value for name in _CONDITIONS) != 1:
            raise ValueError(
                _("{value}: needs one of {valid}").format(value=value, valid=", ".join(_CONDITIONS))
            )
    kept = {name: task[name] for name in ("stage", "params", "values") if name in task}
    if not kept:
        raise ValueError(_("it needs `stage`, `params` or `values`"))
    return kept


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Look at the params, the outs of the stage, and the values in the files."""
    asked = [
        *({"file": _PARAMS, "key": k, "equals": v} for k, v in entry.get("params", {}).items()),
        *entry.get("values", []),
    ]
    for one in asked:
        try:
            value = values.value_of(place, one["file"], one["key"])
        except values.Unreadable as reason:
            state = State.WRONG if place.is_whole else State.UNSEEN
            return Outcome(state, entry["look"], str(reason))
        if not _holds(one, value):
            note = _("{file}: {key} is {value}.").format(
                file=one["file"], key=one["key"], value=str(value)[:60]
            )
            return Outcome(State.WRONG, entry["look"], note)
    if "stage" in entry and (trouble := place.trouble(entry["stage"])):
        return Outcome(State.WRONG, entry["look"], trouble)
    return RIGHT


def _holds(one: Mapping[str, Any], value: Any) -> bool:
    if "between" in one:
        number = as_number(value)
        low, high = one["between"]
        return number is not None and low <= number <= high
    return any(_equal(value, each) for each in one.get("one_of", [one.get("equals")]))


def _equal(value: Any, expected: Any) -> bool:
    # DVC writes 2e-05, which YAML 1.1 reads as text.
    if not isinstance(expected, bool | str) and as_number(expected) is not None:
        return as_number(value) == as_number(expected)
    return value == expected
