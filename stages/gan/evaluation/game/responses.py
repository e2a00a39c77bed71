"""Best responses: a copy of one player learns against the other player, which stands still.

All networks are in evaluation mode, also those that learn. Then M(G, D) is a function of weights
and single images: the statistics of batch norm are constants, and the game that is measured is that
of the networks as they are used. In training mode the answer to an image would depend on the other
images of its batch, so a copy without one update would already play another game.

A search is Adam's, with a rate that falls to 0 along half a cosine. On the way the weights are
tried ten times on pairs that it does not learn from, and the best weights are kept. The weights at
the beginning are among them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from numpy.typing import NDArray

from stages.gan.common.compiled import jit, overwrite
from stages.gan.common.tensors import as_tensor
from stages.gan.evaluation.game import rules
from stages.gan.evaluation.game.boards import Board, Part
from stages.gan.layers import spectral
from stages.gan.losses import Loss
from stages.gan.trained.checkpoints import values as values_of
from stages.gan.trained.sampling import logits
from stages.gan.training import optimizers
from stages.gan.training.optimizers.schedules import Schedule

Weights = Mapping[str, NDArray[Any]]
# How many times the weights are tried during a search.
LOOKS = 10
# Smaller differences of M are float32's rounding, so they do not make weights better.
ROUNDING = 1e-6
# Pairs in a batch of `answers_of`.
_BATCH = 200


@dataclass(frozen=True)
class Budget:
    """What one search may cost.

    Parameters
    ----------
    steps : int
        Updates, >= 1.
    batch_size : int
        Real images, and latent codes, of an update.
    learning_rate : float
        Adam's at the first update, > 0.
    """

    steps: int
    batch_size: int
    learning_rate: float


class Player:
    """A network that learns, and its optimizer. Both can begin anew without being compiled again.

    Parameters
    ----------
    network : nn.Cell
        A copy of a trained network that no compiled function has used yet.
    name : str
        The prefix of the names of its optimizer's parameters.
    budget : Budget
    """

    def __init__(self, network: nn.Cell, name: str, budget: Budget) -> None:
        network.set_train(False)
        self.network = network
        rate = Schedule("cosine", total_steps=budget.steps).rate(budget.learning_rate)
        self.optimizer = optimizers.build("adam", network, name, rate)
        self._own = list(network.get_parameters())
        ours = {parameter.name for parameter in self._own}
        self._moments = [p for p in self.optimizer.get_parameters() if p.name not in ours]
        self._first = values_of(self._moments)

    def weights(self) -> dict[str, NDArray[Any]]:
        """A copy of the values of all parameters, by their names."""
        return values_of(self._own)

    def take(self, weights: Weights) -> None:
        """Take the weights of a network whose parameters have the same names."""
        _overwrite(self._own, weights)

    def begin(self, weights: Weights) -> None:
        """Take these weights, with an optimizer that remembers nothing."""
        self.take(weights)
        _overwrite(self._moments, self._first)

    def perturbed(self, weights: Weights, size: float, draw: np.random.Generator) -> Weights:
        """These weights with noise on all that learns.

        Each array gets Gaussian noise. Its deviation is `size` times the array's root mean square.
        """
        changed = dict(weights)
        for parameter in self.network.trainable_params():
            given = weights[parameter.name]
            noise = draw.standard_normal(given.shape, dtype=np.float32)
            scale = np.float32(size * np.sqrt(np.mean(np.square(given, dtype=np.float64))))
            changed[parameter.name] = given + scale * noise
        return changed


def _overwrite(parameters: list[Parameter], stored: Weights) -> None:
    for parameter in parameters:
        overwrite(parameter, stored[parameter.name])


class Same(nn.Cell):
    """The generator of a game at equilibrium: its "codes" are real images, which it returns."""

    def construct(self, x):
        return x


class Ignorant(nn.Cell):
    """D'(x) - D(x) + s: gives every image the logit s until D', a copy of D, has learnt something.

    So it is at equilibrium, and can learn what D could learn from here.

    Parameters
    ----------
    learning, still : nn.Cell
        Two copies of D; the parameters have other names.
    logit : float
        s, D's answer at the equilibrium of the loss.
    """

    def __init__(self, learning: nn.Cell, still: nn.Cell, logit: float) -> None:
        super().__init__()
        self.learning = learning
        self.still = still
        self.logit = logit
        self.set_train(False)

    def construct(self, x):
        return self.learning(x) - self.still(x) + self.logit


@dataclass(frozen=True)
class Anchor:
    """Holds a response of D near D: it costs `weight` times the mean squared distance of logits.

    `network` is a copy of D whose parameters have other names than those of the copy that learns.
    """

    network: nn.Cell
    weight: float


class OfDiscriminator:
    """Searches D's response to a generator: the D' of the highest M(G, D').

    Parameters
    ----------
    player : Player
        A copy of D.
    loss : Loss
        Its mean is made small: `rules.Rules.found`.
    measured : Loss
        It gives M: `rules.Rules.measured`.
    budget : Budget
    seen : nn.Cell, optional
        What gives the logits, if it is not the copy alone; see `Ignorant`.
    anchor : Anchor, optional
        M is then less the cost of the distance from it.
    """

    def __init__(
        self,
        player: Player,
        loss: Loss,
        measured: Loss,
        budget: Budget,
        seen: nn.Cell | None = None,
        anchor: Anchor | None = None,
    ) -> None:
        self.player = player
        self.seen = seen = player.network if seen is None else seen
        self._measured = measured
        self._budget = budget
        self._anchor = anchor
        still = anchor.network if anchor else None
        weight = anchor.weight if anchor else 0.0
        optimizer = player.optimizer
        normalised = spectral.layers(player.network)
        join = ops.Concat(0)

        def objective(images, held):
            answers = seen(images)
            count = images.shape[0] // 2
            value = loss.discriminator(answers[:count], answers[count:])
            if still is None:
                return value
            apart = answers - held
            return value + weight * 2.0 * ops.mean(apart * apart)

        gradient = ms.value_and_grad(objective, None, optimizer.parameters)

        def respond(real, fake):
            for layer in normalised:
                layer.iterate()
            images = join((real, fake))
            held = images if still is None else ops.stop_gradient(still(images))
            value, gradients = gradient(images, held)
            optimizer(gradients)
            return value

        self._respond = jit(respond, seen, optimizer, still)

    def update(self, board: Board, generator: nn.Cell, draw: np.random.Generator) -> None:
        """One update against a generator."""
        count = self._budget.batch_size
        fake = generator(as_tensor(board.codes(draw, count)))
        self._respond(as_tensor(board.real(draw, count)), fake)

    def search(
        self, board: Board, generator: nn.Cell, start: Weights, draw: np.random.Generator
    ) -> None:
        """Search from these weights on; the player has the best weights then."""

        def value() -> float:
            return float(self.values(board.choosing, generator).mean())

        _search(
            self.player, start, lambda: self.update(board, generator, draw), value, self._budget
        )

    def values(self, part: Part, generator: nn.Cell) -> NDArray[np.float64]:
        """M(G, D') of each pair (N,), less the cost of the distance from the anchor."""
        answers = answers_of(self.seen, generator, part)
        values = rules.values(self._measured, *answers)
        if self._anchor is None:
            return values
        held = answers_of(self._anchor.network, generator, part)
        apart = sum((ours - theirs) ** 2 for ours, theirs in zip(answers, held, strict=True))
        return values - self._anchor.weight * apart


class OfGenerator:
    """Searches G's response to a discriminator: the G' of the lowest M(G', D).

    Parameters
    ----------
    player : Player
        A copy of G.
    discriminator : nn.Cell
        It stands still, unless its own player moves it in between.
    loss, measured, budget
        See `OfDiscriminator`.
    """

    def __init__(
        self,
        player: Player,
        discriminator: nn.Cell,
        loss: Loss,
        measured: Loss,
        budget: Budget,
    ) -> None:
        self.player = player
        self._discriminator = discriminator
        self._measured = measured
        self._budget = budget
        generator, optimizer = player.network, player.optimizer

        def objective(codes, real_logits):
            return loss.generator(discriminator(generator(codes)), real_logits)

        gradient = ms.value_and_grad(objective, None, optimizer.parameters)

        def respond(real, codes):
            value, gradients = gradient(codes, ops.stop_gradient(discriminator(real)))
            optimizer(gradients)
            return value

        self._respond = jit(respond, generator, discriminator, optimizer)

    def update(self, board: Board, draw: np.random.Generator) -> None:
        """One update against the discriminator."""
        count = self._budget.batch_size
        codes = as_tensor(board.codes(draw, count))
        self._respond(as_tensor(board.real(draw, count)), codes)

    def search(self, board: Board, start: Weights, draw: np.random.Generator) -> None:
        """Search from these weights on; the player has the best weights then."""

        def value() -> float:
            return -float(self.values(board.choosing).mean())

        _search(self.player, start, lambda: self.update(board, draw), value, self._budget)

    def values(self, part: Part) -> NDArray[np.float64]:
        """M(G', D) of each pair (N,)."""
        answers = answers_of(self._discriminator, self.player.network, part)
        return rules.values(self._measured, *answers)


def answers_of(
    discriminator: nn.Cell, generator: nn.Cell, part: Part
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """D's logits of the real images (N,) and of the codes' images (N,), in batches."""
    fakes = [
        discriminator(generator(as_tensor(codes.astype(np.float32)))).asnumpy().reshape(-1)
        for codes in (part.codes[at : at + _BATCH] for at in range(0, len(part.codes), _BATCH))
    ]
    return logits(discriminator, part.real, _BATCH), np.concatenate(fakes).astype(np.float64)


def _search(
    player: Player,
    start: Weights,
    update: Callable[[], None],
    value: Callable[[], float],
    budget: Budget,
) -> None:
    """Make the updates, and give the player the weights of the highest value on the way."""
    player.begin(start)
    best, kept = value(), start
    every = max(1, budget.steps // LOOKS)
    for step in range(1, budget.steps + 1):
        update()
        if step % every == 0 or step == budget.steps:
            found = value()
            # A value that is not finite is never higher, unless the first was not finite.
            if found > best + ROUNDING or not np.isfinite(best):
                best, kept = found, player.weights()
    player.take(kept)
