"""Adversarial losses on the discriminator's logits, behind one interface.

A loss is a Cell with two methods. Each takes the logits of real and of generated images, of any
equal shape, and returns the mean of their losses (or the sum, or one value for each logit):

- discriminator(real, fake): what D minimises,
- generator(fake, real): what G minimises.

There are two kinds. A loss of single images judges each logit by itself: D's loss is the sum of
a term real(s) on real and a term fake(s) on generated images, and G's loss has no use for the
logits of real images. A loss of pairs (`is_paired`) judges the difference of two logits, of one
real and one generated image: the first of one with the first of the other, and so on.

`equilibrium` computes a loss's values at equilibrium from these methods.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mindspore import Tensor, nn, ops

from stages.gan.params import Train, choices

REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Options:
    """The options of a loss; the defaults add no operation to it.

    Parameters
    ----------
    reduction : str
        How the losses of the logits are combined: mean | sum | none.
    weight : float
        Factor of every term, > 0.
    pos_weight : float
        Factor of the part that asks for "real" (y ln p), > 0, as in PyTorch's
        BCEWithLogitsLoss: in D's real term and in the generator's.
    label_smoothing : float
        D's target on real images is 1 less this, 0 to below 1. It is one-sided (Salimans et
        al. 2016, section 3.4): the targets 0 of generated images and 1 of the generator stay.

    Raises
    ------
    ValueError
        For a value outside these ranges.
    """

    reduction: str = "mean"
    weight: float = 1.0
    pos_weight: float = 1.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"reduction {self.reduction!r}: choose one of {', '.join(REDUCTIONS)}")
        for name in ("weight", "pos_weight"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} {value!r}: valid is a number above 0")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing {self.label_smoothing!r}: valid is a number from 0 below 1"
            )


class Loss(nn.Cell):
    """The base class of all losses.

    Options are read while a step is compiled, so an option at its default costs no time and
    changes no bit.

    `is_paired` says that the loss judges differences of a real and a generated image's logits.
    """

    is_paired = False

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self.reduction = options.reduction
        self.weight = options.weight
        self.pos_weight = options.pos_weight
        self.real_target = 1.0 - options.label_smoothing

    def with_reduction(self, reduction: str) -> "Loss":
        """The same loss with another reduction."""
        return type(self)(replace(self.options, reduction=reduction))

    def reduced(self, values):
        """The mean, the sum or all of the values, times the weight."""
        if self.reduction == "mean":
            values = ops.mean(values)
        if self.reduction == "sum":
            values = ops.sum(values)
        return self.weighted(values)

    def weighted(self, values):
        """Values of any shape times the weight."""
        if self.weight == 1.0:
            return values
        return values * self.weight

    def discriminator(self, real_logits, fake_logits):
        """D's loss on real and generated images."""
        raise NotImplementedError

    def generator(self, fake_logits, real_logits):
        """G's loss on its own images, beside real ones."""
        raise NotImplementedError

    def probabilities(self, real_logits, fake_logits):
        """What D says of each real and of each generated image: its probability of being real."""
        raise NotImplementedError


class LossOfImages(Loss):
    """A loss that judges the logit s of each image by itself."""

    def discriminator(self, real_logits, fake_logits):
        """The sum of D's two terms."""
        return self.real(real_logits) + self.fake(fake_logits)

    def probabilities(self, real_logits, fake_logits):
        """sigmoid(s)."""
        return ops.sigmoid(real_logits), ops.sigmoid(fake_logits)

    def real(self, logits):
        """D's term on real images."""
        raise NotImplementedError

    def fake(self, logits):
        """D's term on generated images."""
        raise NotImplementedError


class _LossOfTargets(LossOfImages):
    """A loss that compares the logits with a target: 1 for real, 0 for generated."""

    def real(self, logits):
        """D's term on real images."""
        return self.term(logits, self.real_target)

    def fake(self, logits):
        """D's term on generated images."""
        return self.term(logits, 0.0)

    def generator(self, fake_logits, real_logits=None):
        """The generator's term: it wants its images called real."""
        return self.term(fake_logits, 1.0)


class BinaryCrossEntropy(_LossOfTargets):
    """-[y ln p + (1 - y) ln(1 - p)] of the probability p = sigmoid(s), computed by nn.BCELoss.

    In float32, p is exactly 1 from s = 17 on. nn.BCELoss takes ln(p + 1e-12): the loss then stays
    at 27.631. Its gradient is exactly 0, because the slope of the sigmoid, p (1 - p), is 0.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.reduced_entropy = nn.BCELoss(reduction=options.reduction)
        self.each_entropy = nn.BCELoss(reduction="none")

    def entropy(self, p, target):
        """Cross-entropy of probabilities, reduced.

        The mean and the sum of a single probability are twice its cross-entropy in nn.BCELoss of
        MindSpore 2.10 on a CPU, so they are taken from the term itself.
        """
        if p.size == 1 and self.reduction != "none":
            return ops.sum(self.each_entropy(p, target))
        return self.reduced_entropy(p, target)

    def term(self, logits, target):
        """Cross-entropy with that target, in two parts because nn.BCELoss has no pos_weight."""
        p = ops.sigmoid(logits)
        if self.pos_weight == 1.0 or target == 0.0:
            return self.weighted(self.entropy(p, ops.full_like(logits, target)))
        positive = self.entropy(p, ops.full_like(logits, 1.0)) * (self.pos_weight * target)
        if target == 1.0:
            return self.weighted(positive)
        negative = self.entropy(p, ops.full_like(logits, 0.0)) * (1.0 - target)
        return self.weighted(positive + negative)


class BinaryCrossEntropyWithLogits(_LossOfTargets):
    """Binary cross-entropy computed on the logit, as softplus(s) - y s: it never saturates.

    Not ops.BCEWithLogitsLoss: outside a compiled function, MindSpore 2.10 divides the gradient
    of its mean by the size of the first batch it ever saw.
    """

    def term(self, logits, target):
        """Cross-entropy with that target."""
        if self.pos_weight == 1.0 or target == 0.0:
            return self.reduced(ops.softplus(logits) - target * logits)
        factor = 1.0 + (self.pos_weight - 1.0) * target
        return self.reduced(logits * (1.0 - target) + ops.softplus(-logits) * factor)


class SoftPlus(_LossOfTargets):
    """Binary cross-entropy with labels +1 and -1: ln(1 + exp(-y s)), PyTorch's SoftMarginLoss.

    A smoothed label means +1 for that share of the images and -1 for the rest.
    """

    def term(self, logits, target):
        """The losses of both labels, each times the share of images with that label."""
        if target == 0.0:
            return self.reduced(ops.softplus(logits))
        positive = ops.softplus(-logits)
        if self.pos_weight * target != 1.0:
            positive = positive * (self.pos_weight * target)
        if target == 1.0:
            return self.reduced(positive)
        return self.reduced(positive + ops.softplus(logits) * (1.0 - target))


class MeanSquaredError(_LossOfTargets):
    """(p - y)^2 of the probability p = sigmoid(s): least squares (Mao et al. 2017)."""

    def term(self, logits, target):
        """Squared error from that target."""
        error = ops.sigmoid(logits) - target
        return self.reduced(error * error)


class Hinge(LossOfImages):
    """max(0, 1 - s) on real and max(0, 1 + s) on generated images (Lim and Ye 2017).

    D's gradient is 0 for a logit on the right side of +1 or -1. The generator's term is -s, which
    has no lower bound.
    """

    def real(self, logits):
        """D's term on real images."""
        return self.reduced(ops.relu(1.0 - logits))

    def fake(self, logits):
        """D's term on generated images."""
        return self.reduced(ops.relu(1.0 + logits))

    def generator(self, fake_logits, real_logits=None):
        """The generator's term."""
        return self.reduced(-fake_logits)


class Wasserstein(LossOfImages):
    """-s on real and s on generated images (Arjovsky et al. 2017).

    The logit is a score without a fixed zero; it is not the logit of a probability. These terms
    have no lower bound. The gradient penalty, which the training step adds, limits D.
    """

    def real(self, logits):
        """D's term on real images."""
        return self.reduced(-logits)

    def fake(self, logits):
        """D's term on generated images."""
        return self.reduced(logits)

    def generator(self, fake_logits, real_logits=None):
        """The generator's term."""
        return self.reduced(-fake_logits)


class RelativisticPairing(Loss):
    """softplus(-d) for D and softplus(d) for G; d = D(x) - D(G(z)) of a real and a generated image.

    Jolicoeur-Martineau 2018 (RSGAN); Huang et al. 2024 (R3GAN, arXiv 2501.05441). D has to find the
    real image of each pair. A constant that is added to all logits changes nothing, so a logit
    means nothing by itself: sigmoid(d) is the probability that D gives to the right order.
    """

    is_paired = True

    def discriminator(self, real_logits, fake_logits):
        """D's loss: it wants the real image of each pair to have the higher logit."""
        return self.reduced(ops.softplus(fake_logits - real_logits))

    def generator(self, fake_logits, real_logits):
        """G's loss: it wants its own image to have the higher logit."""
        return self.reduced(ops.softplus(real_logits - fake_logits))

    def probabilities(self, real_logits, fake_logits):
        """That the image is the real one of its pair; the two of a pair add up to 1."""
        difference = real_logits - fake_logits
        return ops.sigmoid(difference), ops.sigmoid(-difference)


def gradient_penalty(norms: Tensor) -> Tensor:
    """Mean of (norm - 1)^2: the penalty of wgan_gp without its weight.

    Gulrajani et al. 2017, equation 3.

    Parameters
    ----------
    norms : (N,) Euclidean length of D's gradient with respect to each image, taken on the
        straight lines between real and generated images

    Returns
    -------
    Tensor, a scalar
    """
    excess = norms - 1.0
    return ops.mean(excess * excess)


def complete(classes: Mapping[str, type[Any]]) -> dict[str, type[Any]]:
    """These classes, in the order of the names that params.yaml may use.

    Raises
    ------
    LookupError
        If a name has no class here, or is missing in `params.choices`.
    """
    for name in choices.LOSSES.keys() - classes.keys():
        raise LookupError(f"loss {name} of params/choices.py has no class in losses.LOSSES")
    for name in classes.keys() - choices.LOSSES.keys():
        raise LookupError(f"loss {name} of losses.LOSSES is missing in params/choices.py")
    return {name: classes[name] for name in choices.LOSSES}


LOSSES = complete(
    {
        "bce": BinaryCrossEntropy,
        "bce_with_logits": BinaryCrossEntropyWithLogits,
        "softplus": SoftPlus,
        "mse": MeanSquaredError,
        "hinge": Hinge,
        "wgan_gp": Wasserstein,
        "rpgan": RelativisticPairing,
    }
)


def build(name: str, options: Options | None = None) -> Loss:
    """The loss with this name.

    Raises
    ------
    ValueError
        If the name is unknown, or if the loss does not use an option that is set.
    """
    if name not in LOSSES:
        raise ValueError(f"loss {name!r}: choose one of {', '.join(LOSSES)}")
    options = options or Options()
    for option, neutral in choices.OPTIONS.items():
        value = getattr(options, option)
        if value != neutral and not choices.LOSSES[name].takes(option):
            raise ValueError(
                f"{option} {value!r}: loss {name!r} does not use it: leave it at {neutral} or "
                f"choose one of {', '.join(choices.losses_that_take(option))}"
            )
    return LOSSES[name](options)


def of_params(train: Train, ranks: int = 1) -> Loss:
    """The loss that the params ask for.

    If several ranks share a batch, it is the loss of one rank's part. The parts add up to the loss.
    """
    options = Options(**train.loss_options.of_terms())
    if ranks > 1 and options.reduction == "mean":
        options = replace(options, weight=options.weight / ranks)
    return build(train.loss, options)
