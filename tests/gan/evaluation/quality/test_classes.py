import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from stages.gan.evaluation.quality.classes import (
    compare,
    coverage,
    coverage_error,
    divergence,
    histogram,
)
from stages.gan.evaluation.quality.scores import Estimate
from tests.helpers.simulation import error_over_spread

counts = st.lists(st.integers(0, 5000), min_size=2, max_size=12).map(np.array)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50))
def test_histogram_counts(classes):
    found = histogram(np.array(classes, np.uint8), 10)
    assert found.tolist() == [classes.count(kind) for kind in range(10)]


@pytest.mark.parametrize("dropped", [0, 1, 4, 9])
def test_coverage_is_the_share_of_classes_that_are_there(dropped):
    real = np.full(10, 1000)
    generated = np.full(10, 1000)
    generated[:dropped] = 3  # the judge's mistakes
    assert coverage(real, generated) == pytest.approx(1 - dropped / 10)


def test_a_rare_class_is_covered_by_a_tenth_of_its_share():
    real = np.array([9900, 100, 0])
    assert coverage(real, np.array([9990, 10, 0])) == 1.0
    assert coverage(real, np.array([9991, 9, 0])) == 0.5
    assert coverage(real, np.array([0, 9000, 1000])) == 0.5


@given(counts, counts)
def test_divergence_is_never_negative_and_always_finite(real, generated):
    size = min(len(real), len(generated))
    real, generated = real[:size], generated[:size]
    if real.sum() and generated.sum():
        assert -1e-12 <= divergence(real, generated) < np.inf
        assert divergence(real, real) == 0.0


def test_divergence_of_large_counts_is_scipys():
    real, generated = np.array([3e6, 5e6, 2e6]), np.array([1e6, 8e6, 1e6])
    assert divergence(real, generated) == pytest.approx(entropy(generated, real), rel=1e-5)


def test_images_are_counted_by_class_whatever_their_order():
    draw = np.random.default_rng(1)
    real, generated = draw.integers(0, 10, (2, 500)).astype(np.uint8)
    found = compare(real, generated, 10)
    whole = histogram(real, 10), histogram(generated, 10)
    assert found["class_coverage"].value == coverage(*whole)
    assert found["class_divergence"].value == divergence(*whole)


@pytest.mark.parametrize("rare", [0.005, 0.01, 0.02])
def test_the_error_of_coverage_is_about_the_spread_over_fresh_samples(rare):
    shares = np.array([rare] * 3 + [(1 - 3 * rare) / 7] * 7)

    def measured(draw):
        real, generated = draw.multinomial(300, np.full(10, 0.1)), draw.multinomial(300, shares)
        return Estimate(coverage(real, generated), coverage_error(real, generated))

    assert 0.7 < error_over_spread(measured, 300) < 1.5


def test_that_all_classes_are_covered_is_not_known_exactly():
    for count in (30, 3000):
        full = np.full(10, count)
        assert coverage_error(full, full) == pytest.approx(1.4 / (10 * count), rel=0.05)
        assert coverage_error(full, np.array([10 * count] + [0] * 9)) > 1.3 / (10 * count)


@pytest.mark.parametrize(("share", "lowest", "highest"), [(0.3, 0.8, 1.25), (0.5, 0.9, 1.9)])
def test_the_error_is_the_spread_over_fresh_samples(share, lowest, highest):
    def measured(draw):
        real, generated = draw.random((2, 500)) < [[0.5], [share]]
        return compare(real.astype(np.uint8), generated.astype(np.uint8), 10)["class_divergence"]

    assert lowest < error_over_spread(measured, 300) < highest
