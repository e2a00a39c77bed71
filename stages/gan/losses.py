"""Adversarial losses on the discriminator's logits, and where each is at equilibrium.

A loss is a Cell: logits of any shape and a target of 1 (real) or 0 (fake) to the mean over
the batch. The discriminator minimises term(D(x), 1) + term(D(G(z)), 0), the generator
term(D(G(z)), 1).
"""

from mindspore import nn, ops


class BinaryCrossEntropy(nn.Cell):
    """-[y ln p + (1 - y) ln(1 - p)] of the probability p = sigmoid(s), as nn.BCELoss has it.

    float32 gives p = 1 exactly from s = 17 on; the logarithm is then cut at ln 1e-12, the
    loss stands at 27.631 and its gradient is exactly 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entropy = nn.BCELoss(reduction="mean")

    def construct(self, logits, target):
        return self.entropy(ops.sigmoid(logits), ops.full_like(logits, target))


class BinaryCrossEntropyWithLogits(nn.Cell):
    """The same, computed on the logit as softplus(s) - y s: it never saturates.

    Not ops.BCEWithLogitsLoss: outside a compiled function, MindSpore 2.10 divides the gradient
    of its mean by the size of the first batch it ever saw.
    """

    def construct(self, logits, target):
        return ops.mean(ops.softplus(logits) - target * logits)


class MeanSquaredError(nn.Cell):
    """(p - y)^2 of the probability p = sigmoid(s): least squares (Mao et al. 2017)."""

    def construct(self, logits, target):
        error = ops.sigmoid(logits) - target
        return ops.mean(error * error)


LOSSES = {
    "bce": BinaryCrossEntropy,
    "bce_with_logits": BinaryCrossEntropyWithLogits,
    "mse": MeanSquaredError,
}


def build(name: str) -> nn.Cell:
    """The loss of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in LOSSES:
        raise ValueError(f"loss {name!r}: choose one of {', '.join(LOSSES)}")
    return LOSSES[name]()
