"""Several ways out of a failure: sound runs, each by another change to the failing run.

Nothing is typed: the student's own table of runs is looked at. A run is sound if the watch over
training saw no fault, and none of the scores that are named is below its limit. Two ways are
different if they have no changed param in common.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _
from stages.gan.measures import headline
from stages.tools.course.kinds import table
from stages.tools.course.outcomes import RIGHT, Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = False
_FIELDS = ("file", "failing", "verdict", "least", "ways")
# Between two params; a value may hold a comma, too.
_BETWEEN = re.compile(r", (?=[a-z_0-9.]+=)")


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """The table, the failing setting and its verdict, the least scores, the number of ways."""
    return {name: task[name] for name in _FIELDS}


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Look for the failing run, and for so many sound runs that share no changed param."""
    rows = table.rows_of(entry, place)
    if isinstance(rows, Outcome):
        return rows
    try:
        failing = [row for row in rows if row["setting"] == entry["failing"]]
        if not any(row["verdict"] == entry["verdict"] for row in failing):
            note = _("There is no run {setting} with the verdict {verdict}.").format(
                setting=entry["failing"], verdict=entry["verdict"]
            )
            return Outcome(State.WRONG, entry["look"], note)
        kept = _changes(failing[0])
        sound = [row for row in rows if _is_sound(row, entry["least"])]
        ways = {frozenset(each.partition("=")[0] for each in _changes(row) - kept) for row in sound}
    except (ValueError, KeyError, TypeError) as error:
        return table.damaged(entry, error)
    if any(_are_apart(chosen) for chosen in itertools.combinations(ways, entry["ways"])):
        return RIGHT
    found = "; ".join(sorted(_(" and ").join(sorted(way)) for way in ways)) or _("none")
    note = _("Sound runs changed: {found}. Needed are {count} that share no param.").format(
        found=found, count=entry["ways"]
    )
    return Outcome(State.WRONG, entry["look"], note)


def _is_sound(row: Mapping[str, Any], least: Mapping[str, float]) -> bool:
    scores = {name: row[name] for name in least}
    return row["verdict"] in headline.SOUND and all(
        value is not None and value >= least[name] for name, value in scores.items()
    )


def _are_apart(ways: tuple[frozenset[str], ...]) -> bool:
    return all(one and other and not one & other for one, other in itertools.combinations(ways, 2))


def _changes(row: Mapping[str, Any]) -> set[str]:
    return set(_BETWEEN.split(row["changes"]))
