"""Lookahead-minimax: both networks move back towards slow weights every few steps.

Chavdarova et al. 2021 ("Taming GANs with Lookahead-Minimax", arXiv 2006.14567, algorithm 1). Where
D and G follow each other in circles, the slow weights cut across the circles.
"""

from collections.abc import Iterable

from mindspore import Parameter, ParameterTuple, nn, ops

from stages.gan.common.compiled import jit, put


class Lookahead:
    """Slow weights of both networks; after every k-th step the networks move back towards them.

    With w the weights that the optimizers move, s the slow weights, which begin as w:

        after a step whose number is a multiple of k:   s := s + alpha (w - s),   w := s

    for all trainable weights of both networks at the same time. Running statistics and the
    optimizers' moments stay as they are.

    Parameters
    ----------
    networks : iterable of nn.Cell
    every : int
        k, 1 or more.
    alpha : float
        Share of the way that is kept, above 0 to 1.
    """

    def __init__(self, networks: Iterable[nn.Cell], every: int, alpha: float) -> None:
        self.every = every
        self._move = _MoveBack(networks, alpha)
        move = self._move

        def move_back():
            return move()

        self._compiled = jit(move_back, move)

    @property
    def state(self) -> list[Parameter]:
        """The slow weights."""
        return list(self._move.slow)

    def follow(self, step: int) -> None:
        """Move both networks back, if that is due after the step with this number, from 1 on."""
        if step % self.every == 0:
            self._compiled()


class _MoveBack(nn.Cell):
    """One move back; see Lookahead."""

    def __init__(self, networks: Iterable[nn.Cell], alpha: float) -> None:
        super().__init__(auto_prefix=False)
        self.weights = ParameterTuple(
            [weight for network in networks for weight in network.trainable_params()]
        )
        self.slow = self.weights.clone(prefix="slow", init="same")
        for slow, weight in zip(self.slow, self.weights, strict=True):
            put(slow, weight.asnumpy())  # memory of its own, whatever `clone` shares
        self.alpha = alpha

    def construct(self):
        for slow, weight in zip(self.slow, self.weights):  # noqa: B905 (jit knows no `strict`)
            kept = slow + (weight - slow) * self.alpha
            ops.assign(slow, kept)
            ops.assign(weight, kept)
        return self.slow[0]
