"""Each loss as a zero-sum game."""

import numpy as np
import pytest
from mindspore import grad

from stages.gan import losses
from stages.gan.evaluation.game import rules
from stages.gan.losses.equilibrium import as_column, loss_terms, point
from tests.helpers.data import load_params

REAL = np.array([2.0, -1.0, 0.5])
FAKE = np.array([-2.0, 0.3, 1.5])


@pytest.fixture
def train(tmp_path):
    def of(loss: str, **changes):
        options = {f"mnist__train__{name}": value for name, value in changes.items()}
        return load_params(tmp_path, "mnist", mnist__train__loss=loss, **options).train

    return of


@pytest.mark.parametrize("name", losses.LOSSES)
def test_m_is_ds_loss_with_the_other_sign(train, name):
    settings = train(name)
    values = rules.values(rules.of(settings).measured, REAL, FAKE)
    assert values.shape == (3,)
    term = loss_terms(losses.of_params(settings), None, REAL, FAKE)["discriminator"]
    assert values.mean() == pytest.approx(-term.value, abs=1e-5)


def test_m_at_the_equilibrium_of_cross_entropy_is_minus_2_ln_2(train):
    loss = rules.of(train("bce_with_logits")).measured
    at = np.full(4, point(loss).logit)
    assert rules.values(loss, at, at) == pytest.approx(-2 * np.log(2), abs=1e-6)


def test_m_does_not_depend_on_the_reduction(train):
    options = {"loss_options__reduction": "sum"}
    found = rules.values(rules.of(train("bce_with_logits", **options)).measured, REAL, FAKE)
    expected = rules.values(rules.of(train("bce_with_logits")).measured, REAL, FAKE)
    assert (found == expected).all()


@pytest.mark.parametrize("count", [41, 150])
def test_m_has_the_same_bits_at_each_call(train, count):
    """MindSpore divides an array among threads in another way from the sixth call on."""
    loss = rules.of(train("bce_with_logits")).measured
    real, fake = np.random.default_rng(0).normal(0, 3, (2, count))
    assert len({rules.values(loss, real, fake).tobytes() for _ in range(20)}) == 1


def test_a_saturated_d_is_led_out_by_the_loss_on_logits(train):
    settings = train("bce")
    sure = as_column(np.array([40.0]))  # a generated image, which D calls real
    for loss, moves in ((rules.of(settings).measured, False), (rules.of(settings).found, True)):
        slope = grad(lambda s, loss=loss: loss.discriminator(sure, s))(sure)
        assert bool((slope.asnumpy() != 0).all()) is moves


def test_only_the_loss_whose_penalty_bounds_d_has_no_value(train):
    without = [name for name in losses.LOSSES if not rules.has_value(train(name))]
    assert without == ["wgan_gp"]
