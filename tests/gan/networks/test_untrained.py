import numpy as np
import pytest

from stages.gan.networks.untrained import FEATURES, WIDTHS, Untrained, _patches

PINNED = [0.567447, 0.13771, 0.103172]


def images(shape, count=6, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float16)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64), (1, 5, 7), (3, 4, 4)])
def test_features_of_images_of_any_size(shape):
    features = Untrained(shape)(images(shape))
    assert features.shape == (6, FEATURES)
    assert features.dtype == np.float32
    assert 0.2 < np.sqrt(np.mean(features**2)) < 2.0


def test_brightness_alone_is_not_seen():
    pictures = images((3, 8, 8)).astype(np.float32)
    network = Untrained((3, 8, 8))
    brighter = pictures + np.array([0.1, 0.2, 0.3], np.float32)[:, None, None]
    np.testing.assert_allclose(network(brighter), network(pictures), atol=1e-5)


def test_each_image_is_looked_at_alone_and_always_alike():
    pictures = images((1, 28, 28))
    network = Untrained((1, 28, 28))
    together = network(pictures)
    np.testing.assert_allclose(network(pictures[2:3])[0], together[2], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(Untrained((1, 28, 28))(pictures), together)


def test_it_is_a_convolution():
    """Against the sum that defines one, at every place, with the edge's own values outside."""
    maps = np.random.default_rng(2).standard_normal((2, 6, 8, 3)).astype(np.float32)
    framed = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    found = _patches(maps)
    assert found.shape == (2, 3, 4, 48)
    for row in range(3):
        for column in range(4):
            part = framed[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4]
            np.testing.assert_array_equal(found[:, row, column], part.reshape(2, -1))


def test_its_weights_are_those_of_today():
    """Scores in this space compare only while the network is the same."""
    picture = np.random.default_rng(3).uniform(-1, 1, (1, 1, 28, 28))
    assert WIDTHS == (32, 64)
    found = Untrained((1, 28, 28))(picture.astype(np.float32))[0, :3]
    np.testing.assert_allclose(found, PINNED, rtol=1e-4)
