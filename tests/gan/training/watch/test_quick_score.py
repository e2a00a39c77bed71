import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from stages.gan.data.prepared import to_levels
from stages.gan.training.watch import quick_score
from stages.gan.training.watch.quick_score import QuickScore, distance, set_aside, whitening
from tests.helpers.training.runs import split


@given(st.integers(0, 1000), st.integers(1, 12))
def test_on_a_line_it_is_the_distance_of_the_best_pairing(seed, count):
    """Of order 2: no other pairing of the points has a smaller mean square."""
    draw = np.random.default_rng(seed)
    one, other = np.sort(draw.standard_normal((2, count, 1)), axis=1)
    pairs = np.square(one - other[:, 0])
    best = np.sqrt(pairs[linear_sum_assignment(pairs)].mean())
    assert distance(one, other) == pytest.approx(best)


def scored(images, monkeypatch, real):
    monkeypatch.setattr(quick_score, "generate", lambda generator, codes, kept_as: kept_as(images))
    return QuickScore(real, 6, 1).of(None)


def levels(seed, count=300, noise=0.0):
    """Bars in random places, with noise."""
    draw = np.random.default_rng(seed)
    images = np.full((count, 1, 8, 8), -0.5)
    images[np.arange(count), 0, :, draw.integers(0, 8, count)] = 0.5
    images += noise * draw.standard_normal(images.shape)
    return np.clip(images, -1, 1).astype(np.float32)


def test_it_rises_with_damage_and_repeats(monkeypatch):
    real = levels(1)
    found = [scored(levels(2, noise=each), monkeypatch, real) for each in (0.0, 0.1, 0.2, 0.4)]
    assert found == sorted(found)
    assert found[-1] > 3 * found[0] > 0
    assert found[0] == scored(levels(2), monkeypatch, real)


def test_the_same_images_have_no_distance(monkeypatch):
    real = to_levels(levels(1)).astype(np.float32)
    assert scored(real[::-1], monkeypatch, real) == pytest.approx(0.0, abs=1e-5)


def test_whitened_features_vary_alike_where_there_is_variance():
    draw = np.random.default_rng(4)
    features = draw.standard_normal((4000, 3)) * [5.0, 1.0, 0.0] @ np.linalg.qr(np.eye(3) + 0.3)[0]
    found = np.linalg.eigvalsh(np.cov((features @ whitening(features)).T))
    ridge = 0.1 * 26 / 3
    assert found == pytest.approx([0.0, 1 / (1 + ridge), 25 / (25 + ridge)], abs=0.03)
    assert np.isfinite(whitening(features[:1])).all()


def test_what_is_set_aside_is_not_trained_on():
    data = split()
    rest, aside = set_aside(data, 12, 3)
    assert (len(rest), len(aside)) == (28, 12)
    every = np.concatenate([rest.batch(np.arange(28)), aside]).astype(np.float16)
    assert sorted(map(bytes, every)) == sorted(map(bytes, data.images))
    # Images and codes stay together.
    places = {bytes(image): row for row, image in enumerate(data.images)}
    row = places[bytes(rest.batch(np.array([5])).astype(np.float16)[0])]
    np.testing.assert_array_equal(rest.codes(np.array([5]))[0], data.latents[row])
    assert set_aside(data, 12, 4)[1].tolist() != aside.tolist()
