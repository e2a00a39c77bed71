import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.evaluation.judge import transformations
from stages.gan.evaluation.judge.transformations import (
    DAMAGES,
    TASKS,
    TURNS,
    blurred,
    noisy,
    shifted,
    shuffled,
    with_task,
)


def faces(count=6, channels=3, side=16, seed=0):
    draw = np.random.default_rng(seed)
    return draw.uniform(-1, 1, (count, channels, side, side)).astype(np.float32)


@given(seed=st.integers(0, 2**32 - 1), most=st.integers(0, 4))
def test_a_shifted_image_is_a_window_of_the_padded_one(seed, most):
    images = faces(3, 2, 7)
    moved = shifted(images, np.random.default_rng(seed), most)
    frame = ((0, 0), (most, most), (most, most))
    for before, after in zip(images, moved, strict=True):
        padded = np.pad(before, frame, mode="edge")
        windows = [
            padded[:, y : y + 7, x : x + 7]
            for y in range(2 * most + 1)
            for x in range(2 * most + 1)
        ]
        assert any(np.array_equal(after, window) for window in windows)


def test_shifts_reach_both_ends_and_both_axes():
    image = np.zeros((1, 1, 9, 9), np.float32)
    image[0, 0, 4, 4] = 1
    moved = shifted(np.repeat(image, 200, axis=0), np.random.default_rng(0), 2)
    _, _, rows, columns = np.nonzero(moved)
    assert set(rows) == set(columns) == {2, 3, 4, 5, 6}
    assert len(set(zip(rows, columns, strict=True))) == 25


def test_blur_lowers_contrast_and_keeps_the_mean_of_a_plain_image():
    (image,) = faces(1, side=64)
    assert blurred(image, np.random.default_rng(0)).std() < 0.9 * image.std()
    plain = np.full((3, 64, 64), 0.25, np.float32)
    np.testing.assert_allclose(blurred(plain, np.random.default_rng(0)), plain, atol=1e-6)


def test_noise_stays_in_range_and_is_of_the_strength_drawn():
    changed = noisy(np.zeros((3, 64, 64), np.float32), np.random.default_rng(3))
    low, high = transformations._NOISE
    assert 0.9 * low < changed.std() < 1.1 * high
    assert np.abs(noisy(np.ones((3, 64, 64), np.float32), np.random.default_rng(3))).max() <= 1


@given(seed=st.integers(0, 2**32 - 1), side=st.integers(4, 19))
def test_shuffling_changes_places_and_no_pixel(seed, side):
    image = np.arange(2 * side * side, dtype=np.float32).reshape(2, side, side)
    changed = shuffled(image, np.random.default_rng(seed))
    assert not np.array_equal(changed, image)
    np.testing.assert_array_equal(np.sort(changed, axis=None), np.sort(image, axis=None))
    # all channels move together
    np.testing.assert_array_equal(changed[1] - changed[0], np.full((side, side), side * side))


@given(seed=st.integers(0, 2**32 - 1))
def test_task_says_what_was_done(seed):
    images = faces(4)
    changed, tasks = with_task(images, np.random.default_rng(seed))
    assert changed.dtype == np.float32
    assert tasks.dtype == np.int32
    assert tasks.min() >= 0
    assert tasks.max() < TASKS
    for before, after, task in zip(images, changed, tasks, strict=True):
        turned_back = np.rot90(after, -int(task % TURNS), (1, 2))
        assert np.array_equal(turned_back, before) == (task // TURNS == 0)


def test_every_task_is_drawn_and_a_seed_repeats():
    images = np.repeat(faces(1), 400, axis=0)
    first, tasks = with_task(images, np.random.default_rng(1))
    again, same = with_task(images, np.random.default_rng(1))
    assert set(tasks) == set(range(TASKS)) == set(range(TURNS * len(DAMAGES)))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(tasks, same)
    _, other = with_task(images, np.random.default_rng(2))
    assert (tasks != other).any()


@pytest.mark.parametrize("damage", DAMAGES)
def test_images_are_left_as_they_were(damage):
    (image,) = faces(1)
    before = image.copy()
    damage(image, np.random.default_rng(0))
    np.testing.assert_array_equal(image, before)
