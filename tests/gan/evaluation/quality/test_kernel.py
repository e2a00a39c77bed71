import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.evaluation.quality.kernel import distance, prepare
from tests.helpers.simulation import error_over_spread


def by_force(one, other):
    """Binkowski et al. 2018, the estimator as written, from whole matrices."""

    def kernel(x, y):
        return (x.astype(np.float64) @ y.astype(np.float64).T / x.shape[1] + 1.0) ** 3

    def within(x):
        matrix = kernel(x, x)
        return (matrix.sum() - np.trace(matrix)) / (len(x) * (len(x) - 1))

    return within(one) + within(other) - 2.0 * kernel(one, other).mean()


@given(st.integers(0, 10_000), st.integers(10, 600), st.integers(10, 600), st.integers(1, 5))
def test_is_the_estimator_as_written(seed, count, other_count, size):
    draw = np.random.default_rng(seed)
    one = draw.standard_normal((count, size)).astype(np.float32)
    other = draw.standard_normal((other_count, size)).astype(np.float32) * 1.5
    found = distance(prepare(one, 5), prepare(other, 5))
    assert found.value == pytest.approx(by_force(one, other), rel=1e-9, abs=1e-11)


def test_replicates_are_of_the_samples_without_a_part():
    draw = np.random.default_rng(1)
    one, other = draw.standard_normal((2, 100, 3)) * [[[1.0]], [[1.3]]]
    found = distance(prepare(one, 4), prepare(other, 4))
    rest = [
        by_force(*(np.delete(x, np.s_[25 * i : 25 * i + 25], axis=0) for x in (one, other)))
        for i in range(4)
    ]
    assert found.error == pytest.approx(np.sqrt(0.75 * np.sum((rest - np.mean(rest)) ** 2)))


@pytest.mark.parametrize("count", [20, 60])
def test_it_is_unbiased_at_any_number_of_images(count):
    """Between equal distributions it is 0 on average, and between others the same at any count.

    For a shift m of N(0, I) in one dimension MMD^2 is the sum of squared differences of moments:
    3 (m1)^2 + 3 (m2)^2 + (m3)^2, with m1 = m, m2 = m^2, m3 = m^3 + 3 m.
    """
    draw = np.random.default_rng(count)
    shift = 0.5
    for expected, moved in ((0.0, 0.0), (3 * 0.5**2 + 3 * 0.25**2 + 1.625**2, shift)):
        found = [
            distance(prepare(x, 2), prepare(y + moved, 2)).value
            for x, y in draw.standard_normal((400, 2, count, 1))
        ]
        noise = 4 * np.std(found) / len(found) ** 0.5
        assert abs(np.mean(found) - expected) < noise
        # With pairs of an image with itself it would be too high by about this.
        if not moved:
            assert 2 * (28 - 4) / count > noise


@pytest.mark.parametrize(("scale", "lowest", "highest"), [(1.4, 0.75, 1.3), (1.0, 0.9, 1.8)])
def test_the_error_is_the_spread_over_fresh_samples(scale, lowest, highest):
    def measured(draw):
        one, other = draw.standard_normal((2, 200, 4))
        return distance(prepare(one, 10), prepare(other * scale, 10))

    assert lowest < error_over_spread(measured, 120) < highest
