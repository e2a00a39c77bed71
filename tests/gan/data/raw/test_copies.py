import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.common.randomness import stream
from stages.gan.data import prepared
from stages.gan.data.raw import copies
from tests.helpers.data import message_of

DUPLICATES = ("one_side", "drop", "keep")
# Which of few images each of many is a copy of.
KINDS = st.lists(st.integers(0, 6), min_size=2, max_size=60).filter(lambda kinds: len({*kinds}) > 1)


def numbers_of(kinds):
    return copies.firsts(np.array([b"%d" % kind for kind in kinds], np.dtype("V1")))


def noise(count, seed=0, shape=(3, 16, 16)):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def test_equal_pixels_and_no_others_are_copies():
    images = noise(5)
    images[3] = images[1]
    images[4] = images[1]
    images[4, 2, 15, 15] ^= 1
    assert copies.firsts(copies.see(images).digests).tolist() == [0, 1, 2, 1, 4]


@pytest.mark.parametrize("side", [4, 7, 8, 12, 28, 33])
@pytest.mark.parametrize("channels", [1, 3])
def test_thumbnails_are_means_of_parts(side, channels):
    images = np.zeros((2, channels, side, side), np.uint8)
    images[0] = 200
    images[1, :, : side // 2] = 100
    thumbnails = copies.see(images).thumbnails.reshape(2, 8, 8)
    assert (thumbnails[0] == 200).all()
    assert (thumbnails[1, 0] == 100).all()
    assert (thumbnails[1, -1] == 0).all()


def test_contrast_is_the_deviation_in_levels():
    images = noise(3)
    expected = images.reshape(3, -1).std(axis=1)
    assert np.allclose(copies.see(images).contrasts, expected, rtol=1e-4)


@given(st.integers(2, 500), st.floats(0.01, 0.99), st.integers(1, 600), st.integers(0, 9))
def test_without_copies_the_split_is_that_of_a_permutation(count, fraction, most, seed):
    wanted = max(0, min(max(1, round(count * fraction)), most, count - 1))
    order = stream(seed, "split").permutation(count)
    for duplicates in DUPLICATES:
        found = copies.divide(np.arange(count), duplicates, fraction, most, seed)
        assert found.rows["test"].tolist() == sorted(order[:wanted].tolist())
        assert found.rows["train"].tolist() == sorted(order[wanted:].tolist())
        assert (found.exact, found.across, found.left_out) == (0, 0, 0)


@given(KINDS, st.floats(0.01, 0.99), st.integers(1, 30), st.integers(0, 9))
def test_no_copy_stands_on_both_sides(kinds, fraction, most, seed):
    first = numbers_of(kinds)
    for duplicates in ("one_side", "drop"):
        found = copies.divide(first, duplicates, fraction, most, seed)
        train, test = (first[found.rows[split]] for split in prepared.SPLITS)
        assert not set(train.tolist()) & set(test.tolist())
        assert len(train)
        assert len(test)
        together = sorted([*found.rows["train"], *found.rows["test"]])
        assert found.exact == len(kinds) - len(set(kinds))
        if duplicates == "one_side":
            assert together == list(range(len(kinds)))
        else:
            assert together == sorted(set(first.tolist()))
            assert found.left_out == found.exact


@given(KINDS, st.floats(0.01, 0.99), st.integers(1, 30))
def test_the_held_out_side_is_as_large_as_asked_for_if_groups_allow(kinds, fraction, most):
    first = numbers_of(kinds)
    sizes = np.bincount(first)
    wanted = min(max(1, round(len(kinds) * fraction)), most, len(kinds) - 1)
    held_out = len(copies.divide(first, "one_side", fraction, most, 1).rows["test"])
    smallest = sizes[sizes > 0].min()
    assert held_out <= max(wanted, smallest)


def test_thirty_faces_ten_times_each_hold_out_three_of_them():
    first = numbers_of([number // 10 for number in range(60)])
    found = copies.divide(first, "one_side", 0.34, 1000, 1)
    assert len(found.rows["test"]) == 20
    assert len(set(first[found.rows["test"]].tolist())) == 2
    kept = copies.divide(first, "keep", 0.34, 1000, 1)
    assert len(set(first[kept.rows["test"]].tolist())) > 2
    train = set(first[kept.rows["train"]].tolist())
    assert kept.across == sum(each in train for each in first[kept.rows["test"]].tolist()) > 10
    assert found.across == 0


@pytest.mark.parametrize("duplicates", ["one_side", "drop"])
def test_copies_of_one_image_cannot_be_split(duplicates):
    text = message_of(copies.divide, numbers_of([1] * 5), duplicates, 0.2, 9, 1)
    assert text.startswith("all 5 images are copies of one image, so none can be held out")
    assert text.endswith("preprocess.duplicates keep")
    assert len(copies.divide(numbers_of([1] * 5), "keep", 0.2, 9, 1).rows["test"]) == 1


@pytest.mark.parametrize(
    ("duplicates", "train", "test"),
    [
        ("one_side", [0, 1, 2], [4, 5]),
        ("drop", [0, 1], [4]),
        ("keep", [0, 1, 2], [3, 4, 5]),
    ],
)
def test_a_split_of_files_loses_held_out_copies_alone(duplicates, train, test):
    first = numbers_of([1, 2, 2, 1, 3, 3])  # the last three are held out
    found = copies.as_divided(first, 3, duplicates)
    assert (found.rows["train"].tolist(), found.rows["test"].tolist()) == (train, test)
    assert (found.exact, found.across) == (3, 1)
    assert found.left_out == 6 - len(train) - len(test)


def test_a_test_split_of_copies_alone_is_refused():
    first = numbers_of([1, 2, 1, 2])
    text = message_of(copies.as_divided, first, 2, "one_side")
    assert text.startswith("all 2 held-out images are copies of training images: valid is")
    assert len(copies.as_divided(first, 2, "keep").rows["test"]) == 2


def near(folder, train, test):
    files = {}
    for split, images in (("train", train), ("test", test)):
        files[split] = prepared.make_images(folder, split, images.shape)
        files[split].write(0, prepared.normalise(images))
    return copies.near(copies.see(train), copies.see(test), files)


def smooth(count, seed, side=32):
    """Pictures that differ as photographs do: a few large waves."""
    draw = np.random.default_rng(seed)
    x = np.linspace(0, 1, side)
    waves = [
        np.sin(2 * np.pi * (draw.uniform(0.5, 3) * x[:, None] + draw.uniform(0.5, 3) * x + phase))
        for phase in draw.uniform(0, 1, 3 * count)
    ]
    images = np.reshape(waves, (count, 3, side, side))
    return np.clip(128 + 90 * images, 0, 255).astype(np.uint8)


def test_near_copies_are_found_and_others_are_not(tmp_path):
    train, test = smooth(300, 1), smooth(60, 2)
    assert near(tmp_path, train, test).count == 0
    draw = np.random.default_rng(3)
    for held_out, known in ((7, 11), (20, 250)):
        changed = train[known] + draw.normal(0, 3, train[known].shape)
        test[held_out] = np.clip(changed, 0, 255).astype(np.uint8)
    found = near(tmp_path, train, test)
    assert found == copies.Near(2, [(7, 11), (20, 250)])


def test_exact_copies_and_plain_images_are_no_near_copies(tmp_path):
    train, test = smooth(20, 1), smooth(20, 2)
    test[3] = train[3]
    train[5], test[6] = 100, 101  # without contrast there is nothing to compare by
    assert near(tmp_path, train, test).count == 0


def described(division, found=None, duplicates="one_side"):
    found = found or copies.Near(0, [])
    return copies.described(division, found, duplicates, lambda split, row: f"{split} {row}")


def test_all_is_said_in_words():
    rows = {"train": np.arange(3), "test": np.arange(3, 6)}
    told = copies.lines(described(copies.Division(rows, 4, 0, 0)))
    assert told == [
        "exact copies of other images: 4 (duplicates: one_side): all copies of an image stand on "
        "one side of the split"
    ]
    (told,) = copies.lines(described(copies.Division(rows, 4, 2, 2)))
    assert "2 of them were held out of what is trained on, and are left out" in told
    (told,) = copies.lines(described(copies.Division(rows, 4, 2, 0), duplicates="keep"))
    assert "2 held-out images are trained on as well, so do not trust memorisation" in told
    (told,) = copies.lines(described(copies.Division(rows, 4, 0, 0), duplicates="keep"))
    assert told.endswith("none of them stands on both sides of the split")
    (told,) = copies.lines(described(copies.Division(rows, 0, 0, 0), copies.Near(1, [(2, 5)])))
    assert told.startswith("held-out images that are near copies of training images: 1 (test 2")
    assert copies.lines(described(copies.Division(rows, 0, 0, 0))) == []
