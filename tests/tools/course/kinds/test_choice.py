"""Letters in any order and case."""

import pytest

from stages.tools.course.kinds import choice
from stages.tools.course.places import Project

ENTRY = choice.seal({"right": ["A", "C"]}, "s") | {"salt": "s", "look": {"en": "look"}}


@pytest.mark.parametrize(
    "answer", ["A, C", "c,a", ["A", "C"], "a c", ["c", "A", "a"], "A、C", "AC", "\uff21\uff0cC"]
)
def test_the_same_letters_are_right(answer):
    assert choice.check(ENTRY, answer, Project()).state.name == "RIGHT"


@pytest.mark.parametrize("answer", ["A", "A, B, C", "ABC", "ac and no more", 3, True, "", "、"])
def test_others_are_wrong(answer):
    assert choice.check(ENTRY, answer, Project()).state.name == "WRONG"
