"""A number is right within its interval, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tools.course.kinds import number
from stages.tools.course.places import Project


def state(right, within, answer):
    entry = number.seal({"right": right, "within": within}, "s") | {"salt": "s", "look": {}}
    return number.check(entry, answer, Project()).state.name


# A hash costs 30 milliseconds.
@settings(max_examples=15)
@given(
    st.floats(-1e4, 1e4),
    st.floats(1e-3, 10),
    st.floats(-0.99, 0.99),
    st.sampled_from((1.01, -1.01, 3.0, -7.5)),
)
def test_inside_is_right_and_outside_is_wrong(right, within, inside, outside):
    assert state(right, within, right + inside * within) == "RIGHT"
    assert state(right, within, right + outside * within) == "WRONG"


@pytest.mark.parametrize("answer", ["1.3863", "1.386e0", 1.386294])
def test_numbers_that_yaml_reads_as_text_count(answer):
    assert state(1.386294, 0.001, answer) == "RIGHT"


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), "2 ln 2", True, 10**400])
def test_what_is_no_finite_number_is_wrong(answer):
    assert state(1.386294, 0.001, answer) == "WRONG"


LOOK, HALF = {"en": "look"}, {"en": "half"}
# In the intervals of the right answer, 1.386 and 1.3863 lie in two.
TASK = {"right": 0.693147, "within": 0.001, "mistakes": [{"answer": 1.386294, "look": HALF}]}


@pytest.mark.parametrize("answer", [1.386, 1.3863, "1.387"])
def test_a_rounded_mistake_gets_its_own_hint(answer):
    entry = number.seal(TASK, "s") | {"salt": "s", "look": LOOK}
    found = number.check(entry, answer, Project())
    assert (found.state.name, found.look, found.note) == ("WRONG", HALF, "")


def test_another_wrong_number_is_told_how_exact_it_must_be(monkeypatch):
    monkeypatch.setenv("GAN_LANGUAGE", "en")
    entry = number.seal(TASK, "s") | {"salt": "s", "look": LOOK}
    found = number.check(entry, 0.69, Project())
    assert (found.look, found.note) == (LOOK, "It may be off by 0.001 at most.")


@pytest.mark.parametrize("answer", [0.6925, "half"])
def test_a_mistake_that_is_right_or_no_number_is_refused(answer):
    with pytest.raises(ValueError, match=r"the right answer|no answer of this kind"):
        number.seal(TASK | {"mistakes": [{"answer": answer, "look": HALF}]}, "s")


def test_the_file_shows_the_answer_only_up_to_multiples_of_the_width():
    kept = [number.seal({"right": 0.55 + 0.2 * k, "within": 0.1}, "s") for k in range(3)]
    assert {(one["width"], one["offset"]) for one in kept} == {(0.2, 0.05)}
    assert len({one["hash"] for one in kept}) == 3
