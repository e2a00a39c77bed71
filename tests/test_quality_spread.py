import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.quality.scores import Estimate
from stages.gan.quality.spread import jackknife, parts, subsets


@given(st.integers(2, 1000), st.data())
def test_parts_hold_each_row_once_and_are_nearly_equal(count, data):
    number = data.draw(st.integers(2, count))
    found = parts(count, number)
    assert [row for part in found for row in range(part.start, part.stop)] == list(range(count))
    lengths = {part.stop - part.start for part in found}
    assert len(found) == number
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("number", [-1, 0, 1, 6])
def test_other_numbers_of_parts_are_refused(number):
    with pytest.raises(ValueError, match=rf"5 rows.*{number} parts, valid is 2 to 5"):
        parts(5, number)


@given(st.integers(0, 1000))
def test_of_a_mean_both_are_the_standard_error_of_the_means_of_parts(seed):
    """And so unbiased for sigma / sqrt(N)."""
    values = np.random.default_rng(seed).standard_normal(120)
    slices = parts(120, 10)
    means = [values[part].mean() for part in slices]
    expected = np.std(means, ddof=1) / 10**0.5
    without = [np.delete(values, part).mean() for part in slices]
    assert jackknife(values.mean(), without).error == pytest.approx(expected)
    assert subsets(values.mean(), means).error == pytest.approx(expected)


def test_a_score_is_an_estimate_beside_its_floor():
    score = Estimate(0.5, None).against(Estimate(0.25, 0.1))
    assert score.to_json() == {"value": 0.5, "error": None, "floor": 0.25}
