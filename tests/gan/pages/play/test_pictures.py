import base64
import io

import numpy as np
import pytest
from PIL import Image

from stages.gan.data.prepared import to_pixels
from stages.gan.pages.play import pictures
from stages.gan.trained.grids import grid
from tests.helpers.data import message_of


def picture_of(url):
    kind, content = url.removeprefix("data:image/").split(";base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    assert picture.format.lower() == kind
    return np.asarray(picture)


@pytest.mark.parametrize("shape", [(1, 4, 6), (3, 5, 5)])
@pytest.mark.parametrize("count", [1, 7, 9])
def test_each_image_lies_at_its_place_on_the_sheet(shape, count):
    images = np.random.default_rng(1).uniform(-1, 1, (count, *shape))
    made = pictures.sheet(images)
    assert made["count"] == count
    sheet = picture_of(made["sprite"])
    sheet = sheet.reshape(*sheet.shape[:2], -1)
    _, height, width = shape
    for index, pixels in enumerate(to_pixels(images)):
        row, column = divmod(index, made["columns"])
        place = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        assert np.array_equal(place, pixels.transpose(1, 2, 0))


def test_how_many_images_a_sheet_holds_depends_on_their_size():
    assert pictures.how_many((1, 28, 28)) == pictures.MOST
    assert pictures.FEWEST < pictures.how_many((3, 64, 64)) < pictures.MOST
    assert pictures.how_many((3, 256, 256)) == pictures.FEWEST


@pytest.fixture
def folder(tmp_path):
    """Grids of the epochs 1 to 12, of noise."""
    draw = np.random.default_rng(1)
    for epoch in range(1, 13):
        grid(draw.uniform(-1, 1, (25, 3, 16, 16))).save(tmp_path / f"{epoch}.png")
    return tmp_path


def test_all_epochs_are_shown_in_order_as_they_were_drawn(folder):
    found = pictures.epochs(folder)
    assert [one["epoch"] for one in found] == list(range(1, 13))
    for one in found:
        with Image.open(folder / f"{one['epoch']}.png") as drawn:
            assert np.array_equal(picture_of(one["picture"]), np.asarray(drawn))


def test_large_pictures_become_jpegs_and_then_fewer(folder):
    whole = sum(len(file.read_bytes()) for file in folder.iterdir())
    smaller = pictures.epochs(folder, whole - 1)
    assert [one["epoch"] for one in smaller] == list(range(1, 13))
    assert all(one["picture"].startswith("data:image/jpeg") for one in smaller)
    with Image.open(folder / "1.png") as drawn:
        apart = np.abs(np.float64(picture_of(smaller[0]["picture"])) - np.asarray(drawn))
    assert apart.mean() < 12  # noise is the hardest to compress
    fewer = pictures.epochs(folder, whole // 4)
    assert 2 <= len(fewer) < 12
    assert [fewer[0]["epoch"], fewer[-1]["epoch"]] == [1, 12]
    sizes = [len(base64.b64decode(one["picture"].split(",")[1])) for one in fewer]
    assert sum(sizes) <= whole // 4 * 1.1
    assert [one["epoch"] for one in pictures.epochs(folder, 1)] == [1, 12]


def test_a_folder_without_pictures_is_named(tmp_path):
    assert f"{tmp_path} has no pictures" in message_of(pictures.epochs, tmp_path)
