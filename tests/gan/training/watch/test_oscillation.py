import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.training.watch import oscillation


@given(st.lists(st.floats(0, 1), max_size=40), st.floats(0.01, 1))
def test_a_curve_that_is_turned_over_or_round_swings_as_often(values, least):
    found = oscillation.count(values, least)
    assert 0 <= found <= max(0, len(values) - 2)
    assert oscillation.count([-value for value in values], least) == found
    assert oscillation.count(sorted(values), least) == 0


@pytest.mark.parametrize("steps", [1_000, 20_000])
def test_rare_slow_swings_of_a_long_run_are_not_told(steps):
    level = np.where(np.arange(steps) // 300 % 2, 0.62, 0.38)  # three turns in 1,000 steps
    assert oscillation.describe(level) == ""
    level = np.where(np.arange(steps) // 100 % 2, 0.62, 0.38)  # ten
    turns = steps // 100 - 2  # the first way up has none at its foot
    assert oscillation.describe(level) == (
        f"D(G(z)), averaged over 10 steps, turned {turns} times by more than 0.2 in the last "
        f"{steps} steps"
    )


@pytest.mark.parametrize(("steps", "told"), [(49, False), (50, True)])
def test_swings_from_step_to_step_are_told_of_enough_steps(steps, told):
    answers = np.where(np.arange(steps) % 2, 0.75, 0.2)
    expected = f"D(G(z)) turned {steps - 2} times by more than 0.4 in the last {steps} steps"
    assert oscillation.describe(answers) == (expected if told else "")


def test_small_swings_from_step_to_step_are_not_told():
    assert oscillation.describe(np.where(np.arange(400) % 2, 0.69, 0.3)) == ""


@pytest.mark.parametrize("steps", [0, 1, 9])
def test_nothing_is_told_of_hardly_any_steps(steps):
    assert oscillation.describe(np.linspace(0.0, 1.0, steps)) == ""
