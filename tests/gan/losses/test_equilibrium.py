import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.gan import losses
from stages.gan.losses.equilibrium import (
    bce_terms,
    binary_cross_entropy,
    centred,
    jsd_lower_bound,
    loss_terms,
    point,
    probability,
    sure,
)
from stages.gan.params import choices

ENTROPIES = [name for name, loss in choices.LOSSES.items() if loss.is_cross_entropy]

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


def test_pairs_have_their_equilibrium_at_equal_logits():
    loss = losses.build("rpgan")
    at = point(loss)
    assert at.unique
    assert (at.logit, at.probability, at.real, at.fake) == (0.0, 0.5, None, None)
    assert at.discriminator == pytest.approx(math.log(2), abs=1e-6)
    assert at.generator == pytest.approx(math.log(2), abs=1e-6)
    terms = loss_terms(loss, at, np.array([5.0, 3.0]), np.array([4.0, 4.0]))
    assert set(terms) == {"discriminator", "generator"}
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(1))) / 2
    assert terms["discriminator"].value == pytest.approx(expected, abs=1e-6)
    assert terms["generator"].value == pytest.approx(expected, abs=1e-6)
    assert terms["discriminator"].equilibrium == at.discriminator
    # of each image D says the right thing with the odds 4, so of the order of the pair with 16
    expected = (math.log(17 / 16), math.log(17))
    assert sure(loss, 0.2) == pytest.approx(expected, abs=1e-5)


@given(logits, logits)
def test_the_constant_of_pairs_gives_the_lowest_cross_entropy(real, fake):
    moved = centred(real, fake)
    for before, after in zip((real, fake), moved, strict=True):
        np.testing.assert_allclose(np.diff(after), np.diff(before), atol=1e-9)
    assert probability(moved[0]).mean() + probability(moved[1]).mean() == pytest.approx(1, abs=1e-9)

    def both(constant):
        return binary_cross_entropy(moved[0] - constant, 1.0) + binary_cross_entropy(
            moved[1] - constant, 0.0
        )

    for constant in (-2.0, -0.01, 0.01, 2.0):
        assert both(0.0) <= both(constant) + 1e-12


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        *((name, 2 * math.log(2), math.log(2)) for name in ENTROPIES),
        ("mse", 0.5, 0.25),
    ],
)
def test_the_loss_in_use_knows_its_own_equilibrium(name, discriminator, generator):
    loss = losses.build(name)
    at = point(loss)
    assert at.unique
    assert (at.logit, at.probability) == (0.0, 0.5)
    terms = loss_terms(loss, at, np.array([1.0, 2.0]), np.array([-1.0]))
    assert terms["discriminator"].equilibrium == pytest.approx(discriminator, abs=1e-6)
    assert terms["generator"].equilibrium == pytest.approx(generator, abs=1e-6)
    assert terms["real"].equilibrium == terms["fake"].equilibrium == pytest.approx(generator)


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(ENTROPIES),
    st.floats(0.001, 1000),
    st.floats(0.01, 100),
    st.floats(0, 0.5),
)
@example("bce_with_logits", 1.0, 0.01171875, 0.5)
@example("bce_with_logits", 1.0, 0.01, 0.5)
def test_weights_and_smoothing_move_the_point_of_cross_entropy(name, weight, pos_weight, smoothing):
    at = point(losses.build(name, losses.Options("mean", weight, pos_weight, smoothing)))
    y = 1 - smoothing
    # d/dp of -[w y ln p + (1 - y) ln(1 - p)] - ln(1 - p) is 0 here
    p = pos_weight * y / (pos_weight * y + 2 - y)
    assert at.unique
    assert at.probability == pytest.approx(p, abs=2e-6)
    real = -weight * (pos_weight * y * math.log(p) + (1 - y) * math.log(1 - p))
    fake = -weight * math.log(1 - p)
    assert at.real == pytest.approx(real, rel=1e-4)
    assert at.fake == pytest.approx(fake, rel=1e-4)
    assert at.discriminator == pytest.approx(real + fake, rel=1e-4)
    assert at.generator == pytest.approx(-weight * pos_weight * math.log(p), rel=1e-4)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.001, 1000), st.floats(0, 0.5))
def test_smoothing_moves_the_point_of_least_squares(weight, smoothing):
    at = point(losses.build("mse", losses.Options(weight=weight, label_smoothing=smoothing)))
    p = (1 - smoothing) / 2
    assert at.probability == pytest.approx(p, abs=2e-6)
    assert at.real == pytest.approx(weight * p**2, rel=1e-5)
    assert at.fake == pytest.approx(weight * p**2, rel=1e-5)
    assert at.generator == pytest.approx(weight * (1 - p) ** 2, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("bce", -math.log(0.014)), ("mse", 0.986**2), ("hinge", -math.log(0.014 / 0.986))],
)
def test_gs_loss_at_an_answer_of_d_is_that_of_the_loss(name, value):
    for reduction in ("mean", "sum"):
        loss = losses.build(name, losses.Options(reduction=reduction))
        assert sure(loss, 0.014)[1] == pytest.approx(value, rel=1e-4)


def test_hinge_is_flat_and_only_its_sum_is_unique():
    loss = losses.build("hinge")
    at = point(loss)
    assert not at.unique
    assert (at.lowest, at.highest, at.logit) == (-1.0, 1.0, 0.0)
    assert (at.real, at.fake, at.generator) == (1.0, 1.0, 0.0)
    for logit in (-1.0, -0.3, 1.0):
        terms = loss_terms(loss, at, np.full(2, logit), np.full(2, logit))
        assert terms["discriminator"].distance == pytest.approx(0, abs=1e-6)
        assert terms["generator"].distance == pytest.approx(abs(logit))


@pytest.mark.parametrize("weight", [0.001, 1.0, 1000.0])
def test_the_wasserstein_loss_has_no_such_point(weight):
    loss = losses.build("wgan_gp", losses.Options(weight=weight))
    assert point(loss) is None
    terms = loss_terms(loss, None, np.array([1.0, 2.0]), np.array([-1.0]))
    assert terms["real"].value == pytest.approx(-1.5 * weight)
    assert terms["discriminator"].value == pytest.approx(-2.5 * weight)
    for term in terms.values():
        assert term.to_json() == {"value": term.value, "equilibrium": None, "distance": None}


@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@pytest.mark.parametrize("name", ["bce", "mse", "hinge"])
def test_point_and_terms_are_an_images_whatever_the_reduction(name, reduction):
    loss = losses.build(name, losses.Options(reduction=reduction))
    plain = losses.build(name)
    logits = np.array([1.0, 2.0, -0.5])
    assert point(loss) == point(plain)
    at = point(plain)
    assert loss_terms(loss, at, logits, logits) == loss_terms(plain, at, logits, logits)


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
