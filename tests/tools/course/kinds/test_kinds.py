"""The kinds together: each has its two functions, and hides what it should."""

import pytest

from stages.tools.course.kinds import KINDS
from stages.tools.course.places import Project

LOOK = {"en": "look", "zh": "看"}
HIDDEN = {
    "choice": {"right": "B"},
    "exact": {"right": "grid_seed"},
    "number": {"right": 1.386294, "within": 0.001},
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_the_two_functions(name):
    kind = KINDS[name]
    assert callable(kind.seal)
    assert callable(kind.check)
    assert isinstance(kind.NEEDS_ANSWER, bool)


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_kept_does_not_show_the_answer(name):
    kept = KINDS[name].seal(HIDDEN[name], "1/task")
    assert "right" not in kept
    assert str(HIDDEN[name]["right"]) not in kept.values()
    other = KINDS[name].seal(HIDDEN[name], "1/other")
    assert other["hash"] != kept["hash"]


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("answer", [None, [], {}, [1, [2]], {"a": 1}, "two words here", "x" * 300])
def test_what_is_no_answer_is_wrong_and_no_error(name, answer):
    entry = KINDS[name].seal(HIDDEN[name], "1/task") | {"salt": "1/task", "look": LOOK}
    assert KINDS[name].check(entry, answer, Project()).state.name == "WRONG"
