import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from stages.gan.evaluation.quality.frechet import distance, gaussians, moments
from tests.helpers.simulation import error_over_spread


def covariance(draw, size, rank=None):
    factor = draw.standard_normal((rank or size, size))
    return factor.T @ factor


@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(1e-3, 1e3))
def test_closed_form_where_the_covariances_commute(seed, size, scale):
    """Then it is |m1 - m2|^2 + sum (s1 - s2)^2 over the shared axes."""
    draw = np.random.default_rng(seed)
    axes = np.linalg.qr(draw.standard_normal((size, size)))[0]
    one, other = draw.uniform(0.1, 3.0, (2, size)) * scale
    mean, other_mean = draw.standard_normal((2, size)) * scale
    expected = np.sum((mean - other_mean) ** 2) + np.sum((one - other) ** 2)
    found = gaussians(mean, (axes * one**2) @ axes.T, other_mean, (axes * other**2) @ axes.T)
    assert found == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_agrees_with_the_root_of_the_product(seed, size):
    draw = np.random.default_rng(seed)
    one, other = (covariance(draw, size) + 0.1 * np.eye(size) for _ in range(2))
    expected = np.trace(one + other - 2.0 * sqrtm(one @ other).real)
    found = gaussians(np.zeros(size), one, np.zeros(size), other)
    assert found == pytest.approx(expected, rel=1e-6)
    assert gaussians(np.zeros(size), other, np.zeros(size), one) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("rank", [1, 5, 63])
def test_singular_covariances(rank):
    """Equal ones are at 0, to the rounding; scaled ones at (a - 1)^2 tr C."""
    draw = np.random.default_rng(rank)
    singular = covariance(draw, 64, rank)
    none = np.zeros(64)
    trace = np.trace(singular)
    assert gaussians(none, singular, none, singular) < 1e-12 * trace
    assert gaussians(none, singular, none, 9.0 * singular) == pytest.approx(4.0 * trace, rel=1e-9)
    assert gaussians(none, singular, none, 0.0 * singular) == pytest.approx(trace, rel=1e-12)


def test_equal_samples_are_at_0_and_a_shift_at_its_square():
    features = np.random.default_rng(1).standard_normal((500, 20)).astype(np.float32) + 1e3
    own = moments(features, 10)
    assert distance(own, own).value < 1e-9
    # 0.5 is exact in float32 at this size, so that only the mean moves.
    assert distance(own, moments(features + np.float32(0.5), 10)).value == pytest.approx(
        20 * 0.25, rel=1e-9
    )


@given(st.integers(0, 1000), st.sampled_from([None, 0, 3, 6]))
def test_moments_are_numpys_with_or_without_a_part(seed, without):
    draw = np.random.default_rng(seed)
    features = (draw.standard_normal((45, 4)) + 100.0).astype(np.float32)
    whole = moments(features, 7)
    start = 0 if without is None else whole.counts[:without].sum()
    length = 0 if without is None else whole.counts[without]
    kept = np.delete(features.astype(np.float64), np.s_[start : start + length], axis=0)
    mean, spread = whole.gaussian(without)
    assert mean == pytest.approx(kept.mean(axis=0), rel=1e-12)
    assert spread == pytest.approx(np.cov(kept, rowvar=False), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("shift", "lowest", "highest"), [(0.5, 0.75, 1.3), (0.0, 0.9, 1.8)])
def test_the_error_is_the_spread_over_fresh_samples(shift, lowest, highest):
    def measured(draw):
        one, other = draw.standard_normal((2, 300, 6))
        return distance(moments(one, 10), moments(other * (1 + shift) + shift, 10))

    assert lowest < error_over_spread(measured, 150) < highest
