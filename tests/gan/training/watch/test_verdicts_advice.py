"""Changes that the watch advises are trained, beside the run that got the advice.

The data are patterns of 8 x 8 pixels and the networks have a few dozen units, so that a run takes
a second or two. What a run got is compared by the figure for which the advice was given.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stages.gan.params import Dataset
from stages.gan.training.watch import diagnosis, verdicts
from stages.gan.training.watch.changes import Change
from stages.gan.training.watch.diagnosis import D_LOSS, G_GRADIENT
from tests.helpers.data import load_params
from tests.helpers.training.watched import SMALL, STEPS, Trained, patterns, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Callable[..., tuple[Trained, Dataset]]:
    """Trains with changes of SMALL, named as in params.yaml but with `__`; each run only once."""
    folder = tmp_path_factory.mktemp("advice")

    @functools.cache
    def cached(changes: tuple[tuple[str, Any], ...]) -> tuple[Trained, Dataset]:
        given = {**SMALL, **{name: _thaw(value) for name, value in changes}}
        named = {f"mnist__train__{name}": value for name, value in given.items()}
        params = load_params(folder, "mnist", **named)
        return trained(params, patterns(400)), params

    return lambda **changes: cached(tuple(sorted((n, _freeze(v)) for n, v in changes.items())))


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _thaw(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def d_loss(run: Trained) -> float:
    """High is better where D wins: G then finds images that D does not reject."""
    return float(run.tail[:, D_LOSS].mean())


def is_finite(run: Trained) -> float:
    return float(np.isfinite(run.rows[:, : diagnosis.D_GRADIENT]).all())


def learns(run: Trained) -> float:
    """The share of G's measured gradients that are not exactly 0."""
    lengths = run.rows[60:, G_GRADIENT]
    return float(np.mean(lengths[~np.isnan(lengths)] > 0))


def diversity(run: Trained) -> float:
    return float(run.images.std(axis=0).mean())


def steady(run: Trained) -> float:
    """How little the images of fixed codes change in ten steps."""
    return -run.restless


def near_real(run: Trained) -> float:
    return -run.distance


# The verdict, what the run that gets it is trained with, and by what figure each change helps.
# Hardly any run of this size swings so long that it is told: the one below has the large rate and
# the momentum that make runs swing.
SITUATIONS: list[tuple[str, dict[str, Any], dict[str, Callable[[Trained], float]]]] = [
    (
        verdicts.SATURATED,
        {"learning_rate": 0.3},
        {"train.loss": learns, "train.learning_rate": learns},
    ),
    (
        verdicts.WON,
        {
            "learning_rate": 0.0001, "discriminator_learning_rate": 0.004, "discriminator_steps": 3,
        },
        {
            "train.discriminator_steps": d_loss,
            "train.discriminator_learning_rate": d_loss,
            "train.r1": d_loss,
        },
    ),
    (
        verdicts.WON,
        {"learning_rate": 0.01, "beta1": 0.9, "loss": "bce_with_logits"},
        {"train.beta1": near_real},
    ),
    (
        verdicts.COLLAPSED,
        {"learning_rate": 0.1, "loss": "bce_with_logits"},
        {"train.learning_rate": diversity, "train.generator.activation": diversity},
    ),
    (
        verdicts.DIVERGED,
        {
            "optimizer": "sgd", "learning_rate": 0.5, "loss": "bce_with_logits",
            "loss_options__weight": 1000.0,
        },
        {"train.learning_rate": is_finite, "train.loss_options.weight": is_finite},
    ),
    (
        verdicts.OSCILLATING,
        {"learning_rate": 0.01, "beta1": 0.8},
        {"train.learning_rate": near_real, "train.beta1": near_real, "train.ema": near_real},
    ),
    (verdicts.NEAR, {"learning_rate": 0.0005}, {"train.ema": steady}),
    (verdicts.LEARNING, {"max_steps": 20}, {"train.max_steps": near_real}),
]  # fmt: skip
FAULTS = (verdicts.SATURATED, verdicts.WON, verdicts.COLLAPSED, verdicts.DIVERGED)


def changed(run, changes: dict[str, Any], change: Change) -> Trained:
    name = change.param.removeprefix("train.").replace(".", "__")
    value = STEPS if change == Change("train.max_steps", None, change.why) else change.value
    return run(**{**changes, name: value})[0]


@pytest.mark.parametrize(("name", "changes", "figures"), SITUATIONS)
def test_a_change_that_the_watch_advises_helps_the_run_that_got_the_advice(
    run, name, changes, figures
):
    first, params = run(**changes)
    assert name not in FAULTS or first.verdict.name == name
    advised = {each.param: each for each in verdicts.advice(name, params.train, len(first.rows))}
    worse = []
    for param, figure in figures.items():
        before, after = figure(first), figure(changed(run, changes, advised[param]))
        worse += [] if after > before else [f"{advised[param]}: {before} before, {after} after"]
    assert not worse


@pytest.mark.parametrize("name", dict.fromkeys(name for name, *_ in SITUATIONS))
def test_all_that_is_advised_is_tried(settings, name):
    own = [(changes, figures) for each, changes, figures in SITUATIONS if each == name]
    tried = {param for _, figures in own for param in figures}
    for changes, _ in own:
        steps = changes.get("max_steps", STEPS)
        given = {**SMALL, **changes}
        assert {each.param for each in verdicts.advice(name, settings(**given), steps)} <= tried
