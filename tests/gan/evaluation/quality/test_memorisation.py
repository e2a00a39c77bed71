import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from stages.gan.evaluation.quality.blocks import Points, Rough, squared_lengths
from stages.gan.evaluation.quality.memorisation import closer, compare, near_copies, nearest
from tests.helpers.simulation import error_over_spread


def distances(queries, training):
    return nearest(queries, training)


@pytest.mark.parametrize(("queries", "training"), [(3, 5), (251, 999), (40, 2001)])
def test_nearest_is_that_of_brute_force(queries, training):
    draw = np.random.default_rng(queries)
    one, other = draw.standard_normal((queries, 7)), draw.standard_normal((training, 7))
    expected = ((one[:, None] - other) ** 2).sum(axis=2).min(axis=1)
    assert distances(one, other) == pytest.approx(expected, rel=1e-6)


@given(
    seed=st.integers(0, 1000),
    queries=st.integers(1, 300),
    training=st.integers(1, 2500),
    size=st.integers(1, 40),
    offset=st.sampled_from([0.0, 1.0, 300.0]),
    kinds=st.sampled_from([0, 5]),
)
def test_nearest_is_that_of_all_distances_in_float64(seed, queries, training, size, offset, kinds):
    """To the last bit but one of float32; far from 0, and with many points equally near."""
    draw = np.random.default_rng(seed)
    one, other = draw.standard_normal((2, max(queries, training), size)).astype(np.float32)
    if kinds:
        one, other = np.rint(one), np.rint(other)
    one, other = one[:queries] + np.float32(offset), other[:training] + np.float32(offset)
    longest = squared_lengths(other).max()
    every = slice(0, queries), slice(0, training)
    expected = Points(one).squares_to(every[0], Points(other, longest), every[1]).min(axis=1)
    np.testing.assert_allclose(distances(one, other), expected, rtol=2e-7, atol=1e-12 * longest)


@given(st.integers(0, 1000), st.integers(1, 60), st.floats(0, 1000), st.floats(1e-3, 10))
def test_rough_distances_are_as_near_as_their_bound_says(seed, size, offset, spread):
    draw = np.random.default_rng(seed)
    one, other = draw.standard_normal((2, 40, size)) * spread + offset
    centre = other.mean(axis=0)
    rough, beside = Rough(one, centre), Rough(other, centre)
    every = slice(0, 40)
    found = rough.squares_to(every, beside).astype(np.float64)
    expected = ((one[:, None] - other) ** 2).sum(axis=2)
    longest = max(squared_lengths(one).max(), squared_lengths(other).max())
    bound = rough.errors(beside.lengths.max(), longest)
    assert (np.abs(found - expected) <= bound[:, None]).all()


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_where_float32_overflows_the_exact_distances_decide():
    one, other = np.random.default_rng(1).standard_normal((2, 50, 3)) * 1e20
    one[:25] = other[:25]
    found = distances(one.astype(np.float32), other.astype(np.float32))
    expected = ((one[:, None] - other) ** 2).sum(axis=2).min(axis=1)
    within = expected < np.finfo(np.float32).max
    assert found[within] == pytest.approx(expected[within], rel=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_a_copy_is_at_0(offset):
    training = (np.random.default_rng(1).standard_normal((300, 64)) + offset).astype(np.float32)
    assert not distances(training[::3], training).any()


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=30),
    st.lists(st.integers(0, 5), min_size=1, max_size=30),
)
def test_closer_is_the_rank_statistic_of_the_source(held_out, generated):
    """Meehan et al. 2020: U counts pairs in which the held-out image is farther, over N M."""
    one, other = np.array(held_out, np.float32), np.array(generated, np.float32)
    expected = mannwhitneyu(one, other).statistic / (len(one) * len(other))
    assert closer(one, other) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 1.0])
def test_copies_are_seen_in_proportion(share):
    draw = np.random.default_rng(2)
    training, held_out, fresh = draw.standard_normal((3, 2000, 4))
    copied = round(share * 2000)
    generated = np.concatenate([training[:copied], fresh[copied:]])
    to_training = [distances(x, training) for x in (held_out, generated)]
    assert closer(*to_training) == pytest.approx(0.5 + share / 2, abs=0.03)
    assert near_copies(*to_training) == pytest.approx(0.01 + 0.99 * share, abs=0.01)


def test_bad_images_hide_copies_from_one_measure_but_not_from_the_other():
    draw = np.random.default_rng(3)
    training, held_out, fresh = draw.standard_normal((3, 1000, 4))
    generated = np.concatenate([training[:100], fresh[100:] + 5.0])
    to_training = [distances(x, training) for x in (held_out, generated)]
    assert closer(*to_training) < 0.2
    assert near_copies(*to_training) == pytest.approx(0.1)


def test_the_training_features_are_never_copied_as_a_whole():
    """They may be a memory map that is larger than the memory."""
    training = np.random.default_rng(5).standard_normal((60_000, 64)).astype(np.float32)
    queries = training[:300]
    tracemalloc.start()
    found = nearest(queries, training)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not found.any()
    assert most < training.nbytes  # in float64, twice, it would be 4 times as much


@given(st.integers(0, 1000), st.integers(100, 400), st.integers(1, 40))
def test_near_copies_of_images_alike_are_1_percent_whatever_is_tied(seed, count, kinds):
    """Over all of which image is the generated one, each as probable as the other."""
    draw = np.random.default_rng(seed)
    values = draw.integers(0, kinds, count).astype(np.float32)
    found = [near_copies(np.delete(values, i), values[i : i + 1]) for i in range(count)]
    assert np.mean(found) == pytest.approx(0.01)


@pytest.mark.parametrize(("duplicates", "expected"), [(0, 1.0), (10, 0.91), (40, 0.244)])
def test_a_copier_is_seen_where_held_out_images_are_duplicates_of_training_images(
    duplicates, expected
):
    held_out = np.linspace(1.0, 2.0, 1000).astype(np.float32)
    held_out[:duplicates] = 0.0
    assert near_copies(held_out, np.zeros(500, np.float32)) == pytest.approx(expected, abs=1e-3)
    assert near_copies(held_out, held_out) == pytest.approx(0.01, abs=1e-3)


def test_that_nothing_was_copied_is_not_known_exactly():
    held_out = np.linspace(1.0, 2.0, 300).astype(np.float32)
    for generated, copies, memorised in ((held_out + 2.0, 0.0, 0.0), (held_out * 0.0, 1.0, 1.0)):
        found = compare(held_out, generated, 10)
        assert found["near_copies"].value == copies
        assert found["memorisation"].value == memorised
        for estimate in found.values():
            assert estimate.error == pytest.approx(1.4 / 300, rel=0.05)


@pytest.mark.parametrize("copied", [0, 120])
def test_the_error_is_the_spread_over_fresh_samples(copied):
    training = np.random.default_rng(4).standard_normal((500, 4))
    for name in ("memorisation", "near_copies"):

        def one(draw, name=name):
            held_out, generated = draw.standard_normal((2, 800, 4))
            generated[draw.random(800) < copied / 800] = training[0]
            pair = [distances(x, training) for x in (held_out, generated)]
            return compare(*pair, 10)[name]

        assert 0.7 < error_over_spread(one, 100) < 1.5, name
