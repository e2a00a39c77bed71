"""Runs of a second or two, watched as the stage does it, to see what a change of params does.

The images are patterns of few pixels, and the networks have a few dozen units.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from mindspore import Parameter

from stages.gan.common.compiled import overwrite
from stages.gan.common.randomness import latent_codes
from stages.gan.data.prepared import Split
from stages.gan.evaluation.quality.frechet import gaussians
from stages.gan.params import Dataset
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly, preparation
from stages.gan.training.watch import verdicts, watch

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
    """A run: its verdict, its rows of MEASURES, and 200 images that it draws at the end."""

    verdict: verdicts.Verdict
    rows: np.ndarray
    images: np.ndarray
    restless: float

    @property
    def tail(self) -> np.ndarray:
        return self.rows[-40:].astype(np.float64)

    @property
    def distance(self) -> float:
        """How far generated images are from real ones: the Frechet distance of their pixels."""
        real, fake = (
            images.reshape(len(images), -1).astype(np.float64)
            for images in (patterns(400, seed=2, size=SIZE).images, self.images)
        )
        return gaussians(real.mean(axis=0), np.cov(real.T), fake.mean(axis=0), np.cov(fake.T))


SMALL: dict[str, Any] = {
    "batch_size": 16, "max_steps": STEPS, "latents": "fresh", "generator__widths": [24, 32],
    "discriminator__widths": [32, 24], "learning_rate": 0.002,
}  # fmt: skip


_assembled: dict[str, tuple[assembly.Assembly, dict[str, np.ndarray]]] = {}


def assembled(params: Dataset, data: Split) -> assembly.Assembly:
    """Networks at their start, and their step; not two for the same params at a time.

    To compile a step takes longer than to train with it. Constant learning rates are values that
    an optimizer holds, as weights are, and the number of steps is not compiled: of runs that differ
    in nothing else, the first compiles the step for all.
    """
    settings = params.train
    assert (settings.schedule.kind, settings.schedule.warm_up_steps) == ("constant", 0)
    values = {"learning_rate": 1.0, "discriminator_learning_rate": None, "max_steps": None}
    alike = settings.model_copy(update=values)
    key = f"{params.kind} {alike.model_dump_json()} {data.images.shape}"
    if key not in _assembled:
        players = assembly.assemble(params, data, STEPS)
        assert players.recorder is None
        assert players.lookahead is None
        start = {parameter.name: parameter.asnumpy().copy() for parameter in _parameters(players)}
        _assembled[key] = players, start
    players, start = _assembled[key]
    for parameter in _parameters(players):
        overwrite(parameter, start[parameter.name])
    own = settings.discriminator_learning_rate
    rates = settings.learning_rate, settings.learning_rate if own is None else own
    for mover, rate in zip(players.optimizers, rates, strict=True):
        overwrite(mover.learning_rate, np.array(rate, np.float32))
    return players


def _parameters(players: assembly.Assembly) -> list[Parameter]:
    cells = [players.generator, players.discriminator, *players.optimizers]
    cells += [] if players.average is None else [players.average]
    return [parameter for cell in cells for parameter in cell.get_parameters()]


def trained(params: Dataset, data: Split) -> Trained:
    """Train as the stage does, watched, to its end; a failure does not stop it."""
    plan = preparation.plan_of("mnist", params.train, len(data))
    players = assembled(params, data)
    codes = latent_codes(np.random.default_rng(1), 25, 6)
    watching = watch.begun(params.train, data, players, codes)
    seen: list[verdicts.Verdict] = []
    drawn: list[np.ndarray] = []

    def on_step(step: int, row: np.ndarray) -> None:
        if verdict := watching.look(step, row):
            seen.append(verdict)
        if step > plan.total_steps(len(data)) // 2 and step % 10 == 0:
            players.refresh()
            drawn.append(generate(players.shown, codes))

    for _ in players.train(data, replace(plan, on_step=on_step)):
        pass
    verdict = (seen or [watching.conclusion()])[0]
    moves = [float(np.abs(later - earlier).mean()) for earlier, later in pairwise(drawn)]
    players.refresh()
    images = generate(players.shown, latent_codes(np.random.default_rng(9), 200, 6))
    restless = sum(moves) / max(len(moves), 1)
    return Trained(verdict, watching.history.measures, images, restless)
