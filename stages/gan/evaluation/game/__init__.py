"""The trained pair as a game: what D and G could still gain, each against the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.prepared import Split
from stages.gan.evaluation.game import boards, gaps, jacobian, rules
from stages.gan.evaluation.game.responses import Budget
from stages.gan.params import Evaluate, Train
from stages.gan.trained.checkpoints import Checkpoint

NAMES = gaps.NAMES
# With fewer held-out images nothing is measured: half of them choose, and half of them score.
FEWEST = 40
# The position of a stream of random numbers, after those that `gaps` uses.
_TURNING = 5


@dataclass(frozen=True)
class Game:
    """A trained pair, and all that its game is played with.

    Parameters
    ----------
    copies : callable
        Gives new copies of G and D at each call, such as `Checkpoint.networks`.
    losses : Rules
    board, equal : Board
        Of the pair, and of a pair at equilibrium.
    """

    copies: gaps.Copies
    losses: rules.Rules
    board: boards.Board
    equal: boards.Board


def of_checkpoint(
    checkpoint: Checkpoint, known: Split, held_out: Split, train: Train, count: int, seed: int
) -> Game:
    """The game of a checkpoint's networks as they are used.

    The generator has the averaged weights, if there are any. Penalties, noise and augmentation of
    the training are no part of the game.

    Parameters
    ----------
    checkpoint : Checkpoint
    known, held_out : Split
        The training images, and real images that neither network has seen.
    train : Train
        The settings of the loss.
    count : int
        How many held-out images are used.
    seed : int
    """
    images = known.images, held_out.images
    board = boards.of_pair(*images, checkpoint.description.latent_size, count, seed)
    equal = boards.of_equilibrium(*images, count, seed)
    return Game(checkpoint.networks, rules.of(train), board, equal)


def scores(game: Game, settings: gaps.Settings, draw: np.random.Generator) -> dict[str, Any]:
    """Each gap by its name with value, error and floor, and `turning`.

    Parameters
    ----------
    game : Game
    settings : gaps.Settings
    draw : Generator
        For `jacobian.turning`.
    """
    found = gaps.measure(game.copies, game.losses, game.board, settings)
    floors = gaps.floor(game.copies, game.losses, game.equal, settings)
    return {
        **{name: found[name].against(floors[name]).to_json() for name in NAMES},
        "turning": jacobian.turning(*game.copies(), game.losses.found, game.board, draw),
    }


def measure(
    checkpoint: Checkpoint, known: Split, held_out: Split, train: Train, settings: Evaluate
) -> dict[str, Any]:
    """The scores of a checkpoint's game, by their names; see `gaps` and `of_checkpoint`.

    Returns
    -------
    dict
        Each score with `value`, `error`, `floor` and `floor_error`, and `turning`, see
        `jacobian.turning`. It is empty if `evaluate.game.steps` is 0, if there are fewer than
        FEWEST held-out images, or for a loss whose game has no finite value (wgan_gp).
    """
    count = min(settings.samples, len(held_out))
    if not settings.game.steps or count < FEWEST or not rules.has_value(train):
        return {}
    options = gaps.Settings(
        Budget(settings.game.steps, settings.game.batch_size, settings.game.learning_rate),
        settings.game.perturbation,
        settings.game.proximity,
        settings.seed,
    )
    played = of_checkpoint(checkpoint, known, held_out, train, count, settings.seed)
    return scores(played, options, stream(settings.seed, "game", _TURNING))


def too_few(count: int) -> str:
    """A line for the terminal: why nothing was measured with so many held-out images."""
    return _(
        "the game was not measured (evaluate.game.steps): it needs at least {fewest} held-out "
        "images, and evaluate looks at {count}"
    ).format(fewest=FEWEST, count=count)
