import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan.trained.averaging import profiles
from tests.helpers.data import message_of

LENGTHS = st.floats(0.01, 0.28)
# Points of a fine grid over (0, 1], each in the middle of its cell.
CELLS = (np.arange(20_000) + 0.5) / 20_000


def density(time: float, exponent: float) -> np.ndarray:
    """The density of an average on CELLS, by its definition."""
    with np.errstate(under="ignore"):
        inside = (exponent + 1) / time * (CELLS / time) ** exponent
    return np.where(time >= CELLS, inside, 0.0)


@given(LENGTHS)
def test_the_length_is_the_deviation_of_its_density(length):
    p = density(1.0, profiles.gamma(length))
    mean = (CELLS * p).mean()
    assert p.mean() == pytest.approx(1, rel=1e-3)
    assert np.sqrt(((CELLS - mean) ** 2 * p).mean()) == pytest.approx(length, rel=1e-3)


def test_the_exponents_of_the_paper():
    assert profiles.gamma(0.05) == pytest.approx(16.97, abs=0.01)
    assert profiles.gamma(0.10) == pytest.approx(6.94, abs=0.01)


@pytest.mark.parametrize("length", [0.0, -0.1, 12**-0.5, 0.3, float("nan")])
def test_a_length_out_of_range_is_named(length):
    text = message_of(profiles.gamma, length)
    assert text == f"the length is {length}: valid is above 0 to below 0.289"


@given(st.floats(0.2, 1), LENGTHS, st.floats(0.2, 1), LENGTHS)
def test_the_overlap_is_the_integral_of_the_product(time, length, other_time, other_length):
    a, b = profiles.gamma(length), profiles.gamma(other_length)
    end = min(time, other_time)  # after it, one of both is 0
    u = CELLS * end
    product = (a + 1) / time * (u / time) ** a * (b + 1) / other_time * (u / other_time) ** b
    found = profiles.overlap(*map(np.float64, (time, a, other_time, b)))
    assert found == pytest.approx(product.mean() * end, rel=1e-3)
    assert found == pytest.approx(
        profiles.overlap(*map(np.float64, (other_time, b, time, a))), rel=1e-12
    )


def stored(count: int, lengths=(0.05, 0.10)) -> tuple[np.ndarray, np.ndarray]:
    """The times and exponents of so many snapshots, evenly spaced up to 1,000 updates."""
    times = np.repeat(np.arange(1, count + 1) * 1000.0 / count, len(lengths))
    return times, np.tile([profiles.gamma(length) for length in lengths], count)


@settings(max_examples=30)
@given(st.sampled_from([1, 2, 4, 5, 8, 10, 16]), LENGTHS)
def test_no_other_factors_with_the_sum_1_come_nearer(count, length):
    times, exponents = stored(count)
    wanted = density(1.0, profiles.gamma(length))
    factors, error = profiles.combination(times, exponents, 1000.0, profiles.gamma(length))
    assert factors.sum() == pytest.approx(1)
    densities = np.stack([density(t / 1000, e) for t, e in zip(times, exponents, strict=True)])
    left = factors @ densities - wanted
    measured = np.sqrt((left**2).mean() / (wanted**2).mean())
    assert error == pytest.approx(measured, abs=2e-3)
    draw = np.random.default_rng(count)
    rounding = 1e-5 * (wanted**2).mean()
    for scale in (1.0, 1e-2):
        other = draw.normal(size=len(factors)) * scale
        other -= other.mean()  # the sum stays 1
        further = (((factors + other) @ densities - wanted) ** 2).mean()
        assert further >= (left**2).mean() - rounding


@pytest.mark.parametrize("count", [1, 2, 8, 16])
@pytest.mark.parametrize("place", [0, 1])
def test_a_stored_average_is_combined_of_itself_alone(count, place):
    times, exponents = stored(count)
    factors, error = profiles.combination(times, exponents, 1000.0, exponents[place])
    assert error == pytest.approx(0, abs=1e-6)
    expected = np.zeros(2 * count)
    expected[-2 + place] = 1
    np.testing.assert_allclose(factors, expected, atol=1e-6)


def test_more_snapshots_leave_a_smaller_error():
    errors = [
        profiles.combination(*stored(count), 1000.0, profiles.gamma(0.15))[1]
        for count in (2, 4, 8, 16, 32)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.05
    assert errors[4] < 0.005
