"""A whole number, true or false, or one word: a hash, the name of a param, the name of a file."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course.kinds import secrets
from stages.tools.course.outcomes import Outcome
from stages.tools.course.places import Place

NEEDS_ANSWER = True


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The hash of the right answer, and of well-known wrong ones."""
    return secrets.seal(task, salt, canonical)


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compare the whole answer; case and blanks around it do not matter."""
    return secrets.check(
        entry, answer, canonical, _("an answer here is a whole number or one word")
    )


def canonical(answer: object) -> str | None:
    """The answer in one form; None if it is no whole number and no word.

    Examples
    --------
    >>> canonical(12), canonical("12"), canonical(12.0), canonical(" BCE "), canonical(True)
    ('12', '12', '12', 'bce', 'true')
    >>> canonical("\\uff11\\uff12")  # figures of full width
    '12'
    >>> canonical(0.5), canonical("two words"), canonical(None)
    (None, None, None)
    """
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)
    if isinstance(answer, bool | int | str):
        text = unicodedata.normalize("NFKC", str(answer)).strip().casefold()
        if text and len(text) <= 200 and len(text.split()) == 1:
            return text
    return None
