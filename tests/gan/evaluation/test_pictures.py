import numpy as np
import pytest
from PIL import Image

from stages.gan.common.randomness import latent_codes
from stages.gan.data.prepared import Split
from stages.gan.evaluation import pictures
from stages.gan.params import load
from stages.gan.trained.grids import COUNT
from stages.gan.trained.sampling import generate
from tests.helpers.data import SHIPPED
from tests.helpers.training.network import as_if_trained, describe

STEPS, NEAREST = 4, 3
# Of a grid's images of 8 x 8 pixels, with the gap around each.
CELL, GAP = 10, 2


def split(images: np.ndarray) -> Split:
    return Split(images.astype(np.float16), np.zeros((len(images), 6), np.float32), None)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The folder of pictures, what was generated, and both splits."""
    folder = tmp_path_factory.mktemp("pictures")
    generator, _ = as_if_trained(describe("mlp"))
    codes = latent_codes(np.random.default_rng(1), 30, 6)
    generated = generate(generator, codes)
    draw = np.random.default_rng(2)
    held_out = split(draw.uniform(-1, 1, (30, 1, 8, 8)))
    # The first generated images are among those that training saw, in another order.
    known = split(np.concatenate([draw.uniform(-1, 1, (20, 1, 8, 8)), generated[:NEAREST][::-1]]))
    settings = load(SHIPPED, "mnist").evaluate.model_copy(
        update={"interpolation_steps": STEPS, "nearest": NEAREST}
    )
    pictures.draw(folder, generator, codes, generated, known, held_out, settings)
    return folder, generated, known, held_out


def pixels(folder, name):
    return np.asarray(Image.open(folder / f"{name}.png"))


def cell(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = GAP + row * CELL, GAP + column * CELL
    return picture[top : top + 8, left : left + 8]


def levels(image: np.ndarray) -> np.ndarray:
    return np.round((image[0].astype(np.float64) + 1) * 127.5)


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("generated", 5, 5),
        ("real", 5, 5),
        ("interpolation", pictures.INTERPOLATIONS, STEPS),
        ("nearest", 2, NEAREST),
    ],
)
def test_each_grid_has_its_rows_and_columns(drawn, name, rows, columns):
    assert pixels(drawn[0], name).shape[:2] == (GAP + rows * CELL, GAP + columns * CELL)
    assert rows * columns == COUNT or name in ("interpolation", "nearest")


def test_real_images_are_held_out_ones(drawn):
    folder, _, _, held_out = drawn
    shown = cell(pixels(folder, "real"), 1, 2)
    assert np.abs(shown - levels(held_out.images[7])).max() <= 1


def test_below_each_generated_image_is_the_nearest_that_training_saw(drawn):
    folder, generated, _, _ = drawn
    grid = pixels(folder, "nearest")
    for column in range(NEAREST):
        above, below = cell(grid, 0, column), cell(grid, 1, column)
        assert np.abs(above - levels(generated[column])).max() <= 1
        assert np.abs(above.astype(int) - below).max() <= 1


def test_a_walk_begins_and_ends_at_codes_that_are_drawn(drawn):
    folder, generated, _, _ = drawn
    walk = pixels(folder, "interpolation")
    assert np.abs(cell(walk, 0, 0) - levels(generated[0])).max() <= 1
    assert np.abs(cell(walk, 0, STEPS - 1) - levels(generated[1])).max() <= 1
