"""How many errors a score lies from its floor, from the student's own scores."""

import json

import pytest

from stages.tools.course.kinds import apart
from stages.tools.course.outcomes import State
from stages.tools.course.places import Project

ENTRY = apart.seal(
    {"file": "scores.json", "key": "quality.recall", "within": 0.02}, "s"
) | {"look": {"en": "look"}}  # fmt: skip


class Bundle(Project):
    """A place that has not every file."""

    is_whole = False


@pytest.fixture
def scores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(value=0.5, error=0.03, floor=1.0, floor_error=0.04):
        score = {"value": value, "error": error, "floor": floor, "floor_error": floor_error}
        (tmp_path / "scores.json").write_text(json.dumps({"quality": {"recall": score}}))

    return write


@pytest.mark.parametrize(
    ("answer", "state"),
    [(-10, State.RIGHT), (-10.01, State.RIGHT), (10, State.WRONG), (-7.1, State.WRONG),
     ("far", State.WRONG), (float("nan"), State.WRONG)],
)  # fmt: skip
def test_the_distance_is_in_errors_of_both(scores, answer, state):
    scores()
    assert apart.check(ENTRY, answer, Project()).state is state


def test_without_scores_or_errors_it_is_told(scores):
    assert apart.check(ENTRY, 1, Project()).note == "scores.json is not there."
    assert apart.check(ENTRY, 1, Bundle()).state is State.UNSEEN
    scores(error=None)
    assert "has no error" in apart.check(ENTRY, 1, Project()).note
    scores(error=0, floor_error=0)
    assert apart.check(ENTRY, 0, Project()).state is State.WRONG
