"""Trains each run, and measures its game.

Each run trains the lecture's networks with some params changed. What was measured goes to
OUTPUT/<run>.json: the gaps with errors and floors, the eigenvalues of the game's Jacobian, and the
verdict of the watch. OUTPUT/<run>.npz has the way: the history, and all weights in 64 random
directions after every tenth step.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from benchmarks import lecture, verdicts
from stages.gan.common.compiled import overwrite
from stages.gan.data import prepared
from stages.gan.evaluation import game
from stages.gan.evaluation.game import gaps
from stages.gan.evaluation.game.responses import Budget, OfDiscriminator, Player
from stages.gan.trained import checkpoints, grids
from stages.gan.trained.sampling import generate
from stages.gan.training.assembly import Assembly
from stages.gan.training.step import measures

SEED = 7
STEPS = 300
SETTINGS = gaps.Settings(Budget(STEPS, 64, 0.0005), perturbation=0.01, proximity=0.1, seed=SEED)
# Other prices of D's way, and other budgets, that are tried too.
PROXIMITIES = (0.01, 0.03)
BUDGETS = (100, 600)
DIRECTIONS = 64
# The moves of ten steps whose directions are compared: so many moves apart.
APART = (1, 2, 3, 4, 5, 6)


def only_ones(data: prepared.Split) -> prepared.Split:
    """The digits 1 alone."""
    assert data.labels is not None
    rows = np.flatnonzero(data.labels[:] == 1)
    return prepared.Split(data.images[rows], data.latents[rows], data.labels[rows])


@dataclass(frozen=True)
class Run:
    """What is changed of the lecture's recipe.

    With `answered`, D learns on all digits after the training, against the fixed G, for so many
    steps: G stays where it is, and D is the best answer to it.
    """

    steps: int
    changes: dict[str, Any] = field(default_factory=dict)
    data: Callable[[prepared.Split], prepared.Split] = verdicts.keep
    answered: int = 0
    budgets: tuple[int, ...] = ()


RUNS = {
    "new networks": Run(1),
    "young": Run(100),
    "healthy": Run(1000, budgets=BUDGETS),
    "healthy, later": Run(3000),
    "D twice as fast": Run(1000, {"discriminator_learning_rate": 0.0004}),
    "saturated": Run(300, {"learning_rate": 0.01, "loss": "bce"}),
    "cycling": Run(1000, {"learning_rate": 0.01, "loss": "bce_with_logits"}),
    "one mode": Run(700, data=only_ones, answered=600),
}


class Way:
    """The weights of both networks on the way, in a few random directions."""

    def __init__(self, players: Assembly) -> None:
        self._parts = [
            [p for p in network.trainable_params()]
            for network in (players.generator, players.discriminator)
        ]
        draw = np.random.default_rng(SEED)
        self._directions = [
            draw.standard_normal((DIRECTIONS, sum(p.size for p in part)), dtype=np.float32)
            / np.float32(np.sqrt(DIRECTIONS))
            for part in self._parts
        ]
        self.steps: list[int] = []
        self.points: list[np.ndarray] = []

    def look(self, step: int) -> None:
        """Remember where both are now."""
        flat = [np.concatenate([p.asnumpy().ravel() for p in part]) for part in self._parts]
        self.steps.append(step)
        self.points.append(np.stack([d @ w for d, w in zip(self._directions, flat, strict=True)]))


def trained(run: Run, data: prepared.Split) -> tuple[verdicts.Trained, Way]:
    """Train as the run says, to its end; the result, and the way of the weights."""
    settings = lecture.settings("mnist", {"max_steps": run.steps, **run.changes})
    ways: list[Way] = []

    def on_step(players: Assembly, step: int) -> None:
        if not ways:
            ways.append(Way(players))
        if step % 10 == 0 or step == 1:
            ways[0].look(step)

    made = verdicts.train(settings, "mnist", run.data(data), on_step, stops=False)
    return made, ways[0]


def answer(played: game.Game, steps: int) -> dict[str, Any]:
    """The weights of D after so many steps against the fixed G."""
    budget = Budget(steps, SETTINGS.budget.batch_size, SETTINGS.budget.learning_rate)
    generator, discriminator = played.copies()
    player = Player(discriminator, "answer", budget)
    losses = played.losses
    response = OfDiscriminator(player, losses.found, losses.measured, budget)
    response.search(played.board, generator, player.weights(), np.random.default_rng(SEED))
    return player.weights()


def game_of(made: verdicts.Trained, run: Run, folder: Path, *data: prepared.Split) -> game.Game:
    """The game of the trained pair; its checkpoints are written into an empty folder."""

    def of(name: str) -> game.Game:
        made.players.save(folder / name, epoch=1, step=run.steps)
        checkpoint = checkpoints.load(folder / name)
        return game.of_checkpoint(checkpoint, *data, made.settings.train, len(data[1]), SEED)

    played = of("trained")
    if not run.answered:
        return played
    weights = answer(played, run.answered)
    for parameter in made.players.discriminator.get_parameters():
        overwrite(parameter, weights[parameter.name])
    return of("answered")


def measure(name: str, folder: Path, output: Path) -> Iterator[dict[str, Any]]:
    """Train, and measure the pair: first as is shipped, then with other prices and budgets."""
    run = RUNS[name]
    known, held_out = (prepared.load(folder, split) for split in prepared.SPLITS)
    began = time.monotonic()
    made, way = trained(run, known)
    print(f"{name}: trained in {time.monotonic() - began:.0f} s, {made.verdict.name}", flush=True)
    rows = made.watching.history.measures
    with tempfile.TemporaryDirectory() as scratch:
        played = game_of(made, run, Path(scratch), known, held_out)
        began = time.monotonic()
        found = game.scores(played, SETTINGS, np.random.default_rng(SEED))
        print(f"{name}: measured in {time.monotonic() - began:.0f} s", flush=True)
        shown = generate(played.copies()[0], played.board.scoring.codes[: grids.COUNT])
        grids.grid(shown).save(output / f"{slug(name)}.png")
        np.savez(
            output / f"{slug(name)}.npz",
            history=rows,
            steps=np.array(way.steps),
            points=np.array(way.points),
        )
        result = {
            "run": {"steps": run.steps, "changes": run.changes, "data": run.data.__name__},
            "verdict": made.verdict.name,
            "losses": {
                key: float(column.mean())
                for key, column in zip(measures.MEASURES[:4], rows[-50:, :4].T, strict=True)
            },
            "gaps": {key: found[key] for key in game.NAMES},
            **found["turning"],
            "way": turns(np.array(way.points)),
        }
        yield result
        of_game = played.copies, played.losses, played.board
        best = gaps.highest(*of_game, played.copies()[0], SETTINGS)[0]
        for price in PROXIMITIES:
            near = gaps.nearest(*of_game, replace(SETTINGS, proximity=price))
            result.setdefault("proximal_by_price", {})[str(price)] = float(np.mean(best - near))
        yield result
        for steps in run.budgets:
            budget = replace(SETTINGS.budget, steps=steps)
            again = gaps.measure(*of_game, replace(SETTINGS, budget=budget))
            result.setdefault("by_steps", {})[str(steps)] = {
                key: each.value for key, each in again.items()
            }
            yield result


def turns(points: np.ndarray) -> dict[str, list[float]]:
    """How alike the directions of two moves are, by how far they are apart, in the second half.

    A move is that of ten steps. Moves of a pair that turns point back after half a turn, and are
    alike again after a whole one. `points` is (looks, 2, DIRECTIONS), G's and D's.
    """
    found = {}
    for name, way in zip(("generator", "discriminator"), points.swapaxes(0, 1), strict=True):
        moves = np.diff(way[len(way) // 2 :], axis=0)
        lengths = np.linalg.norm(moves, axis=1, keepdims=True)
        if len(moves) <= 2 * max(APART) or not lengths.all():
            continue
        units = moves / lengths
        found[name] = [float((units[:-k] * units[k:]).sum(axis=1).mean()) for k in APART]
    return found


def slug(name: str) -> str:
    """The name of a run's files."""
    return name.replace(",", "").replace(" ", "-")
