import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.evaluation import discriminator
from tests.helpers.data import message_of

ZERO = np.zeros(8)


def test_who_cannot_tell_stands_at_equilibrium(settings):
    measured = discriminator.measure(settings(), ZERO, ZERO)
    for name, point in (("real", math.log(2)), ("discriminator", 2 * math.log(2))):
        assert measured["bce"][name]["value"] == pytest.approx(point)
        assert measured["bce"][name]["distance"] == pytest.approx(0, abs=1e-9)
    assert measured["real_probability"] == measured["fake_probability"] == 0.5
    assert measured["jsd_lower_bound"] == pytest.approx(0, abs=1e-9)
    # A logit of exactly 0 counts as generated, so half of all images are sorted rightly.
    assert measured["accuracy"] == 0.5


@pytest.mark.parametrize(("loss", "term"), [("mse", 0.25), ("bce", math.log(2))])
def test_the_training_loss_is_measured_beside_it(settings, loss, term):
    own = discriminator.measure(settings(loss=loss), ZERO, ZERO)["training_loss"]
    assert own["name"] == loss
    assert own["equilibrium_point"]["probability"] == pytest.approx(0.5)
    assert own["fake"]["value"] == own["fake"]["equilibrium"] == pytest.approx(term)


def test_a_loss_without_an_equilibrium_has_none(settings):
    own = discriminator.measure(settings(loss="wgan_gp"), ZERO, ZERO)["training_loss"]
    assert own["equilibrium_point"] is None


def test_of_a_loss_of_pairs_a_constant_of_the_logits_means_nothing(settings):
    rpgan = settings(loss="rpgan")
    real, fake = np.array([1.0, 3.0, 2.0, 0.5]), np.array([0.0, 1.0, -1.0, 1.5])
    measured, moved = (discriminator.measure(rpgan, real + c, fake + c) for c in (0.0, 70.0))
    own = measured["training_loss"]
    assert set(own) == {"name", "equilibrium_point", "generator", "discriminator"}
    each = np.log1p(np.exp(fake - real))
    assert own["discriminator"]["value"] == pytest.approx(each.mean(), abs=1e-6)
    assert own["discriminator"]["equilibrium"] == pytest.approx(math.log(2), abs=1e-6)
    assert measured["real_probability"] == pytest.approx(np.mean(np.exp(-each)))
    assert measured["real_probability"] + measured["fake_probability"] == pytest.approx(1)
    # Cross-entropy and accuracy are as good as any constant makes them.
    assert measured["accuracy"] == 0.625  # the constant is between 1.0 and 1.5
    for name in ("accuracy", "real_probability", "jsd_lower_bound"):
        assert moved[name] == pytest.approx(measured[name], abs=1e-9)
    for name, term in measured["bce"].items():
        assert moved["bce"][name]["value"] == pytest.approx(term["value"], abs=1e-9)
    uncentred = discriminator.measure(settings(), real, fake)
    assert measured["bce"]["discriminator"]["value"] < uncentred["bce"]["discriminator"]["value"]


logits = st.lists(st.floats(-40, 40), min_size=1, max_size=20).map(np.array)


@given(real=logits, fake=logits)
def test_accuracy_and_probabilities_are_means_over_both_kinds(settings, real, fake):
    measured = discriminator.measure(settings(), real, fake)
    right = (np.mean(real > 0) + np.mean(fake <= 0)) / 2
    assert measured["accuracy"] == pytest.approx(right)
    assert measured["real_probability"] == pytest.approx(np.mean(1 / (1 + np.exp(-real))))
    assert 0 <= measured["jsd_lower_bound"] <= math.log(2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused(settings, bad):
    spoilt = np.array([0.0, bad])
    for pair in ((spoilt, ZERO), (ZERO, spoilt)):
        assert "not finite" in message_of(discriminator.measure, settings(), *pair)


def test_the_line_names_both_networks(settings):
    measured = discriminator.measure(settings(), ZERO, ZERO)
    assert discriminator.line(measured, 1000) == (
        "on 1,000 held-out images D's BCE is 1.3863, 0.0000 from equilibrium; "
        "G's is 0.6931, 0.0000 from equilibrium"
    )
