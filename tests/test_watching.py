import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from network_helpers import describe
from scipy.spatial.distance import pdist

from stages.gan import networks, watching
from stages.gan.prepared import Split
from stages.gan.sampling import generate

pixels = arrays(np.float32, (5, 1, 3, 2), elements=st.floats(-1, 1, width=32))


@given(pixels)
def test_the_distance_is_the_mean_over_all_pairs(images):
    flat = images.reshape(5, -1).astype(np.float64)
    expected = pdist(flat).mean() / math.sqrt(6)
    assert watching.mean_pairwise_distance(images) == pytest.approx(expected, abs=1e-12)


@given(pixels, st.permutations(range(5)))
def test_neither_order_nor_a_common_shift_matters_to_the_distance(images, order):
    value = watching.mean_pairwise_distance(images)
    assert watching.mean_pairwise_distance(images[order]) == pytest.approx(value, abs=1e-12)
    assert watching.mean_pairwise_distance(images + 0.5) == pytest.approx(value, abs=1e-6)


def test_images_that_are_alike_have_no_distance():
    images = np.repeat(np.random.default_rng(0).random((1, 3, 4, 4)), 6, axis=0)
    assert watching.mean_pairwise_distance(images) == 0.0
    assert watching.mean_pairwise_distance(np.array([-1.0, 1.0]).reshape(2, 1, 1, 1)) == 2.0


def split(images: np.ndarray) -> Split:
    return Split(images, np.zeros((len(images), 2), np.float32), None)


def test_real_images_are_looked_at_over_all_of_the_data():
    images = np.zeros((1000, 1, 2, 2), np.float16)
    images[-1] = 1.0
    real = watching.look_at_real(split(images))
    assert (real.least, real.most) == (0.0, 1.0)
    assert real.diversity == pytest.approx(2 / 100)  # one of a hundred differs by 1
    assert real.within_reach
    assert watching.look_at_real(split(images[:4])).diversity == 0.0


@pytest.mark.parametrize(("least", "most"), [(0.0, 255.0), (-1.01, 1.0), (-1.0, 1.1)])
def test_images_that_tanh_cannot_draw_are_out_of_reach(least, most):
    assert not watching.RealImages(1.0, least, most).within_reach


def test_the_meter_looks_seldom_and_at_fixed_codes():
    generator, _ = networks.build(describe("mlp"), 1)
    codes = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    measure = watching.diversity_meter(generator, codes)
    taken = {step: measure(step) for step in range(1, 101)}
    looks = [step for step, value in taken.items() if not math.isnan(value)]
    assert looks == [25, 50, 75, 100]
    assert taken[25] == watching.mean_pairwise_distance(generate(generator, codes))
    assert generator.training


def test_gradients_are_due_every_so_many_steps():
    due = [step for step in range(1, 51) if watching.gradients_are_due(step)]
    assert due == [10, 20, 30, 40, 50]
