"""A choice: one letter, or several."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course.kinds import secrets
from stages.tools.course.outcomes import Outcome
from stages.tools.course.places import Place

NEEDS_ANSWER = True


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The hash of the right letters, and of well-known wrong ones."""
    return secrets.seal(task, salt, canonical)


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compare the letters; their order and case do not matter."""
    return secrets.check(
        entry, answer, canonical, _("an answer here is a letter, or several, such as A, C")
    )


def canonical(answer: object) -> str | None:
    """The letters in one form; None if the answer has anything else.

    Chinese commas and letters of full width count, and so do capitals without anything between.

    Examples
    --------
    >>> canonical("c"), canonical(["C", "A"]), canonical("A, C"), canonical("all of them")
    ('C', 'AC', 'AC', None)
    >>> canonical("C、A"), canonical("AC")
    ('AC', 'AC')
    """
    if isinstance(answer, list) and all(isinstance(each, str) for each in answer):
        answer = ",".join(answer)
    if not isinstance(answer, str) or len(answer) > 40:
        return None
    words = re.split(r"[\s,;、。]+", unicodedata.normalize("NFKC", answer).strip())
    letters = list(words[0]) if len(words) == 1 and words[0].isupper() else words
    letters = [each.upper() for each in letters if each]
    if not letters or not all(len(each) == 1 and "A" <= each <= "Z" for each in letters):
        return None
    return "".join(sorted(set(letters)))
