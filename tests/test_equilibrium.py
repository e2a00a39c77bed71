import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan import losses
from stages.gan.equilibrium import (
    bce_terms,
    binary_cross_entropy,
    jsd_lower_bound,
    loss_terms,
    probability,
)

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=20).map(np.array)


@given(logits, st.sampled_from([0.0, 1.0]))
def test_cross_entropy_is_its_definition_where_that_is_finite(s, y):
    p = probability(s)
    with np.errstate(divide="ignore"):
        chosen = np.log(p) if y else np.log1p(-p)
    if np.isfinite(chosen).all():
        assert binary_cross_entropy(s, y) == pytest.approx(-chosen.mean(), rel=1e-3, abs=1e-12)


def test_worked_values():
    def logit(p):
        return np.array([math.log(p / (1 - p))])

    assert binary_cross_entropy(logit(0.1), 1.0) == pytest.approx(2.302585, abs=1e-6)
    assert binary_cross_entropy(logit(0.9), 1.0) == pytest.approx(0.105361, abs=1e-6)
    assert binary_cross_entropy(logit(0.9), 0.0) == pytest.approx(2.302585, abs=1e-6)
    assert math.isfinite(binary_cross_entropy(np.array([-1e6, 1e6]), 1.0))


@given(logits, logits)
def test_terms_add_up_and_distances_are_from_equilibrium(real, fake):
    terms = bce_terms(real, fake)
    assert terms["discriminator"].value == terms["real"].value + terms["fake"].value
    assert terms["discriminator"].equilibrium == pytest.approx(2 * math.log(2))
    assert terms["generator"].equilibrium == pytest.approx(math.log(2))
    for term in terms.values():
        assert term.distance == abs(term.value - term.equilibrium)
        assert term.to_json()["distance"] == term.distance


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [("bce", 2 * math.log(2), math.log(2)), ("mse", 0.5, 0.25)],
)
def test_the_loss_in_use_knows_its_own_equilibrium(name, discriminator, generator):
    terms = loss_terms(losses.build(name), np.array([1.0, 2.0]), np.array([-1.0]))
    assert terms["discriminator"].equilibrium == pytest.approx(discriminator, abs=1e-6)
    assert terms["generator"].equilibrium == pytest.approx(generator, abs=1e-6)


@given(st.integers(0, 200))
def test_no_discriminator_proves_more_than_the_truth(seed):
    """On known distributions over 6 points the bound holds, and the best D reaches it."""
    draw = np.random.default_rng(seed)
    p, q = draw.dirichlet(np.ones(6)), draw.dirichlet(np.ones(6))
    middle = (p + q) / 2
    jsd = (np.sum(p * np.log(p / middle)) + np.sum(q * np.log(q / middle))) / 2

    def loss(d):
        return -np.sum(p * np.log(d)) - np.sum(q * np.log(1 - d))

    assert jsd_lower_bound(loss(draw.uniform(0.01, 0.99, 6))) <= jsd + 1e-12
    assert jsd_lower_bound(loss(p / (p + q))) == pytest.approx(jsd, abs=1e-9)
