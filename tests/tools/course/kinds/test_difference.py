"""The difference of two settings: computed from the student's table, and what it carries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.tools.course.kinds import difference
from stages.tools.course.outcomes import State
from stages.tools.course.places import Project

FILE = "course/answers/5-rate.csv"
TASK = {
    "file": FILE,
    "key": "quality.frechet_distance",
    "settings": ["slow", "fast"],
    "seeds": 3,
}
ENTRY = difference.seal(TASK, "s") | {"look": {"en": "look"}}
SLOW, FAST = [9.0, 10.0, 12.0], [4.0, 5.0, 4.5]


class Bundle(Project):
    """A place that has not every file."""

    is_whole = False


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "course/answers").mkdir(parents=True)

    def write(slow, fast):
        lines = ["setting,seed,quality.frechet_distance"]
        for name, values in (("slow", slow), ("fast", fast)):
            lines += [f"{name},{seed + 1},{value}" for seed, value in enumerate(values)]
        (tmp_path / FILE).write_text("\n".join(lines) + "\n")

    return write


def check(*answer, place=None):
    return difference.check(ENTRY, list(answer), place or Project())


def test_the_numbers_of_the_own_table_are_right(table):
    table(SLOW, FAST)
    mean, half = difference.interval(SLOW, FAST)
    assert check(mean, half, "B").state is State.RIGHT
    assert check(round(mean, 2), round(half, 2), "b").state is State.RIGHT


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda mean, half: (-mean, half, "B"), "The difference does not fit"),
        (lambda mean, half: (mean, half / 2, "B"), "The interval does not fit"),
        (lambda mean, half: (mean, half, "A"), "do not carry this conclusion"),
        (lambda mean, half: (mean, half, "C"), "do not carry this conclusion"),
        (lambda mean, half: (mean, half), "An answer here is"),
        (lambda mean, half: (mean, half, "the second"), "An answer here is"),
        (lambda mean, half: (mean, "wide", "B"), "An answer here is"),
    ],
)
def test_wrong_answers_are_told_what_is_wrong(table, answer, told):
    table(SLOW, FAST)
    found = check(*answer(*difference.interval(SLOW, FAST)))
    assert found.state is State.WRONG
    assert told in found.note
    assert found.look == {"en": "look"}
    assert difference.check(ENTRY, "B", Project()).state is State.WRONG


def test_an_interval_that_holds_0_shows_no_difference(table):
    table(SLOW, [9.5, 10.5, 12.5])
    mean, half = difference.interval(SLOW, [9.5, 10.5, 12.5])
    assert check(mean, half, "C").state is State.RIGHT
    assert check(mean, half, "A").state is State.WRONG


def test_too_few_seeds_are_told(table):
    table(SLOW, FAST[:2])
    assert check(1, 1, "A").note == "fast has 2 runs with a score, and needs 3."


def test_a_missing_or_damaged_table_is_told(table, tmp_path):
    assert check(1, 1, "A").note.startswith(f"{FILE} is not there. The cell")
    assert check(1, 1, "A", place=Bundle()).state is State.UNSEEN
    (tmp_path / FILE).write_bytes(b"\xff\x00")
    assert check(1, 1, "A").state is State.WRONG
    (tmp_path / FILE).write_text("a,b\n1,2\n")
    assert "no table of runs" in check(1, 1, "A").note


@pytest.mark.parametrize(
    "changes", [{"settings": ["slow"]}, {"seeds": 1}, {"key": "quality.memorisation"}]
)
def test_a_task_without_a_question_is_refused(changes):
    with pytest.raises(ValueError, match=r"it needs|better"):
        difference.seal({**TASK, **changes}, "s")


scores = st.lists(st.floats(0, 100), min_size=2, max_size=6)


@given(scores, scores)
def test_the_interval_is_welchs(first, second):
    if min(np.var(first), np.var(second)) < 1e-6:
        return
    mean, half = difference.interval(first, second)
    low, high = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert mean == pytest.approx(np.mean(first) - np.mean(second))
    assert half == pytest.approx((high - low) / 2)


def test_the_better_direction_is_that_of_the_measure():
    assert difference.conclusion(-3, 1, "quality.frechet_distance") == "A"
    assert difference.conclusion(-3, 1, "quality.recall") == "B"
    assert difference.conclusion(-3, 3, "quality.recall") == "C"
    assert difference.interval([1.0, 1.0], [2.0, 2.0]) == (-1.0, 0.0)
