import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.evaluation.quality.standard_errors import (
    HALVES,
    at_least,
    half_samples,
    jackknife,
    of_share,
    parts,
)


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


@pytest.mark.parametrize("count", [0, 1])
def test_rows_that_no_number_of_parts_fits_are_refused(count):
    with pytest.raises(ValueError, match=rf"{count} rows .* valid is 2 rows or more"):
        parts(count, 2)


@given(st.integers(0, 1000))
def test_of_a_mean_the_jackknife_is_the_standard_error_of_the_means_of_parts(seed):
    """And so unbiased for sigma / sqrt(N)."""
    values = np.random.default_rng(seed).standard_normal(120)
    slices = parts(120, 10)
    means = [values[part].mean() for part in slices]
    expected = np.std(means, ddof=1) / 10**0.5
    without = [np.delete(values, part).mean() for part in slices]
    assert jackknife(values.mean(), without).error == pytest.approx(expected)


@given(st.integers(0, 1000))
def test_of_a_mean_half_samples_are_the_standard_error_of_the_means_of_parts(seed):
    """So 15 balanced ways lose nothing of what 16 parts tell."""
    values = np.random.default_rng(seed).standard_normal(160).reshape(16, 10)
    pairs = [(values[half].mean(), values[~half].mean()) for half in HALVES]
    expected = np.std(values.mean(axis=1), ddof=1) / 4
    assert half_samples(values.mean(), pairs).error == pytest.approx(expected)


def test_each_half_has_half_of_the_parts():
    assert HALVES.shape == (15, 16)
    assert (HALVES.sum(axis=1) == 8).all()


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_error_of_a_share_is_never_0_and_binomial_where_images_are_many(count, value):
    error = of_share(value, count)
    assert error > 1.0 / (count + 4)
    assert of_share(value, 10**8) == pytest.approx((value * (1 - value) / 1e8) ** 0.5, abs=2e-8)


def test_no_error_is_below_the_least():
    assert at_least(0.1, Estimate(1.0, 0.0)) == Estimate(1.0, 0.1)
    assert at_least(0.1, Estimate(1.0, 0.2)) == Estimate(1.0, 0.2)


def test_a_score_is_an_estimate_beside_its_floor():
    score = Estimate(0.5, None).against(Estimate(0.25, 0.1))
    assert score.to_json() == {
        "value": 0.5,
        "error": None,
        "floor": 0.25,
        "floor_error": 0.1,
    }
