import io

import numpy as np
from PIL import Image

from stages.gan.pages import evidence
from stages.gan.training.step.measures import MEASURES


def rows(count: int = 40, **changes):
    every = dict.fromkeys(MEASURES, 0.5)
    return [{"step": step, **every, **changes} for step in range(1, count + 1)]


def shapes(drawn: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    return {name: Image.open(io.BytesIO(png)).size for name, png in drawn.items()}


def test_a_picture_of_everything_that_was_watched():
    drawn = evidence.pictures(rows(), {"D at equilibrium": 1.4}, 0.7, {"told": 30.0})
    assert list(drawn) == ["losses", "probabilities", "gradients", "diversity"]
    assert set(shapes(drawn).values()) == {(825, 396)}
    small = evidence.pictures(rows(), {}, 0.7, {}, size=(3, 2))
    assert set(shapes(small).values()) == {(330, 220)}
    # marks and levels are drawn
    assert drawn != evidence.pictures(rows(), {"D at equilibrium": 1.4}, 0.7, {})
    bare = evidence.pictures(rows(), {}, 0.7, {"told": 30.0})
    assert drawn["losses"] != bare["losses"]


def test_what_was_not_measured_or_is_not_finite_is_left_out():
    nothing = {"discriminator_gradient": np.nan, "generator_gradient": np.nan}
    assert "gradients" not in evidence.pictures(rows(**nothing), {}, 0.7, {})
    broken = rows()
    for row in broken[20:]:
        row.update(discriminator_loss=np.nan, generator_loss=np.inf)
    drawn = evidence.pictures(broken, {}, 0.7, {})
    assert drawn["losses"] == evidence.pictures(rows(20), {}, 0.7, {})["losses"]


def test_lengths_of_exactly_zero_are_drawn():
    zero = {"discriminator_gradient": 0.0, "generator_gradient": 0.0}
    tiny = {"discriminator_gradient": 1e-6, "generator_gradient": 1e-6}
    pictures = [
        evidence.pictures(rows(**given), {}, 0.7, {})["gradients"] for given in (zero, tiny)
    ]
    assert pictures[0] != pictures[1]


def test_the_same_rows_give_the_same_bytes():
    assert evidence.pictures(rows(), {}, 0.7, {}) == evidence.pictures(rows(), {}, 0.7, {})
