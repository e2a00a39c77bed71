"""The duality gap of a trained pair, and its perturbed and proximal forms.

With the game's value M(G, D) (see `rules`):

- duality gap (Grnarova et al. 2019, equation 3): max_D' M(G, D') - min_G' M(G', D). It is the sum
  of what D could gain against this G, and what G could gain against this D. It is 0 at a Nash
  equilibrium, and above 0 elsewhere.
- perturbed gap (Sidheekh et al. 2020): the same, with searches that start from slightly changed
  weights. Where both gradients are 0 and there is no equilibrium, a search from the trained weights
  stays there and finds no gap.
- proximal gap (Sidheekh et al. 2021): max_D' M(G, D') - min_G' P(G', D), where
  P(G', D) = max_D~ M(G', D~) - lambda |D~ - D|^2 (Farnia and Ozdaglar 2020): D may answer each G',
  but stays near D. Where there is no Nash equilibrium, this gap can still be 0. Farnia and Ozdaglar
  measure the distance by the logits' gradients; here it is the mean squared difference of the
  logits, over real and over generated images, which needs no second derivative.

Both searches find some response, and perhaps not the best. So the first two gaps are lower bounds.
The proximal gap is no bound: it has a maximum inside its minimum.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.common.randomness import stream
from stages.gan.evaluation.game import rules
from stages.gan.evaluation.game.boards import Board
from stages.gan.evaluation.game.responses import (
    ROUNDING,
    Anchor,
    Budget,
    Ignorant,
    OfDiscriminator,
    OfGenerator,
    Player,
    Same,
    Weights,
    answers_of,
)
from stages.gan.evaluation.game.rules import Rules
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.losses.equilibrium import point

NAMES = (
    "duality_gap",
    "discriminator_gain",
    "generator_gain",
    "perturbed_gap",
    "proximal_gap",
)
# Positions of the streams of random numbers; 0 and 1 are the boards'.
_SEARCH, _FLOOR, _NOISE = 2, 3, 4

Copies = Callable[[], tuple[nn.Cell, nn.Cell]]


@dataclass(frozen=True)
class Settings:
    """How gaps are measured.

    Parameters
    ----------
    budget : Budget
        Of each search.
    perturbation : float
        The size of the noise on the weights, as a share of their root mean square; > 0.
    proximity : float
        lambda, > 0: nats (or the loss's unit) per squared logit.
    seed : int
    """

    budget: Budget
    perturbation: float
    proximity: float
    seed: int


def measure(copies: Copies, losses: Rules, board: Board, settings: Settings) -> dict[str, Estimate]:
    """All gaps and gains, by their NAMES.

    Parameters
    ----------
    copies : callable
        Gives new copies of G and D at each call, in evaluation mode.
    losses : Rules
    board : Board
        See `boards.of_pair`.
    settings : Settings

    Returns
    -------
    dict of Estimate
        In the loss's unit, nats for cross-entropy. The errors are those of the means over the
        scored pairs; that another search could find another response is not in them.
    """
    generator, discriminator = copies()
    scored = board.scoring
    trained = rules.values(losses.measured, *answers_of(discriminator, generator, scored))
    best = highest(copies, losses, board, generator, settings)
    lowest = _lowest(copies, losses, board, discriminator, settings)
    near = nearest(copies, losses, board, settings)
    return {
        "duality_gap": _mean(best[0] - lowest[0]),
        "discriminator_gain": _mean(best[0] - trained),
        "generator_gain": _mean(trained - lowest[0]),
        "perturbed_gap": _mean(best[1] - lowest[1]),
        "proximal_gap": _mean(best[0] - near),
    }


def floor(copies: Copies, losses: Rules, board: Board, settings: Settings) -> dict[str, Estimate]:
    """What `measure` gives for a pair at equilibrium: the floors, by the same NAMES.

    Real images play the generator's part, and a D that gives all images one answer plays D's.
    D's copy searches as in `measure`, so its part has the search's faults and the scoring's chance.
    G's part is exactly 0, and is not searched: this D gives all images the same logit, so M is the
    same for every G'. The proximal floor is the plain one, because P is never below that M.

    Parameters
    ----------
    board : Board
        See `boards.of_equilibrium`.
    """
    at = point(losses.measured)
    still = copies()[1]
    still.update_parameters_name("still.")
    player = Player(copies()[1], "response", settings.budget)
    ignorant = Ignorant(player.network, still, at.logit if at else 0.0)  # its parts get new names
    first = player.weights()
    response = OfDiscriminator(
        player, losses.found, losses.measured, settings.budget, seen=ignorant
    )
    generator = Same()
    before = response.values(board.scoring, generator)
    after = _from_both(response, board, generator, first, settings, _FLOOR)
    plain, perturbed = (_mean(values - before) for values in after)
    return {
        "duality_gap": plain,
        "discriminator_gain": plain,
        "generator_gain": Estimate(0.0, 0.0),
        "perturbed_gap": perturbed,
        "proximal_gap": plain,
    }


def highest(
    copies: Copies, losses: Rules, board: Board, generator: nn.Cell, settings: Settings
) -> list[NDArray[np.float64]]:
    """max_D' M(G, D') by pairs, from the trained weights and from perturbed ones."""
    player = Player(copies()[1], "response", settings.budget)
    response = OfDiscriminator(player, losses.found, losses.measured, settings.budget)
    return _from_both(response, board, generator, player.weights(), settings, _SEARCH)


def _from_both(
    response: OfDiscriminator,
    board: Board,
    generator: nn.Cell,
    first: Weights,
    settings: Settings,
    position: int,
) -> list[NDArray[np.float64]]:
    """The values of D's responses from these weights on, and from perturbed ones.

    The weights themselves are a response, too: no response is worse on the choosing part.
    """
    player = response.player
    player.take(first)
    least = response.values(board.choosing, generator).mean()
    trained = response.values(board.scoring, generator)
    found = []
    for start in (first, player.perturbed(first, settings.perturbation, _noise(settings))):
        response.search(board, generator, start, stream(settings.seed, "game", position))
        better = response.values(board.choosing, generator).mean() > least + ROUNDING
        found.append(response.values(board.scoring, generator) if better else trained)
    return found


def _lowest(
    copies: Copies, losses: Rules, board: Board, discriminator: nn.Cell, settings: Settings
) -> list[NDArray[np.float64]]:
    """min_G' M(G', D) by pairs, from the trained weights and from perturbed ones."""
    player = Player(copies()[0], "response", settings.budget)
    first = player.weights()
    response = OfGenerator(player, discriminator, losses.found, losses.measured, settings.budget)
    most = response.values(board.choosing).mean()
    trained = response.values(board.scoring)
    found = []
    for start in (first, player.perturbed(first, settings.perturbation, _noise(settings))):
        response.search(board, start, stream(settings.seed, "game", _SEARCH))
        better = response.values(board.choosing).mean() < most - ROUNDING
        found.append(response.values(board.scoring) if better else trained)
    return found


def nearest(copies: Copies, losses: Rules, board: Board, settings: Settings) -> NDArray[np.float64]:
    """min_G' P(G', D) by pairs.

    G' and its D~ learn in turns, an update each, from G and D on. Then D~ is searched anew for this
    G', and for G itself, which is a G' too; the lower of both is returned. In a game that turns
    these two turn as well, and may miss the lowest point.
    """
    budget = settings.budget
    anchor = copies()[1]
    anchor.update_parameters_name("anchor.")
    theirs, ours = copies()
    near, moved = Player(ours, "near", budget), Player(theirs, "response", budget)
    first = near.weights()
    answer = OfDiscriminator(
        near, losses.found, losses.measured, budget, anchor=Anchor(anchor, settings.proximity)
    )
    response = OfGenerator(moved, near.network, losses.found, losses.measured, budget)
    near.begin(first)
    moved.begin(moved.weights())
    candidates = [moved.weights()]
    draw = stream(settings.seed, "game", _SEARCH)
    for _ in range(budget.steps):
        answer.update(board, moved.network, draw)
        response.update(board, draw)
    candidates.append(moved.weights())
    lowest, kept = math.inf, np.empty(0)
    for weights in candidates:
        moved.take(weights)
        answer.search(board, moved.network, first, stream(settings.seed, "game", _SEARCH))
        value = float(answer.values(board.choosing, moved.network).mean())
        if value < lowest or not len(kept):
            lowest, kept = value, answer.values(board.scoring, moved.network)
    return kept


def _noise(settings: Settings) -> np.random.Generator:
    return stream(settings.seed, "game", _NOISE)


def _mean(values: NDArray[np.float64]) -> Estimate:
    """The mean of independent pairs, and its standard error."""
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
    return Estimate(float(values.mean()), error)
