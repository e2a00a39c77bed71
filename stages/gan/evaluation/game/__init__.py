"""The trained pair as a game: what D and G could still gain, each against the other."""

from typing import Any

from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.prepared import Split
from stages.gan.evaluation.game import boards, gaps, jacobian, rules
from stages.gan.evaluation.game.responses import Budget
from stages.gan.losses.equilibrium import point
from stages.gan.params import Evaluate, Train
from stages.gan.trained.checkpoints import Checkpoint

NAMES = gaps.NAMES
# With fewer held-out images nothing is measured: half of them choose, and half of them score.
FEWEST = 40
# A position of the streams of random numbers, behind those of `gaps`.
_TURNING = 5


def measure(
    checkpoint: Checkpoint, known: Split, held_out: Split, train: Train, settings: Evaluate
) -> dict[str, Any]:
    """The scores of the game, by their names; see `gaps`.

    The game is that of the networks as they are used: the generator has the averaged weights, if
    there are any. Penalties, noise and augmentation of the training are no part of it.

    Parameters
    ----------
    checkpoint : Checkpoint
        The trained pair.
    known, held_out : Split
        The training images, and real images that neither network has seen.
    train : Train
        The settings of the loss.
    settings : Evaluate

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
    losses = gaps.Rules(rules.found_by(train), rules.measured(train))
    options = gaps.Settings(
        Budget(settings.game.steps, settings.game.batch_size, settings.game.learning_rate),
        settings.game.perturbation,
        settings.game.proximity,
        settings.seed,
    )
    images = known.images, held_out.images
    size = checkpoint.description.latent_size
    board = boards.of_pair(*images, size, count, settings.seed)
    found = gaps.measure(checkpoint.networks, losses, board, options)
    at = point(losses.measured)
    equal = boards.of_equilibrium(*images, count, settings.seed)
    floors = gaps.floor(checkpoint.networks, losses, equal, at.logit if at else 0.0, options)
    draw = stream(settings.seed, "game", _TURNING)
    return {
        **{name: found[name].against(floors[name]).to_json() for name in NAMES},
        "turning": jacobian.turning(*checkpoint.networks(), losses.found, board, draw),
    }


def too_few(count: int) -> str:
    """A line for the terminal: why nothing was measured with so many held-out images."""
    return _(
        "the game was not measured (evaluate.game.steps): it needs at least {fewest} held-out "
        "images, and evaluate looks at {count}"
    ).format(fewest=FEWEST, count=count)
