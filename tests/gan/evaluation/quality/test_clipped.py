import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from stages.gan.evaluation.quality.clipped import (
    NAMES,
    clipped_mean,
    expected,
    median_radius,
    share_of_good,
    slope,
)
from stages.gan.evaluation.quality.manifolds import compare, manifold
from stages.gan.evaluation.quality.standard_errors import HALVES, half_samples, parts

K = 5


def measured(real, generated, neighbours=K):
    return compare(manifold(real, neighbours), manifold(generated, neighbours))


def by_the_formula(real, generated, k):
    """Both scores, unclipped at 1, from whole matrices of distances, image by image."""

    def distances(left, right):
        return np.linalg.norm(left[:, None].astype(np.float64) - right[None], axis=2)

    among = distances(real, real)
    np.fill_diagonal(among, np.inf)
    radii = np.sort(among, axis=1)[:, k - 1]
    small = np.minimum(radii, np.median(radii))
    across = distances(real, generated)

    def share(table):
        return np.mean([min(np.sum(table[:, j] <= small), k) / k for j in range(table.shape[1])])

    density = share(across) / share(among + 1e-9 * (small[:, None] == 0))
    y = np.mean([min(np.sum(across[i] < radii[i]), k) / k for i in range(len(real))])
    counts, of = np.arange(len(generated) + 1), np.arange(len(generated) + 1)[:, None]
    chances = betabinom.pmf(counts, of, k, len(real) - k)  # 0 beyond so many
    values = np.sum(np.minimum(counts, k) * chances, axis=1) / k
    assert np.all(np.diff(values) > 0)
    coverage = (
        np.interp(y, values, np.arange(len(values))) / len(generated)
        if y <= values[-1]
        else 1 + (y - values[-1]) / (values[-1] - values[-2]) / len(generated)
    )
    return {"clipped_density": density, "clipped_coverage": coverage}


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(40, 90),
    generated_count=st.integers(40, 90),
    size=st.integers(2, 12),
    neighbours=st.integers(1, 9),
    spread=st.floats(0.3, 2.0),
)
# The two middle radii are those of two real images that are each other's nearest.
@example(seed=69, count=40, generated_count=40, size=2, neighbours=1, spread=1.0)
def test_both_are_those_of_the_formula(seed, count, generated_count, size, neighbours, spread):
    draw = np.random.default_rng(seed)
    real = draw.standard_normal((count, size)).astype(np.float32)
    generated = (draw.standard_normal((generated_count, size)) * spread).astype(np.float32)
    found = measured(real, generated, neighbours)
    for name, value in by_the_formula(real, generated, neighbours).items():
        assert found[name].value == pytest.approx(min(value, 1.0), abs=1e-6), name


def test_errors_are_of_both_halves_in_all_ways_and_do_not_end_at_1():
    real, generated = np.random.default_rng(2).standard_normal((2, 150, 3)).astype(np.float32)
    found = measured(real, generated, 3)
    kinds = np.zeros(150, int)
    for part, rows in enumerate(parts(150, 16)):
        kinds[rows] = part
    pairs = [
        [by_the_formula(real[side], generated[side], 3) for side in (half[kinds], ~half[kinds])]
        for half in HALVES
    ]
    for name in NAMES:
        halves = half_samples(0.0, [(one[name], other[name]) for one, other in pairs]).error
        assert found[name].error == pytest.approx(halves, rel=1e-5), name


@given(real=st.integers(20, 3000), generated=st.integers(1, 200), neighbours=st.integers(1, 10))
def test_the_expected_mean_is_that_of_the_beta_binomial_distribution(real, generated, neighbours):
    found = expected(real, generated, neighbours)
    assert found[0] == 0.0
    for m in {1, generated // 2, generated}:
        counts = np.arange(m + 1)
        chances = betabinom.pmf(counts, m, neighbours, real - neighbours)
        mean = np.sum(np.minimum(counts, neighbours) * chances) / neighbours
        assert found[m] == pytest.approx(mean, abs=1e-9)


def test_the_expected_mean_is_what_draws_give():
    """Of 40 real and 30 generated images of one distribution, in any number of dimensions."""
    draw, found = np.random.default_rng(3), []
    for _ in range(400):
        real, generated = np.sort(draw.random(40)), draw.random(30)
        distance = np.abs(real[:, None] - real)
        radii = np.sort(distance, axis=1)[:, 3]  # the first is the image itself
        inside = np.sum(np.abs(real[:, None] - generated) < radii[:, None], axis=1)
        found.append(clipped_mean(inside, 3))
    error = np.std(found) / len(found) ** 0.5
    assert np.mean(found) == pytest.approx(expected(40, 30, 3)[-1], abs=4 * error)


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=30))
def test_the_median_radius_is_that_of_the_radii_and_not_of_their_squares(radii):
    squares = np.square(np.array(radii, np.float32))
    expected_median = np.median(np.sqrt(squares.astype(np.float64))) ** 2
    assert median_radius(squares) == pytest.approx(expected_median, rel=1e-5, abs=1e-30)


def test_a_share_and_its_slope_fit_each_other():
    values = expected(500, 400, K)
    assert share_of_good(values[300], 500, 400, K) == pytest.approx(0.75)
    step = share_of_good(values[300] + 1e-6, 500, 400, K) - 0.75
    assert slope(500, 400, K, 0.75) == pytest.approx(step / 1e-6, rel=0.01)
    assert share_of_good(values[-1] + 0.01, 500, 400, K) > 1.0


def good(draw, count, size=4):
    return draw.standard_normal((count, size)).astype(np.float32)


def bad(draw, count, size=4):
    return (draw.standard_normal((count, size)) + 40.0).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_both_fall_as_the_share_of_bad_images_rises(name):
    """Linearly, which is what they are for: figures 1 and 4 of the paper."""
    real = good(np.random.default_rng(11), 600)
    for share in (0.0, 0.2, 0.5, 0.8, 1.0):
        draw = np.random.default_rng(12)
        number = round(share * 600)
        generated = np.concatenate([bad(draw, number), good(draw, 600 - number)])
        generated = generated[draw.permutation(600)]
        found = measured(real, generated)[name]
        assert found.value == pytest.approx(1.0 - share, abs=0.07), share


def test_outliers_among_the_real_images_do_not_lift_them():
    """A bad image between two outliers lies in their balls: density counts it, the clipped not."""
    draw = np.random.default_rng(13)
    real = good(draw, 600)
    real[:30] *= 30.0
    generated = np.concatenate([good(draw, 400), draw.uniform(-25, 25, (200, 4))])
    generated = generated.astype(np.float32)[draw.permutation(600)]
    found = measured(real[draw.permutation(600)], generated)
    assert found["precision"].value > 0.95  # which is fooled
    assert found["clipped_density"].value == pytest.approx(400 / 600, abs=0.07)


def test_images_that_are_too_likely_lift_density_above_that_of_real_ones_but_not_the_clipped():
    draw = np.random.default_rng(14)
    real, likely = good(draw, 600, 12), 0.6 * good(draw, 600, 12)
    found = measured(real, likely)
    assert found["density"].value > 1.4
    assert found["clipped_density"].value == 1.0
    assert found["clipped_density"].error > 0.0


def test_a_collapsed_generator_covers_one_ball():
    real = good(np.random.default_rng(15), 600)
    found = measured(real, np.repeat(real[:1], 600, axis=0))
    assert found["clipped_coverage"].value < 0.05


def test_copies_of_few_images_do_not_cover_what_many_cover():
    draw = np.random.default_rng(16)
    real, generated = good(draw, 600), good(draw, 600)
    few = generated[np.arange(600) // 6]
    assert measured(real, generated)["clipped_coverage"].value > 0.9
    assert measured(real, few)["clipped_coverage"].value < 0.7
