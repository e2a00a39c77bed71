"""Reads the student's own table of a sweep, which several kinds of task look at."""

from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _
from stages.tools.course import sweeps
from stages.tools.course.outcomes import Outcome, State
from stages.tools.course.places import Place


def rows_of(entry: Mapping[str, Any], place: Place) -> list[sweeps.Row] | Outcome:
    """The rows of the table that a task names, or what is to be told where there is none.

    A hint at the answer is of no use without a table, so it is left out there.
    """
    file = entry["file"]
    content = place.read(file)
    if content is None:
        if not place.is_whole:
            return Outcome(State.UNSEEN, entry["look"], _("{file} is not there.").format(file=file))
        note = _(
            "{file} is not there. The cell with the sweep writes it: read the last lines that the "
            "cell printed, and run it again."
        ).format(file=file)
        return Outcome(State.WRONG, note=note)
    try:
        return sweeps.parse(content.decode("utf-8"))
    except ValueError as error:
        return damaged(entry, error)


def damaged(entry: Mapping[str, Any], error: Exception) -> Outcome:
    """What is told of a table that cannot be used."""
    note = _("{file} is damaged: {error}.").format(file=entry["file"], error=error)
    return Outcome(State.WRONG, entry["look"], note)
