import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from stages.gan.evaluation.judge.clusters import centroids_of, nearest_centroid
from tests.helpers.processes import cores


def blobs(count=300, clusters=4, size=5, seed=0):
    draw = np.random.default_rng(seed)
    centres = draw.normal(0, 20, (clusters, size))
    own = np.arange(count) % clusters
    return (centres[own] + draw.normal(0, 1, (count, size))).astype(np.float32), own


def test_clusters_far_apart_are_found():
    points, own = blobs()
    centroids = centroids_of(points, 4, np.random.default_rng(0))
    found = nearest_centroid(points, centroids)
    pairs = set(zip(own, found, strict=True))
    assert len(pairs) == 4
    for blob, cluster in pairs:
        mean = points[own == blob].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(centroids[cluster], mean, rtol=1e-9)


def test_result_is_as_good_as_scikit_learns():
    points = np.random.default_rng(1).normal(size=(500, 6))
    centroids = centroids_of(points, 8, np.random.default_rng(0))
    ours = ((points - centroids[nearest_centroid(points, centroids)]) ** 2).sum()
    theirs = KMeans(8, n_init=1, random_state=0).fit(points).inertia_
    assert ours < 1.1 * theirs


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 6))
def test_each_centroid_is_the_mean_of_its_points(seed, count):
    points = np.random.default_rng(seed).normal(size=(40, 3))
    centroids = centroids_of(points, count, np.random.default_rng(seed))
    assert centroids.shape == (count, 3)
    nearest = nearest_centroid(points, centroids)
    for index in np.unique(nearest):
        np.testing.assert_allclose(centroids[index], points[nearest == index].mean(axis=0))


def test_there_are_no_more_centroids_than_different_points():
    points = np.repeat(np.array([[0.0, 0.0], [3.0, 4.0]]), 5, axis=0)
    centroids = centroids_of(points, 7, np.random.default_rng(0))
    assert sorted(map(tuple, centroids)) == [(0.0, 0.0), (3.0, 4.0)]


def test_first_of_equally_near_centroids_is_taken():
    points, centroids = np.zeros((3, 1)), np.array([[2.0], [-1.0], [1.0]])
    assert nearest_centroid(points, centroids).tolist() == [1, 1, 1]


def test_nearest_is_the_same_in_one_block_and_in_many():
    points = np.random.default_rng(2).normal(size=(9000, 2))
    centroids = np.random.default_rng(3).normal(size=(5, 2))
    distances = np.linalg.norm(points[:, None] - centroids, axis=2)
    np.testing.assert_array_equal(nearest_centroid(points, centroids), distances.argmin(axis=1))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="binds a process to a core")
def test_a_seed_repeats_to_the_bit_on_one_core_and_on_all():
    points, _ = blobs(5000, 6, 64)
    with cores.on(cores.AVAILABLE):
        many = centroids_of(points, 10, np.random.default_rng(5))
    with cores.on(frozenset({min(cores.AVAILABLE)})):
        one = centroids_of(points, 10, np.random.default_rng(5))
    assert many.tobytes() == one.tobytes()
    assert many.tobytes() != centroids_of(points, 10, np.random.default_rng(6)).tobytes()
