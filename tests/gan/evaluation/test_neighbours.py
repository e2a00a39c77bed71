import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan.evaluation.neighbours import nearest


def by_force(queries, candidates):
    differences = queries[:, None].astype(np.float64) - candidates[None].astype(np.float64)
    return np.sqrt((differences.reshape(*differences.shape[:2], -1) ** 2).sum(axis=2))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    queries=st.integers(1, 6),
    candidates=st.integers(1, 40),
    shape=st.sampled_from([(1, 3, 3), (3, 4, 4), (5,)]),
)
def test_nearest_is_that_of_brute_force(seed, queries, candidates, shape):
    draw = np.random.default_rng(seed)
    one = draw.uniform(-1, 1, (queries, *shape)).astype(np.float32)
    other = draw.uniform(-1, 1, (candidates, *shape)).astype(np.float16)
    indices, distances = nearest(one, other)
    expected = by_force(one, other)
    assert np.allclose(expected[np.arange(queries), indices], expected.min(axis=1), atol=1e-5)
    assert np.allclose(distances, expected.min(axis=1), atol=2e-3)


@pytest.mark.parametrize("place", [0, 1023, 1024, 2047, 2500])
def test_copy_is_found_in_any_block(place):
    candidates = np.random.default_rng(1).uniform(-1, 1, (2501, 1, 4, 4)).astype(np.float16)
    indices, distances = nearest(candidates[[place]], candidates)
    assert indices.tolist() == [place]
    assert distances[0] == pytest.approx(0, abs=5e-3)


def test_first_of_equal_candidates_is_taken():
    candidates = np.zeros((1500, 2), np.float32)
    indices, distances = nearest(np.ones((1, 2), np.float32), candidates)
    assert indices.tolist() == [0]
    assert distances[0] == pytest.approx(2**0.5)


def test_candidates_may_be_a_memory_map(tmp_path):
    candidates = np.random.default_rng(1).uniform(-1, 1, (50, 1, 4, 4)).astype(np.float16)
    np.save(tmp_path / "a.npy", candidates)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert nearest(candidates[5:8], mapped)[0].tolist() == [5, 6, 7]
