"""The optimizers: Adam, AdamW, RMSProp and SGD for one compiled step.

Each may be made `Optimistic`; `lookahead` moves both networks back every few steps.

MindSpore 2.10 has several versions of each. On a CPU, `mint.optim.Adam` and `SGD` silently leave
the weights unchanged, and `mint.optim.AdamW` fails. So all of these are built on `mindspore.nn`.
"""

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from stages.gan.training.optimizers.optimistic import Optimistic

KINDS = ("adam", "adamw", "rmsprop", "sgd")


class _Adam(nn.Adam):
    """Adam and AdamW; beta1 or beta2 may be 0, which nn.Adam refuses, and beta2 may move.

    With beta2(i) at update i, the second moment after t updates has the weights of a product of
    all beta2(i). So it is corrected by 1 - beta2(1) ... beta2(t), where Adam has 1 - beta2^t.

    With `decay`, every weight is first multiplied by 1 - rate * decay, then moved as by Adam
    (Loshchilov and Hutter 2019, algorithm 2). This is not nn.AdamWeightDecay, which leaves out
    Adam's bias correction of the moments, so that its first steps are several times as long.
    """

    def __init__(
        self,
        weights,
        rate,
        beta1: float,
        beta2: float,
        moving: nn.Cell | None = None,
        decay: float | None = None,
    ) -> None:
        super().__init__(weights, learning_rate=rate, beta1=beta1 or 0.5, beta2=beta2 or 0.5)
        if beta1 == 0:
            self.beta1 = Tensor(np.float32(0.0))
        if beta2 == 0:
            self.beta2 = Tensor(np.float32(0.0))
        self.moving = moving
        if moving is not None:
            del self.beta2
            self.beta2 = Parameter(Tensor(np.float32(beta2)), name="beta2", requires_grad=False)
        self.decay = decay

    def construct(self, gradients):
        if self.moving is not None:
            ops.assign(self.beta2, ops.reshape(self.moving(self.global_step), ()))
        if self.decay is not None:
            kept = 1.0 - self.get_lr() * self.decay
            for weight in self.parameters:
                ops.assign(weight, weight * kept)
        return super().construct(gradients)


class _RMSProp(nn.Optimizer):
    """Tieleman and Hinton 2012; see `build` for the formula.

    It uses single operators, because the rounding of nn.RMSProp's kernel depends on where the
    weights lie in memory: a resumed run would differ from an unbroken run in the last bit.
    """

    def __init__(
        self, weights, rate, beta2: float, moving: nn.Cell | None, momentum: float
    ) -> None:
        super().__init__(rate, weights)
        self.beta2 = beta2
        self.moving = moving
        self.kept = momentum
        self.mean_square = self.parameters.clone(prefix="mean_square", init="zeros")
        self.moment = self.parameters.clone(prefix="moment", init="zeros")

    def construct(self, gradients):
        rate = self.get_lr()
        beta2 = self.beta2
        if self.moving is not None:
            beta2 = self.moving(self.global_step)
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        for weight, square, moment, gradient in zip(  # noqa: B905 (jit knows no `strict`)
            self.parameters, self.mean_square, self.moment, gradients
        ):
            mean = square * beta2 + gradient * gradient * (1.0 - beta2)
            ops.assign(square, mean)
            move = moment * self.kept + rate * gradient / (ops.sqrt(mean) + 1e-8)
            ops.assign(moment, move)
            ops.assign(weight, weight - move)
        return True


def build(
    kind: str,
    network: nn.Cell,
    name: str,
    rate: float | nn.Cell,
    beta1: float = 0.9,
    beta2: float = 0.999,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    moving_beta2: nn.Cell | None = None,
    optimistic: bool = False,
) -> nn.Cell:
    """An optimizer of a network's trainable weights, for one compiled step.

    Two optimizers in one compiled function would both own a parameter `global_step`. So the
    optimizer's own parameters are renamed after the network; the network's keep their names.

    Parameters
    ----------
    kind : str
        With g the gradient, t the number of the update from 1, w the weight:

        adam : Kingma and Ba 2015, with epsilon 1e-8
        adamw : the same, after w := (1 - rate * weight_decay) w
        rmsprop : s := beta2 s + (1 - beta2) g^2,
            m := momentum m + rate g / (sqrt(s) + 1e-8), w := w - m; s is not corrected for
            its start at 0, so the first moves are 1 / sqrt(1 - beta2) times the rate
        sgd : m := momentum m + g, w := w - rate m
    network : nn.Cell
        A network whose parameters have their names already.
    name : str
        The prefix of the names of the optimizer's own parameters.
    rate : float or nn.Cell
        The learning rate, > 0, or its schedule (see schedules).
    beta1, beta2 : float
        Decay of the first and of the second moment, 0 to below 1; beta1 is adam's and adamw's.
    weight_decay : float
        adamw's, >= 0.
    momentum : float
        rmsprop's and sgd's, 0 to below 1.
    moving_beta2 : nn.Cell, optional
        beta2 as a function of the number of updates so far (see schedules.Cosine), in place of
        `beta2`.
    optimistic : bool
        Whether the moves are extrapolated from the past; see optimistic.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    weights = network.trainable_params()
    optimizer: nn.Optimizer
    if kind == "adam":
        if moving_beta2 is None and beta1 > 0 and beta2 > 0:
            optimizer = nn.Adam(weights, learning_rate=rate, beta1=beta1, beta2=beta2)
        else:
            optimizer = _Adam(weights, rate, beta1, beta2, moving_beta2)
    elif kind == "adamw":
        optimizer = _Adam(weights, rate, beta1, beta2, moving_beta2, weight_decay)
    elif kind == "rmsprop":
        optimizer = _RMSProp(weights, rate, beta2, moving_beta2, momentum)
    elif kind == "sgd":
        optimizer = nn.SGD(weights, learning_rate=rate, momentum=momentum)
    else:
        raise ValueError(f"optimizer {kind!r}: choose one of {', '.join(KINDS)}")
    theirs = {parameter.name for parameter in weights}
    for parameter in optimizer.get_parameters():
        if parameter.name not in theirs:
            parameter.name = f"{name}_optimizer.{parameter.name}"
    return Optimistic(optimizer, f"{name}_optimizer") if optimistic else optimizer


def adam(network: nn.Cell, name: str, learning_rate: float, beta1: float, beta2: float) -> nn.Cell:
    """Adam (Kingma and Ba 2015) over a network's weights; see `build`."""
    return build("adam", network, name, learning_rate, beta1, beta2)
