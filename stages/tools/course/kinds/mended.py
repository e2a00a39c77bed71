"""Several ways out of a failure: runs that are sound, each by another change to the failing run.

Nothing is typed: the student's own table of runs is looked at. A run is sound if the watch over
training saw no fault, and the scores say nothing against it (`stages.gan.measures.headline`).
"""

import re
from collections.abc import Mapping
from typing import Any

from stages.gan.measures import headline
from stages.tools.course import sweeps
from stages.tools.course.outcomes import RIGHT, Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = False
# Many good images are recognised by a critic, so that is no fault.
_FINE = ("", headline.RECOGNISED)
_FIELDS = ("file", "failing", "verdict", "ways")
# Between two params; a value may hold a comma, too.
_BETWEEN = re.compile(r", (?=[a-z_0-9.]+=)")


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The table, the name of the failing setting, its verdict, and how many ways are asked for."""
    return {name: task[name] for name in _FIELDS}


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Look for the failing run, and count the params by which sound runs differ from it."""
    content = place.read(entry["file"])
    if content is None:
        state = State.WRONG if place.is_whole else State.UNSEEN
        return Outcome(state, entry["look"], f"{entry['file']} is not there.")
    try:
        rows = sweeps.parse(content.decode("utf-8"))
        failing = [row for row in rows if row["setting"] == entry["failing"]]
        if not any(row["verdict"] == entry["verdict"] for row in failing):
            note = f"There is no run {entry['failing']} with the verdict {entry['verdict']}."
            return Outcome(State.WRONG, entry["look"], note)
        kept = set(_changes(failing[0]))
        ways = {
            frozenset(each.partition("=")[0] for each in set(_changes(row)) - kept)
            for row in rows
            if row["verdict"] in headline.SOUND and row["finding"] in _FINE
        }
    except (ValueError, KeyError) as error:
        return Outcome(State.WRONG, entry["look"], f"{entry['file']} is damaged: {error}.")
    if len(ways) < entry["ways"]:
        note = f"Sound runs by different params: {len(ways)}, and {entry['ways']} are needed."
        return Outcome(State.WRONG, entry["look"], note)
    return RIGHT


def _changes(row: Mapping[str, Any]) -> list[str]:
    return _BETWEEN.split(row["changes"])
