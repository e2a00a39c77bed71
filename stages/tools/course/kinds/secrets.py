"""What the kinds with one hidden answer share. The answer has a canonical form, which is hashed."""

from collections.abc import Callable, Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course.hidden import hashed
from stages.tools.course.outcomes import RIGHT, Outcome, State

Canonical = Callable[[object], str | None]


def seal(task: Mapping[str, Any], salt: str, canonical: Canonical) -> dict[str, Any]:
    """The hashes of the right answer and of well-known wrong ones.

    Raises
    ------
    ValueError
        If one of them has no canonical form, or a wrong one has that of the right one.
    """
    right = _form(task["right"], canonical)
    mistakes = []
    for each in task.get("mistakes", []):
        wrong = _form(each["answer"], canonical)
        if wrong == right:
            raise ValueError(
                _("the mistake {answer!r} is the right answer").format(answer=each["answer"])
            )
        mistakes.append({"hash": hashed(wrong, salt), "look": dict(each["look"])})
    return {"hash": hashed(right, salt)} | ({"mistakes": mistakes} if mistakes else {})


def check(
    entry: Mapping[str, Any], answer: object, canonical: Canonical, valid: str = ""
) -> Outcome:
    """Compare the hash of an answer; `valid` says what an answer should be, if it is none."""
    form = canonical(answer)
    if form is None:
        note = _("{answer!r}: {valid}.").format(answer=str(answer)[:60], valid=valid)
        return Outcome(State.WRONG, entry["look"], note)
    found = hashed(form, entry["salt"])
    if found == entry["hash"]:
        return RIGHT
    for mistake in entry.get("mistakes", []):
        if found == mistake["hash"]:
            return Outcome(State.WRONG, mistake["look"])
    return Outcome(State.WRONG, entry["look"])


def _form(answer: object, canonical: Canonical) -> str:
    form = canonical(answer)
    if form is None:
        raise ValueError(_("{answer!r} is no answer of this kind").format(answer=answer))
    return form
