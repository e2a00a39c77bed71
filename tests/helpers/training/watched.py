"""Runs of a second or two, watched as the stage does it, to see what a change of params does.

The images are patterns of few pixels, and the networks have a few dozen units.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

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
        return generate(self.players.shown, latent_codes(np.random.default_rng(9), 200, 6))

    @property
    def distance(self) -> float:
        """How far generated images are from real ones: the Frechet distance of their pixels."""
        real, fake = (
            images.reshape(len(images), -1).astype(np.float64)
            for images in (patterns(400, seed=2, size=SIZE).images, self.images())
        )
        return gaussians(real.mean(axis=0), np.cov(real.T), fake.mean(axis=0), np.cov(fake.T))


SMALL: dict[str, Any] = {
    "batch_size": 16, "max_steps": STEPS, "latents": "fresh", "generator__widths": [24, 32],
    "discriminator__widths": [32, 24], "learning_rate": 0.002,
}  # fmt: skip


def trained(params: Dataset, data: Split) -> Trained:
    """Train as the stage does, watched, to its end; a failure does not stop it."""
    plan = preparation.plan_of("mnist", params.train, len(data))
    players = assembly.assemble(params, data, plan.total_steps(len(data)))
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
    return Trained(verdict, watching.history.measures, players, sum(moves) / max(len(moves), 1))
