import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.tools.compare import significance

SCORES = st.lists(st.integers(1, 100), min_size=2, max_size=5)


def found(samples, logarithmic=False):
    return [each.is_found for each in significance.compare(samples, logarithmic)]


def test_two_settings_are_compared_by_welchs_test():
    left, right = [1.0, 2.0, 4.0], [9.0, 7.0, 5.5]
    (answer,) = significance.compare([left, right])
    assert answer.p == pytest.approx(stats.ttest_ind(left, right, equal_var=False).pvalue)
    assert answer.difference == pytest.approx(7 / 3 - 21.5 / 3)
    (answer,) = significance.compare([left, right], logarithmic=True)
    logs = np.log(left), np.log(right)
    assert answer.p == pytest.approx(stats.ttest_ind(*logs, equal_var=False).pvalue)
    assert answer.difference == pytest.approx(math.exp(np.mean(logs[0]) - np.mean(logs[1])))


def test_more_settings_need_smaller_p_values():
    near, far = [1.0, 1.4, 1.8], [2.4, 2.8, 3.2]
    assert found([near, far]) == [True]
    assert not any(found([near, far, near, far]))


@given(st.lists(SCORES, min_size=2, max_size=4))
def test_it_depends_on_no_order_and_no_unit(samples):
    answers = {(each.left, each.right): each.p for each in significance.compare(samples, True)}
    last = len(samples) - 1
    doubled = [[2 * value for value in one] for one in samples[::-1]]
    for each in significance.compare(doubled, True):
        p = answers[last - each.right, last - each.left]
        assert each.p is None if p is None else each.p == pytest.approx(p, rel=0.01, abs=1e-6)


@given(st.lists(st.floats(0, 1), max_size=6))
def test_adjusted_p_values_keep_their_order_and_are_never_smaller(p_values):
    adjusted = significance.holm(p_values)
    for one, other in itertools.pairwise(sorted(zip(p_values, adjusted, strict=True))):
        assert one[1] <= other[1]
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))


def test_without_spread_or_with_one_run_there_is_no_answer():
    one, two, equal = [1.0], [1.0, 2.0], [3.0, 3.0]
    answers = significance.compare([one, two, equal, equal, []])
    assert {(each.left, each.right) for each in answers if each.p is None} == {
        (0, 1), (0, 2), (0, 3), (2, 3),
    }  # fmt: skip
    assert len(answers) == 6  # the setting without scores is in no pair


@pytest.mark.parametrize(
    ("draw", "logarithmic"),
    [
        (lambda rng: rng.normal(size=(4, 3)), False),
        (lambda rng: rng.normal(size=(4, 3)) * [[1], [10], [1], [3]], False),
        (lambda rng: np.exp(rng.normal(size=(4, 3))), True),
        (lambda rng: rng.exponential(size=(4, 3)), True),
        (lambda rng: rng.normal(size=(4, 3)) + rng.normal(size=(1, 3)), False),
    ],
    ids=["normal", "unequal spreads", "log-normal", "exponential", "shared seeds"],
)
def test_equal_settings_are_rarely_told_apart(draw, logarithmic):
    """In benchmarks/seeds.py with more repeats."""
    rng = np.random.default_rng(0)
    repeats = 300
    wrong = sum(any(found(draw(rng), logarithmic)) for _ in range(repeats))
    assert wrong / repeats < 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)


def test_large_differences_are_found():
    rng = np.random.default_rng(0)
    shift = np.array([[0], [10]])
    assert sum(found(rng.normal(size=(2, 3)) + shift)[0] for _ in range(100)) > 95


def test_settings_of_different_judges_are_in_no_pair_and_do_not_count():
    near, far = [1.0, 1.1, 1.2], [5.0, 5.2, 5.1]
    answers = significance.compare([near, far, far], judges=["a", "a", "b"])
    assert answers == significance.compare([near, far])
