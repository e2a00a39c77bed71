"""Extragradient, by extrapolation from the past: an optimizer that moves twice forth and once back.

Extragradient (Korpelevich 1976) takes the gradient not where the weights are but where the next
step would lead, so it does not circle around an equilibrium. That costs two gradients a step.
Extrapolation from the past (Popov 1980; Gidel et al. 2019, "A variational inequality perspective
on generative adversarial networks", arXiv 1802.10551) extrapolates by the last move
instead, so a step takes one gradient. Written in the points where gradients are taken, that is

    w(t+1) = w(t) + 2 u(t) - u(t-1),    u(0) = 0

with u(t) the move that the optimizer makes of the gradient at w(t): optimistic gradient descent
(Daskalakis et al. 2018, arXiv 1711.00141, with Adam's move its algorithm 1).
"""

from mindspore import nn, ops


class Optimistic(nn.Cell):
    """An optimizer whose moves are extrapolated from the past; see the module.

    Parameters
    ----------
    optimizer : nn.Optimizer
        Of any kind; u(t) is its move.
    name : str
        The prefix of the names of its own parameters.
    """

    def __init__(self, optimizer: nn.Optimizer, name: str) -> None:
        super().__init__(auto_prefix=False)
        self.optimizer = optimizer
        # An optimizer's move is made in the weights' own memory, so the weights are kept here.
        self.before = optimizer.parameters.clone(prefix=f"{name}_before", init="zeros")
        self.last = optimizer.parameters.clone(prefix=f"{name}_last_move", init="zeros")

    @property
    def parameters(self):
        """The weights that it moves."""
        return self.optimizer.parameters

    @property
    def global_step(self):
        """The number of updates so far."""
        return self.optimizer.global_step

    def get_lr(self):
        """The present learning rate."""
        return self.optimizer.get_lr()

    def construct(self, gradients):
        for weight, before in zip(self.optimizer.parameters, self.before):  # noqa: B905
            ops.assign(before, weight)
        self.optimizer(gradients)
        for weight, before, last in zip(  # noqa: B905 (jit knows no `strict`)
            self.optimizer.parameters, self.before, self.last
        ):
            move = weight - before
            ops.assign(weight, weight + (move - last))
            ops.assign(last, move)
        return True
