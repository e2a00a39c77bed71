import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prdc import compute_prdc
from simulation_helpers import error_over_spread

from stages.gan.quality.manifolds import compare, manifold


def measured(real, generated, neighbours=5, parts=10):
    return compare(manifold(real, neighbours, parts), manifold(generated, neighbours, parts))


def by_the_authors(real, generated, neighbours):
    return compute_prdc(real, generated, neighbours)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(40, 700),
    generated_count=st.integers(40, 700),
    size=st.integers(1, 40),
    neighbours=st.integers(1, 9),
    spread=st.floats(0.3, 2.0),
)
def test_is_what_the_authors_code_gives(seed, count, generated_count, size, neighbours, spread):
    draw = np.random.default_rng(seed)
    real = (draw.standard_normal((count, size)) + 3.0).astype(np.float32)
    generated = (draw.standard_normal((generated_count, size)) * spread + 3.0).astype(np.float32)
    found = measured(real, generated, neighbours, 4)
    for name, value in by_the_authors(real, generated, neighbours).items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_errors_are_of_the_parts_alone():
    draw = np.random.default_rng(2)
    real, generated = draw.standard_normal((2, 1200, 3)).astype(np.float32)
    found = measured(real, generated, 3, 4)
    alone = [
        by_the_authors(*(x[300 * i : 300 * i + 300] for x in (real, generated)), 3)
        for i in range(4)
    ]
    for name, estimate in found.items():
        expected = np.std([one[name] for one in alone], ddof=1) / 2
        assert estimate.error == pytest.approx(expected, abs=1e-12), name


def test_far_apart_nothing_is_shared():
    near = np.random.default_rng(3).standard_normal((60, 3))
    for estimate in measured(near, near + 1e4).values():
        assert (estimate.value, estimate.error) == (0.0, 0.0)


def test_a_collapsed_generator_is_precise_and_covers_nothing():
    draw = np.random.default_rng(4)
    real = draw.standard_normal((600, 4))
    generated = np.repeat(real[:1], 600, axis=0)
    found = measured(real, generated)
    assert found["precision"].value == 1.0
    assert found["recall"].value == 0.0  # balls of radius 0 hold nothing
    assert found["coverage"].value < 0.05


def test_one_outlier_spoils_recall_but_not_coverage():
    """What Naeem et al. 2020 introduced the second pair for, their figure 1."""
    draw = np.random.default_rng(5)
    real = draw.standard_normal((600, 2))
    narrow = draw.standard_normal((600, 2)) * 0.1
    narrow[:7] += 40.0 * draw.standard_normal((7, 2))
    found = measured(real, narrow)
    assert found["recall"].value > 0.8
    assert found["coverage"].value < 0.3


@pytest.mark.parametrize("spread", [1.0, 0.7])
def test_the_error_is_about_the_spread_over_fresh_samples(spread):
    """Within a factor of 2: see where subsets are said to be what they are."""
    for name in ("precision", "recall", "density", "coverage"):

        def one(draw, name=name):
            real, generated = draw.standard_normal((2, 400, 6))
            return measured(real, generated * spread)[name]

        assert 0.5 < error_over_spread(one, 60) < 2.0, name


@pytest.mark.parametrize("neighbours", [0, 30])
def test_neighbours_must_fit_into_a_part(neighbours):
    with pytest.raises(ValueError, match=rf"{neighbours} neighbours.*valid is 1 to 29"):
        manifold(np.zeros((300, 2)), neighbours, 10)
