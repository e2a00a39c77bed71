import numpy as np
import pytest

from stages.gan.pages.play import directions


def linear(matrix):
    return lambda codes: (np.float64(codes) @ matrix.T).astype(np.float32).reshape(-1, 1, 3, 4)


def test_of_a_linear_generator_they_are_its_right_singular_vectors():
    draw = np.random.default_rng(1)
    matrix = draw.normal(size=(12, 5)) * [3, 1, 2, 0.5, 0.1]
    found = directions.find(linear(matrix), draw.normal(size=(4, 5)).astype(np.float32), 3)
    _, values, vectors = np.linalg.svd(matrix)
    shares = values**2 / (values**2).sum()
    assert [share for share, _ in found] == pytest.approx(shares[:3].tolist(), rel=1e-3)
    for (_, direction), vector in zip(found, vectors, strict=False):
        assert abs(direction @ vector) == pytest.approx(1, abs=1e-4)
        assert direction[np.abs(direction).argmax()] > 0
        assert np.linalg.norm(direction) == pytest.approx(1)


def test_it_is_a_mean_over_the_codes():
    # Where the first entry is positive, the second changes the image; else the third, less.
    def generate(codes):
        on = codes[:, :1] > 0
        return np.where(on, codes[:, 1:2], 0.5 * codes[:, 2:3])

    codes = np.array([[1, 0, 0], [-1, 0, 0], [-1, 0, 0]], np.float32)
    (first, one), (second, two) = directions.find(generate, codes, 2)
    assert [first, second] == pytest.approx([1 / 1.5, 0.5 / 1.5], rel=1e-3)
    assert np.abs(one).argmax() == 1
    assert np.abs(two).argmax() == 2


def test_fewer_entries_give_fewer_directions_and_no_change_gives_shares_of_0():
    codes = np.zeros((2, 2), np.float32)
    found = directions.find(lambda codes: np.zeros((len(codes), 4), np.float32), codes, 5)
    assert [share for share, _ in found] == [0, 0]
    assert all(np.isfinite(vector).all() for _, vector in found)
