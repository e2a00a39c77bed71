"""Each change that the watch or the page advises is trained, beside the run that got the advice.

The data are patterns of 8 x 8 pixels and the networks have a few dozen units, so that a run takes
a second or two. What a run got is compared by the figure for which the advice was given.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data.prepared import Split
from stages.gan.params import Dataset
from stages.gan.params.changes import Change
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly
from stages.gan.training.history import History
from stages.gan.training.loop import train
from stages.gan.training.step.measures import DiversityMeter
from stages.gan.training.watch import diagnosis, verdicts
from stages.gan.training.watch.diagnosis import D_LOSS, FAKE
from stages.gan.training.watch.weights import Weights
from tests.helpers.data import load_params

STEPS = 160
SIZE = 8


def patterns(count: int, seed: int = 1, size: int = SIZE) -> Split:
    """Images of eight kinds, a bright and a dark half in different places, with noise."""
    draw = np.random.default_rng(seed)
    ways = np.random.default_rng(0).standard_normal((8, 1, 2, 2)).repeat(size // 2, 2)
    kinds = np.tanh(2.0 * ways.repeat(size // 2, 3))
    images = kinds[draw.integers(0, 8, count)] + 0.1 * draw.standard_normal((count, 1, size, size))
    codes = draw.standard_normal((count, 6)).astype(np.float32)
    return Split(np.clip(images, -1, 1).astype(np.float16), codes, None)


@dataclass
class Trained:
    """A run: its verdict, its rows of MEASURES, and what its networks give at the end."""

    verdict: verdicts.Verdict
    rows: np.ndarray
    players: assembly.Assembly
    restless: float

    @property
    def tail(self) -> np.ndarray:
        return self.rows[-40:].astype(np.float64)

    def images(self) -> np.ndarray:
        self.players.refresh()
        return generate(self.players.shown, latent_codes(stream(9, "advice"), 200, 6))


SMALL: dict[str, Any] = {
    "batch_size": 16, "max_steps": STEPS, "latents": "fresh", "generator__widths": [24, 32],
    "discriminator__widths": [32, 24], "learning_rate": 0.002,
}  # fmt: skip


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


def trained(params: Dataset, data: Split) -> Trained:
    """Train as the stage does, watched, to its end; a failure does not stop it."""
    plan = assembly.plan_of("mnist", params.train, len(data))
    players = assembly.assemble(params, data, plan.total_steps(len(data)))
    diagnosed = diagnosis.of_run(params.train, data, players.generator)
    codes = latent_codes(stream(1, "fixed"), 25, 6)
    meter, weights, history = DiversityMeter(players.generator, codes), Weights(players), History()
    seen: list[verdicts.Verdict] = []
    drawn: list[np.ndarray] = []

    def on_step(step: int, row: np.ndarray) -> None:
        row[-1] = meter.look(step)
        history.add_step(step, row)
        if not seen and (verdict := diagnosed.failure(history, weights.look(step))):
            seen.append(verdict)
        if step > plan.total_steps(len(data)) // 2 and step % 10 == 0:
            players.refresh()
            drawn.append(generate(players.shown, codes))

    for _ in train(players.step, data, replace(plan, on_step=on_step), players.discriminator_step):
        pass
    verdict = (seen or [diagnosed.conclusion(history, weights.broken())])[0]
    restless = float(np.mean([np.abs(b - a).mean() for a, b in zip(drawn, drawn[1:])]))  # noqa: B905, RUF007
    return Trained(verdict, history.measures, players, restless)


def d_loss(run: Trained) -> float:
    """High is better where D wins: G then finds images that D does not reject."""
    return float(run.tail[:, D_LOSS].mean())


def is_finite(run: Trained) -> float:
    return float(np.isfinite(run.rows[:, : diagnosis.D_GRADIENT]).all())


def is_moving(run: Trained) -> float:
    """Whether the losses still change."""
    return float(np.ptp(run.tail[:, D_LOSS]) > 0)


def diversity(run: Trained) -> float:
    return float(run.images().std(axis=0).mean())


def calm(run: Trained) -> float:
    """How little D's answer to generated images changes from one step to the next."""
    half = run.rows[len(run.rows) // 2 :, FAKE].astype(np.float64)
    return -float(np.abs(np.diff(half)).mean())


def steady(run: Trained) -> float:
    """How little the images of fixed codes change in ten steps."""
    return -run.restless


def near_real(run: Trained) -> float:
    """The negative distance of the generated from the real images, in the moments of pixels."""
    real = patterns(400, seed=2).images.reshape(400, -1).astype(np.float64)
    fake = run.images().reshape(200, -1).astype(np.float64)
    means = real.mean(axis=0) - fake.mean(axis=0)
    return -float(np.square(means).sum() + np.square(np.cov(real.T) - np.cov(fake.T)).sum() ** 0.5)


# The verdict, what the run that gets it is trained with, and by what figure each change helps.
SITUATIONS: dict[str, tuple[dict[str, Any], dict[str, Callable[[Trained], float]]]] = {
    verdicts.SATURATED: (
        {"learning_rate": 1.0},
        {"train.loss": is_moving, "train.learning_rate": is_moving},
    ),
    verdicts.WON: (
        {
            "learning_rate": 0.00002, "discriminator_learning_rate": 0.01, "discriminator_steps": 3,
        },
        {
            "train.discriminator_steps": d_loss,
            "train.loss": d_loss,
            "train.discriminator_learning_rate": d_loss,
            "train.instance_noise": d_loss,
        },
    ),
    verdicts.COLLAPSED: (
        {"learning_rate": 0.1, "generator__batch_norm": False},
        {
            "train.learning_rate": diversity,
            "train.discriminator_learning_rate": diversity,
            "train.generator.activation": diversity,
        },
    ),
    verdicts.DIVERGED: (
        {
            "optimizer": "sgd", "learning_rate": 0.5, "loss": "bce_with_logits",
            "loss_options__weight": 1000.0,
        },
        {"train.learning_rate": is_finite, "train.loss_options.weight": is_finite},
    ),
    verdicts.OSCILLATING: (
        {"learning_rate": 0.05, "beta1": 0.9, "loss": "bce_with_logits"},
        {"train.learning_rate": calm, "train.beta1": calm, "train.ema": steady},
    ),
    verdicts.NEAR: ({"learning_rate": 0.0005}, {"train.ema": steady}),
    verdicts.LEARNING: ({"max_steps": 20}, {"train.max_steps": near_real}),
}  # fmt: skip


def changed(run, changes: dict[str, Any], change: Change) -> Trained:
    name = change.param.removeprefix("train.").replace(".", "__")
    value = STEPS if change == Change("train.max_steps", None, change.why) else change.value
    return run(**{**changes, name: value})[0]


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_change_that_the_watch_advises_helps_the_run_that_got_the_advice(run, name):
    changes, figures = SITUATIONS[name]
    first, params = run(**changes)
    advised = verdicts.advice(name, params.train, len(first.rows))
    assert {change.param for change in advised} == set(figures)
    for change in advised:
        figure = figures[change.param]
        before, after = figure(first), figure(changed(run, changes, change))
        print(name, first.verdict.name, change.param, change.value, before, after)
        assert after > before, f"{change}: {before} before, {after} after"
