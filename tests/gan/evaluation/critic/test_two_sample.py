import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from stages.gan.evaluation.critic.two_sample import examine
from stages.gan.losses.equilibrium import bce_terms, jsd_lower_bound

logits = st.lists(st.floats(-30, 30), min_size=2, max_size=20).map(np.array)


@given(logits, logits)
def test_values_are_the_projects_own(real, generated):
    found = examine(real, generated)
    term = bce_terms(real, generated)["discriminator"]
    assert found.bce.value == term.value
    assert found.equilibrium_distance.value == term.distance
    assert found.jsd_lower_bound.value == pytest.approx(
        min(jsd_lower_bound(term.value), math.log(2.0))
    )
    assert 0.0 <= found.interval[0] <= found.jsd_lower_bound.value <= found.interval[1]
    assert found.interval[1] <= math.log(2.0)


@given(
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=2, max_size=5),
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=2, max_size=5),
)
def test_p_value_is_the_share_of_all_permutations(real, generated):
    together = np.array(real + generated)
    seen = sum(s > 0 for s in real) + sum(s < 0 for s in generated)
    right = [
        sum((together[i] > 0) == (i in chosen) for i in range(len(together)))
        for chosen in map(set, itertools.combinations(range(len(together)), len(real)))
    ]
    found = examine(np.array(real), np.array(generated)).p_value
    assert found.value == pytest.approx(np.mean([r >= seen for r in right]))
    assert found.error is None


def test_a_perfect_critic_proves_all_there_is():
    found = examine(np.full(100, 50.0), np.full(100, -50.0))
    assert found.jsd_lower_bound.value == pytest.approx(math.log(2.0))
    assert found.accuracy.value == 1.0
    assert found.p_value.value < 1e-50
    assert found.accuracy.error == pytest.approx(1.4 / 100 / 2**0.5, rel=0.05)


def test_a_critic_worse_than_none_proves_nothing():
    draw = np.random.default_rng(1)
    found = examine(draw.normal(-1.0, 3.0, 500), draw.normal(1.0, 3.0, 500))
    assert found.bce.value > 2 * math.log(2.0)
    assert found.jsd_lower_bound.value == 0.0
    assert found.interval == (0.0, 0.0)
    assert found.p_value.value > 0.99


@pytest.mark.parametrize(("bias", "real", "generated"), [(0.0, 200, 200), (1.5, 200, 60)])
def test_under_equality_the_p_value_is_uniform(bias, real, generated):
    """Whatever the critic's leaning, and for unequal numbers: at most as often below as it says.

    Being discrete it may be a little less often; the spread of accuracy is what Lopez-Paz &
    Oquab 2017 give, N(1/2, 1 / (4 n)) with n images in all, where the critic does not lean.
    """
    draw = np.random.default_rng(7)
    found = [
        examine(draw.normal(bias, 1.0, real), draw.normal(bias, 1.0, generated))
        for _ in range(1500)
    ]
    p_values = np.array([one.p_value.value for one in found])
    for level in (0.05, 0.2, 0.5):
        share = np.mean(p_values <= level)
        noise = 3.5 * math.sqrt(level * (1 - level) / len(found))
        assert 0.6 * level - noise < share < level + noise
    accuracy = np.array([one.accuracy.value for one in found])
    assert accuracy.mean() == pytest.approx(0.5, abs=0.005)
    if not bias:
        expected = math.sqrt(1.0 / (4.0 * (real + generated)))
        assert accuracy.std() == pytest.approx(expected, rel=0.1)
        errors = np.array([one.accuracy.error for one in found])
        assert errors.mean() == pytest.approx(expected, rel=0.05)


def true_jsd(shift):
    """Between N(0, 1) and N(shift, 1), in nats."""

    def part(x):
        p, q = norm.pdf(x), norm.pdf(x - shift)
        middle = (p + q) / 2
        return (p * np.log(p / middle) + q * np.log(q / middle)) / 2

    return quad(part, -12, 12 + shift)[0]


@pytest.mark.parametrize("scale", [0.2, 1.0, 2.0])
def test_the_bound_holds_and_its_interval_has_the_right_width(scale):
    """The best critic between two Gaussians has logit shift^2 / 2 - shift x; others prove less."""
    shift, count = 1.0, 400
    draw = np.random.default_rng(8)
    jsd = true_jsd(shift)

    def critic(x):
        return scale * (shift**2 / 2 - shift * x)

    found = [
        examine(critic(x), critic(y + shift)) for x, y in draw.standard_normal((800, 2, count))
    ]
    expected = (
        math.log(2.0)
        - (
            quad(lambda x: np.logaddexp(0, -critic(x)) * norm.pdf(x), -12, 12)[0]
            + quad(lambda x: np.logaddexp(0, critic(x)) * norm.pdf(x - shift), -11, 13)[0]
        )
        / 2.0
    )
    assert expected <= jsd + 1e-9
    if scale == 1.0:
        assert expected == pytest.approx(jsd, abs=1e-6)
    bounds = np.array([one.jsd_lower_bound.value for one in found])
    assert bounds.mean() == pytest.approx(expected, abs=4 * bounds.std() / len(found) ** 0.5)
    errors = np.array([one.jsd_lower_bound.error for one in found])
    assert errors.mean() == pytest.approx(bounds.std(), rel=0.1)
    holds = np.mean([low <= expected <= high for low, high in (one.interval for one in found)])
    assert 0.92 < holds < 0.98
    too_much = np.mean([one.interval[0] > jsd for one in found])
    assert too_much < 0.05


def test_scores_stand_beside_the_floor():
    found = examine(np.array([1.0, 2.0, -1.0]), np.array([-1.0, -2.0, -3.0]))
    floor = examine(np.zeros(3), np.array([1.0, -1.0, 0.0]))
    scores = found.against(floor)
    assert set(scores) == {"bce", "equilibrium_distance", "jsd_lower_bound", "accuracy", "p_value"}
    assert scores["bce"].to_json() == {
        "value": found.bce.value,
        "error": found.bce.error,
        "floor": floor.bce.value,
        "floor_error": floor.bce.error,
    }


@pytest.mark.parametrize("bad", [np.zeros(1), np.zeros((2, 2)), np.array([0.0, np.nan])])
def test_other_logits_are_refused(bad):
    with pytest.raises(ValueError, match="valid are two or more finite numbers"):
        examine(np.zeros(4), bad)
