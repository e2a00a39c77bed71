import json

import pytest

from stages.gan import losses
from stages.gan.training.watch import verdicts
from stages.gan.training.watch.verdicts import VERDICTS, advice


@pytest.mark.parametrize("name", VERDICTS)
@pytest.mark.parametrize("loss", list(losses.LOSSES))
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"learning_rate": 0.01, "discriminator_steps": 5, "max_steps": None, "ema": 0.9},
        {"instance_noise": 0.5, "beta1": 0.9, "generator__activation": "leaky_relu"},
        {"discriminator__batch_norm": True, "loss_options__gradient_penalty": 0.0},
    ],
)
def test_what_is_advised_is_valid_and_not_set_already(settings, name, loss, more):
    given = {"loss": loss, **more}
    train = settings(**given)
    changes = advice(name, train, 2200)
    assert changes
    for change in changes:
        assert change.param.startswith("train.")
        assert change.why
        place = change.param.removeprefix("train.").replace(".", "__")
        assert settings(**{**given, place: change.value}) != train


def test_more_steps_are_those_that_were_left_out(settings):
    ended_early = advice(verdicts.LEARNING, settings(), 6000)
    assert [(change.param, change.value) for change in ended_early] == [("train.max_steps", None)]
    to_the_end = advice(verdicts.LEARNING, settings(), 2200)
    assert [(change.param, change.value) for change in to_the_end] == [("train.epochs", 400)]


def test_the_failing_runs_advice_is_the_loss_on_logits_first(settings):
    first, second = advice(verdicts.SATURATED, settings(learning_rate=0.01), 50)
    assert (first.param, first.value) == ("train.loss", "bce_with_logits")
    assert (second.param, second.value) == ("train.learning_rate", 0.0002)


def test_a_penalty_is_not_advised_where_there_is_one_or_none_is_possible(settings):
    batch_norm = {"discriminator__batch_norm": True}
    by_difference = {"r2": 0.5, "penalty__kind": "difference"}
    without = ({"r1": 0.5}, by_difference, {"loss": "wgan_gp"}, batch_norm)
    cases = (({}, True), ({"loss": "rpgan"}, True), *((given, False) for given in without))
    for given, advised in cases:
        params = {change.param for change in advice("discriminator won", settings(**given), 50)}
        assert ("train.r1" in params) == advised


def test_a_loss_on_logits_is_advised_to_a_d_that_won_only_if_gs_gradient_vanished(settings):
    for vanished in (True, False):
        changes = advice("discriminator won", settings(), 50, vanished)
        assert ("train.loss" in {change.param for change in changes}) == vanished


@pytest.mark.parametrize("name", VERDICTS)
def test_no_average_is_advised_to_a_run_that_is_too_short_for_it(settings, name):
    for steps in (1, 50, 99):
        assert "train.ema" not in {change.param for change in advice(name, settings(), steps)}
    for steps in (100, 150, 300, 6000):
        for change in advice(name, settings(), steps):
            assert change.param != "train.ema" or change.value**steps < 0.001


def test_a_verdict_goes_into_json():
    change = verdicts.Change("train.ema", 0.999, "why")
    verdict = verdicts.Verdict("diverged", 7, 3, "seen", "meaning", (change,), True)
    assert verdict.to_json() == {
        "name": "diverged",
        "step": 7,
        "since": 3,
        "seen": "seen",
        "meaning": "meaning",
        "changes": ({"param": "train.ema", "value": 0.999, "why": "why"},),
        "fatal": True,
    }
    assert verdicts.Verdict.from_json(verdict.to_json()) == verdict
    assert verdicts.Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
