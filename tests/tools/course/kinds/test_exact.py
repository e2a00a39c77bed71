"""A whole number or a word, however it is typed."""

import pytest

from stages.tools.course.kinds import exact
from stages.tools.course.places import Project

ENTRY = exact.seal({"right": 17}, "s") | {"salt": "s", "look": {"en": "look"}}


@pytest.mark.parametrize("answer", [17, "17", 17.0, " 17 "])
def test_the_same_number_is_right(answer):
    assert exact.check(ENTRY, answer, Project()).state.name == "RIGHT"


@pytest.mark.parametrize("answer", [16, 17.5, "seventeen", True, -17])
def test_others_are_wrong(answer):
    assert exact.check(ENTRY, answer, Project()).state.name == "WRONG"


def test_what_is_no_whole_number_is_told_what_is_valid():
    assert "a whole number or one word" in exact.check(ENTRY, 17.5, Project()).note
