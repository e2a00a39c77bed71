from functools import partial

import numpy as np
import pytest

from stages.gan.common.randomness import stream
from stages.gan.data.raw.idx import bundled, raw, reader
from tests.helpers.data import tree


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    bundled.make(folder, None, partial(stream, 1, "drawing"))
    return folder


def test_all_1797_digits_are_made(made):
    assert reader.read_split(made, "train")[0].shape == (1498, 28, 28)
    assert reader.read_split(made, "test")[0].shape == (299, 28, 28)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_class_is_in_each_split_about_as_often(made, split):
    counts = np.bincount(reader.read_split(made, split)[1], minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0.6 * counts.mean()


def test_digits_are_white_on_black_with_an_empty_margin(made):
    images, _ = reader.read_split(made, "train")
    assert (images[:, [0, 1, 26, 27]] == 0).all()
    assert (images[:, :, [0, 1, 26, 27]] == 0).all()
    assert (images.max(axis=(1, 2)) > 200).all()
    assert 15 < images.mean() < 80


def test_digits_differ(made):
    images, _ = reader.read_split(made, "train")
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) > 1490


def test_two_runs_are_byte_identical_whatever_the_seed(made, tmp_path):
    bundled.make(tmp_path, None, partial(stream, 2, "drawing"))
    assert sorted(tree(tmp_path)) == sorted(raw.FILES)
    assert tree(tmp_path) == tree(made)


def test_fewer_digits_are_the_first_of_them(made, tmp_path):
    bundled.make(tmp_path, 20, partial(stream, 1, "drawing"))
    images, labels = reader.read_split(tmp_path, "train")
    every, every_label = reader.read_split(made, "train")
    assert len(images) == 17
    assert np.array_equal(images, every[:17])
    assert np.array_equal(labels, every_label[:17])
    assert len(reader.read_split(tmp_path, "test")[0]) == 3
