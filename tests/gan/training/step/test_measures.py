import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stages.gan import networks
from stages.gan.data.prepared import Split, normalise
from stages.gan.trained.sampling import generate
from stages.gan.training.step import make_step, measures
from tests.helpers.training.network import describe
from tests.helpers.training.steps import batch, make

pixels = arrays(np.float32, (5, 1, 3, 2), elements=st.floats(-1, 1, width=32))


@given(pixels)
def test_the_distance_is_the_mean_over_all_pairs(images):
    pairs = itertools.combinations(images.astype(np.float64), 2)
    expected = np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in pairs])
    assert measures.mean_pairwise_distance(images) == pytest.approx(expected, abs=1e-12)


@given(pixels, st.permutations(range(5)))
def test_neither_order_nor_a_common_shift_matters_to_the_distance(images, order):
    value = measures.mean_pairwise_distance(images)
    assert measures.mean_pairwise_distance(images[order]) == pytest.approx(value, abs=1e-12)
    assert measures.mean_pairwise_distance(images + 0.5) == pytest.approx(value, abs=1e-6)


def test_images_that_are_alike_have_no_distance():
    images = np.repeat(np.random.default_rng(0).random((1, 3, 4, 4)), 6, axis=0)
    assert measures.mean_pairwise_distance(images) == 0.0
    assert measures.mean_pairwise_distance(np.array([-1.0, 1.0]).reshape(2, 1, 1, 1)) == 2.0


def split(images: np.ndarray) -> Split:
    return Split(images, np.zeros((len(images), 2), np.float32), None)


def test_real_images_are_looked_at_over_all_of_the_data():
    images = np.zeros((1000, 1, 2, 2), np.float16)
    images[-1] = 1.0
    real = measures.look_at_real(split(images))
    assert (real.least, real.most) == (0.0, 1.0)
    assert real.diversity == pytest.approx(2 / 100)  # one of a hundred differs by 1
    assert real.within_reach
    assert measures.look_at_real(split(images[:4])).diversity == 0.0


@pytest.mark.parametrize(("least", "most"), [(0.0, 255.0), (-1.01, 1.0), (-1.0, 1.1)])
def test_images_that_tanh_cannot_draw_are_out_of_reach(least, most):
    assert not measures.RealImages(1.0, least, most).within_reach


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (lambda levels: (levels - 127.5) / 127.5, False),
        (lambda levels: levels / 255, True),  # the tutorial's fault
        (lambda levels: levels / 255 - 0.5, True),
        (lambda levels: levels / 256, True),
        (lambda levels: (np.maximum(levels, 128) - 127.5) / 127.5, False),  # only bright ones
        (lambda levels: (np.minimum(levels, 127) - 127.5) / 127.5, False),  # only dark ones
        (lambda levels: levels, False),  # out of reach, which is told otherwise
    ],
)
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_images_that_fill_half_of_the_range_are_told_from_pale_ones(images, told, kind):
    levels = np.random.default_rng(0).integers(0, 256, (50, 1, 8, 8)).astype(np.float64)
    assert measures.look_at_real(split(images(levels).astype(kind))).fills_half == told


def test_no_level_that_preprocess_makes_is_taken_for_another():
    levels = np.arange(256, dtype=np.uint8).repeat(4).reshape(256, 1, 2, 2)
    assert measures.look_at_real(split(normalise(levels))).normalised


def looks(meter: measures.DiversityMeter, steps: int) -> list[int]:
    return [step for step in range(1, steps + 1) if not math.isnan(meter.look(step))]


def test_the_meter_looks_seldom_and_at_fixed_codes():
    generator, _ = networks.build(describe("mlp"), 1)
    codes = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    meter = measures.DiversityMeter(generator, codes)
    expected = measures.mean_pairwise_distance(generate(generator, codes))
    assert meter.look(50) == pytest.approx(expected, rel=1e-5)
    assert looks(meter, 200) == [50, 100, 150, 200]
    assert generator.training


def test_the_meter_sees_what_training_did():
    pair, movers, loss = make("mlp")
    step = make_step(*pair, loss, *movers)
    codes = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    meter = measures.DiversityMeter(pair[0], codes)
    for index in range(3):
        step(*batch(index))
        expected = measures.mean_pairwise_distance(generate(pair[0], codes))
        assert meter.look(50) == pytest.approx(expected, rel=1e-5)


def test_images_that_are_alike_are_looked_at_more_often():
    generator, _ = networks.build(describe("mlp"), 1)
    meter = measures.DiversityMeter(generator, np.ones((5, 6), np.float32))
    assert looks(meter, 100) == [50, 60, 70, 80, 90, 100]


def test_gradients_are_due_every_so_many_steps():
    due = [step for step in range(1, 51) if measures.gradients_are_due(step)]
    assert due == [10, 20, 30, 40, 50]
