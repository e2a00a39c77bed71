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
    return float(run.images().std(axis=0).mean())


def steady(run: Trained) -> float:
    """How little the images of fixed codes change in ten steps."""
    return -run.restless


def near_real(run: Trained) -> float:
    return -run.distance


# The verdict, what the run that gets it is trained with, and by what figure each change helps.
SITUATIONS: dict[str, tuple[dict[str, Any], dict[str, Callable[[Trained], float]]]] = {
    verdicts.SATURATED: (
        {"learning_rate": 0.3},
        {"train.loss": learns, "train.learning_rate": learns},
    ),
    verdicts.WON: (
        {
            "learning_rate": 0.0001, "discriminator_learning_rate": 0.004, "discriminator_steps": 3,
        },
        {
            "train.discriminator_steps": d_loss,
            "train.discriminator_learning_rate": d_loss,
        },
    ),
    verdicts.COLLAPSED: (
        {"learning_rate": 0.1, "loss": "bce_with_logits"},
        {"train.learning_rate": diversity},
    ),
    verdicts.DIVERGED: (
        {
            "optimizer": "sgd", "learning_rate": 0.5, "loss": "bce_with_logits",
            "loss_options__weight": 1000.0,
        },
        {"train.learning_rate": is_finite, "train.loss_options.weight": is_finite},
    ),
    verdicts.NEAR: ({"learning_rate": 0.0005}, {"train.ema": steady}),
    verdicts.LEARNING: ({"max_steps": 20}, {"train.max_steps": near_real}),
}  # fmt: skip


# Advised, but not tried here yet.
NOT_TRIED = {
    verdicts.COLLAPSED: {"train.discriminator_learning_rate", "train.generator.activation"},
    verdicts.OSCILLATING: {"train.learning_rate", "train.ema"},
}
FAULTS = (verdicts.SATURATED, verdicts.WON, verdicts.COLLAPSED, verdicts.DIVERGED)


def changed(run, changes: dict[str, Any], change: Change) -> Trained:
    name = change.param.removeprefix("train.").replace(".", "__")
    value = STEPS if change == Change("train.max_steps", None, change.why) else change.value
    return run(**{**changes, name: value})[0]


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_change_that_the_watch_advises_helps_the_run_that_got_the_advice(run, name):
    changes, figures = SITUATIONS[name]
    first, params = run(**changes)
    assert name not in FAULTS or first.verdict.name == name
    advised = verdicts.advice(name, params.train, len(first.rows))
    tried = [change for change in advised if change.param not in NOT_TRIED.get(name, ())]
    assert {change.param for change in tried} == set(figures)
    worse = []
    for change in tried:
        figure = figures[change.param]
        before, after = figure(first), figure(changed(run, changes, change))
        worse += [] if after > before else [f"{change}: {before} before, {after} after"]
    assert not worse
