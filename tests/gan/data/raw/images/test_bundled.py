import io
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.randomness import stream
from stages.gan.data.raw.images import bundled, raw
from tests.helpers.data import tree

COUNT = 30


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("avatars")
    bundled.make(folder, COUNT, partial(stream, 1, "drawing"))
    return folder


@pytest.fixture(scope="module")
def faces(made):
    with zipfile.ZipFile(made / raw.ARCHIVE) as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    return pictures


def test_so_many_jpegs_of_96_pixels_are_made(made, faces):
    assert list(tree(made)) == [raw.ARCHIVE]
    assert len(faces) == COUNT
    assert {(face.format, face.size, face.mode) for face in faces} == {("JPEG", (96, 96), "RGB")}


def test_two_runs_are_byte_identical(made, tmp_path):
    bundled.make(tmp_path, COUNT, partial(stream, 1, "drawing"))
    assert tree(tmp_path) == tree(made)


def test_fewer_faces_are_the_first_of_them(made, tmp_path):
    bundled.make(tmp_path, 3, partial(stream, 1, "drawing"))
    with (
        zipfile.ZipFile(made / raw.ARCHIVE) as more,
        zipfile.ZipFile(tmp_path / raw.ARCHIVE) as fewer,
    ):
        assert fewer.namelist() == [f"avatars/{number}.jpg" for number in range(3)]
        for name in fewer.namelist():
            assert fewer.read(name) == more.read(name)


def test_another_seed_draws_other_faces():
    one, other = (np.asarray(bundled.draw(stream(seed, "drawing", 0)), int) for seed in (1, 2))
    assert np.abs(one - other).mean() > 10


def test_faces_are_varied(faces):
    pixels = np.stack([np.asarray(face.resize((32, 32)), np.float64) for face in faces])
    apart = [np.abs(pixels[i] - pixels[j]).mean() for i in range(COUNT) for j in range(i)]
    assert np.mean(apart) > 40
    assert min(apart) > 8


def test_faces_are_colourful_and_not_flat(faces):
    for face in faces:
        pixels = np.asarray(face, np.float64)
        assert pixels.std() > 20
        assert (pixels.max(axis=2) - pixels.min(axis=2)).mean() > 5
