"""The scores of the game as the stage `evaluate` gets them."""

import math

import numpy as np
import pytest

from stages.gan.data.prepared import Split
from stages.gan.evaluation import game
from stages.gan.trained import checkpoints
from tests.helpers.data import load_params
from tests.helpers.training.network import describe, save_untrained

DESCRIPTION = describe("mlp")


def split(count: int, seed: int) -> Split:
    draw = np.random.default_rng(seed)
    images = draw.uniform(-1, 1, (count, *DESCRIPTION.image_shape)).astype(np.float16)
    return Split(images, np.zeros((count, DESCRIPTION.latent_size), np.float32), None)


KNOWN, HELD_OUT = split(100, 1), split(80, 2)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / checkpoints.FINAL
    save_untrained(folder, DESCRIPTION)
    return checkpoints.load(folder)


@pytest.fixture
def params(tmp_path):
    def of(steps: int = 4, loss: str = "bce_with_logits"):
        return load_params(
            tmp_path, "mnist", mnist__train__loss=loss, mnist__evaluate__game__steps=steps
        )

    return of


def measure(checkpoint, params, held_out: Split = HELD_OUT):
    return game.measure(checkpoint, KNOWN, held_out, params.train, params.evaluate)


def test_every_score_has_value_error_and_floor_and_repeats_bit_for_bit(checkpoint, params):
    found = measure(checkpoint, params())
    assert tuple(found) == (*game.NAMES, "turning")
    turning = found.pop("turning")
    assert 0 <= turning["rotation"]["value"] <= 1
    assert np.isfinite(turning["eigenvalues"]).all()
    for name, score in found.items():
        assert set(score) == {"value", "error", "floor", "floor_error"}
        assert all(math.isfinite(number) for number in score.values()), name
    parts = found["discriminator_gain"]["value"] + found["generator_gain"]["value"]
    assert found["duality_gap"]["value"] == pytest.approx(parts)
    assert found["generator_gain"]["floor"] == 0
    again = measure(checkpoint, params())
    assert again.pop("turning") == turning
    assert again == found


def test_it_is_left_out_where_it_is_off_or_has_no_value(checkpoint, params):
    assert measure(checkpoint, params(steps=0)) == {}
    settings = params()
    without = settings.train.model_copy(update={"loss": "wgan_gp"})
    assert game.measure(checkpoint, KNOWN, HELD_OUT, without, settings.evaluate) == {}
    assert measure(checkpoint, params(), split(game.FEWEST - 1, 3)) == {}
    assert game.too_few(39).endswith("at least 40 held-out images, and evaluate looks at 39")


def test_off_is_what_is_shipped(tmp_path):
    for dataset in ("mnist", "faces"):
        assert load_params(tmp_path, dataset).evaluate.game.steps == 0
