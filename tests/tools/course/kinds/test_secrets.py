"""Hashes of the right answer and of mistakes, for the kinds that hide one answer."""

import pytest

from stages.tools.course.kinds import exact, secrets

LOOK = {"en": "look", "zh": "看"}
NEAR = {"en": "near", "zh": "接近"}
TASK = {"right": 12, "mistakes": [{"answer": 6, "look": NEAR}]}


def entry():
    return secrets.seal(TASK, "s", exact.canonical) | {"salt": "s", "look": LOOK}


def test_a_mistake_that_is_known_gets_its_own_hint():
    assert secrets.check(entry(), 6, exact.canonical).look == NEAR
    assert secrets.check(entry(), 7, exact.canonical).look == LOOK
    assert secrets.check(entry(), 12, exact.canonical).look == {}


def test_a_mistake_that_is_right_is_refused():
    task = {"right": 12, "mistakes": [{"answer": "12", "look": LOOK}]}
    with pytest.raises(ValueError, match="the mistake '12' is the right answer"):
        secrets.seal(task, "s", exact.canonical)


def test_a_right_answer_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="'two words' is no answer of this kind"):
        secrets.seal({"right": "two words"}, "s", exact.canonical)
