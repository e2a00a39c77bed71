"""The losses at equilibrium, and how far a discriminator's answers are from it.

At equilibrium the generated images are distributed like the real ones. Then D's best answer is
the same for every image: the logit at which real + fake is lowest. For plain cross-entropy that is
logit 0, probability 1/2 (Goodfellow et al. 2014, proposition 1); weights and label smoothing move
it. A loss's value at equilibrium is computed from the loss itself, never written down.

A loss of pairs judges the difference of two logits. At equilibrium each order of a pair is equally
likely, so D's best answer is the difference at which the mean loss of both orders is lowest: 0.
What is called a logit below is then this difference.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import mindspore as ms
import numpy as np
from mindspore import ops
from numpy.typing import NDArray
from scipy.optimize import brentq

from stages.gan.common.tensors import as_tensor
from stages.gan.losses import Loss, LossOfImages

# The lowest point is searched in this range: float32's sigmoid from 1e-7 to 1 - 1e-7. With all
# values that params.yaml allows it lies within logits -6 and 5.
_HIGHEST_LOGIT = 16.0
_STEPS_A_LOGIT = 64
# Sums of two float32 terms count as equal below this share of the largest, and logits below
# this difference: with the least weight of real images, 0.01, a slope rounds to 0 over 2e-5.
_SAME_SUM = 1e-6
_SAME_LOGIT = 1e-4


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """sigmoid(s) without overflow, in (0, 1).

    Examples
    --------
    >>> probability(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)


def binary_cross_entropy(logits: NDArray[np.float64], target: float) -> float:
    """Mean of softplus(s) - y s, in nats: -[y ln p + (1 - y) ln(1 - p)] without overflow.

    Parameters
    ----------
    logits : (N,) s
    target : y, 1 for real and 0 for fake

    Examples
    --------
    >>> round(binary_cross_entropy(np.zeros(3), 1.0), 6)  # ln 2
    0.693147
    """
    return float(np.mean(np.logaddexp(0.0, logits) - target * logits))


def centred(
    real: NDArray[np.float64], fake: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The logits less the constant that makes D's mean answer 1/2: as many are real as generated.

    A loss of pairs does not determine the constant. Among all constants, this one gives the lowest
    cross-entropy real + fake, whose derivative is zero there.

    Parameters
    ----------
    real, fake : (N,), (M,)

    Examples
    --------
    >>> [logits.tolist() for logits in centred(np.array([7.0]), np.array([5.0]))]
    [[1.0], [-1.0]]
    """

    def excess(constant: float) -> float:
        answers = probability(real - constant).mean() + probability(fake - constant).mean()
        return float(answers) - 1.0

    low, high = (float(end(np.concatenate([real, fake]))) for end in (np.min, np.max))
    # Rounding may take the sign from both ends if all logits are nearly equal.
    constant = brentq(excess, low - 1.0, high + 1.0)
    return real - constant, fake - constant


def jsd_lower_bound(discriminator_bce: float) -> float:
    """The Jensen-Shannon divergence (JSD) of real and generated images that a D's loss proves.

    For any discriminator, JSD(p_data, p_G) >= ln 2 - L_D / 2, because the best possible
    discriminator reaches L_D = 2 ln 2 - 2 JSD (Goodfellow et al. 2014, theorem 1), and no other
    is lower. A JSD is never negative, so a poor discriminator proves 0.

    Parameters
    ----------
    discriminator_bce : float
        The summed binary cross-entropy L_D on real and generated images, in nats.

    Returns
    -------
    float
        In nats, 0 to ln 2.

    Examples
    --------
    >>> round(jsd_lower_bound(0.0), 6)
    0.693147
    >>> jsd_lower_bound(2 * math.log(2))
    0.0
    """
    return max(0.0, math.log(2.0) - discriminator_bce / 2.0)


@dataclass(frozen=True)
class Point:
    """A loss at equilibrium: D's answer to every image, and the terms' values.

    Parameters
    ----------
    lowest, highest : float
        The logits between which D's loss is lowest. They are equal, except for a loss that is
        flat there (hinge, from -1 to 1). Then all these logits are equally good, and only D's sum
        is the same at all of them. The terms are given at the middle logit.
    discriminator, generator : float
        Both losses per image, or per pair.
    real, fake : float or None
        The terms whose sum is D's loss; None for a loss of pairs, which has no such terms.
    """

    lowest: float
    highest: float
    discriminator: float
    generator: float
    real: float | None = None
    fake: float | None = None

    @property
    def logit(self) -> float:
        """D's answer: the middle of the equally good logits."""
        return (self.lowest + self.highest) / 2.0

    @property
    def probability(self) -> float:
        """D's answer as the probability that an image is real."""
        return float(probability(np.array(self.logit)))

    @property
    def unique(self) -> bool:
        """Whether D has only one best answer."""
        return self.lowest == self.highest

    def to_json(self) -> dict[str, float]:
        """D's answer as plain JSON values; for the terms see `Term`."""
        return {
            "probability": self.probability,
            "lowest_logit": self.lowest,
            "highest_logit": self.highest,
        }


def point(loss: Loss) -> Point | None:
    """Find where D's loss of images that it cannot tell apart is lowest over all logits s.

    For a loss of images that is real(s) + fake(s), for a loss of pairs the mean over both orders.

    The sums on a grid give the approximate logit, and the sign of the derivative the exact one:
    near its lowest point a float32 sum is constant over 1e-3 of logits, but its derivative is not.

    Returns
    -------
    Point or None
        None if there is no lowest point: wgan_gp's real(s) + fake(s) is 0 at every logit, so D
        may give any answer at equilibrium.
    """
    each = loss.with_reduction("none")
    count = round(2 * _HIGHEST_LOGIT * _STEPS_A_LOGIT) + 1
    logits = np.linspace(-_HIGHEST_LOGIT, _HIGHEST_LOGIT, count)
    sums, _ = _sums_and_slopes(each, logits)
    low = np.flatnonzero(sums <= sums.min() + _SAME_SUM * np.abs(sums).max())
    if low[0] == 0 or low[-1] == count - 1:
        return None
    around = logits[low[0] - 1], logits[low[-1] + 1]
    lowest = _first(each, *around, np.greater_equal)
    highest = _first(each, *around, np.greater)
    if highest - lowest < _SAME_LOGIT:
        lowest = highest = (lowest + highest) / 2.0
    middle = np.full(2, (lowest + highest) / 2.0)
    mean = loss.with_reduction("mean")
    generator = _value(mean.generator, middle, np.zeros(2))
    if not isinstance(mean, LossOfImages):
        return Point(lowest, highest, _value(_blind(mean), middle), generator)
    real, fake = _value(mean.real, middle), _value(mean.fake, middle)
    return Point(lowest, highest, real + fake, generator, real, fake)


def sure(loss: Loss, answer: float) -> tuple[float, float]:
    """D's and G's loss per image if D gives every generated image the probability `answer`, 0 to 1.

    Every real image gets 1 - `answer`. A loss of pairs then sees the difference of both logits.
    """
    logits = np.full(2, math.log(answer / (1.0 - answer)))
    mean = loss.with_reduction("mean")
    return _value(mean.discriminator, -logits, logits), _value(mean.generator, logits, -logits)


def _first(each: Loss, left: float, right: float, reached: np.ufunc) -> float:
    """The first logit from left to right whose slope is >= 0, or > 0, to 1e-6.

    float32 does not give a slope more exactly: further digits would be noise.
    """
    for _ in range(4):
        logits = np.linspace(left, right, 129)
        _, slopes = _sums_and_slopes(each, logits)
        index = max(int(np.argmax(reached(slopes, 0.0))), 1)
        left, right = logits[index - 1], logits[index]
    return round(float(right), 6) + 0.0  # without the sign of -0.0


def _sums_and_slopes(
    each: Loss, logits: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """D's loss of images that it cannot tell apart, and its derivative, at each of (N,) logits."""
    return values_and_slopes(_blind(each), logits)


def _blind(loss: Loss) -> Callable[[ms.Tensor], ms.Tensor]:
    """D's loss if it answers s whatever it sees; of pairs, if the difference is s in any order."""

    def of_images(s):
        return loss.discriminator(s, s)

    def of_pairs(s):
        zero = ops.zeros_like(s)
        return (loss.discriminator(s, zero) + loss.discriminator(zero, s)) * 0.5

    return of_pairs if loss.is_paired else of_images


def values_and_slopes(
    term: Callable[[ms.Tensor], ms.Tensor], logits: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A term of reduction none and its derivative, at each of (N,) logits."""

    def total(s):
        values = term(s)
        return ops.sum(values), values

    (_, values), slopes = ms.value_and_grad(total, 0, has_aux=True)(as_column(logits))
    return values.asnumpy().ravel(), slopes.asnumpy().ravel()


def as_column(logits: NDArray[np.float64]) -> ms.Tensor:
    """(N,) logits in the shape of D's output: (N, 1), float32."""
    return as_tensor(np.ascontiguousarray(logits.reshape(-1, 1), np.float32))


@dataclass(frozen=True)
class Term:
    """A loss term: its value, its value at equilibrium (if any), and their distance."""

    value: float
    equilibrium: float | None

    @property
    def distance(self) -> float | None:
        """|value - equilibrium|, in the loss's own unit (nats for cross-entropy)."""
        return None if self.equilibrium is None else abs(self.value - self.equilibrium)

    def to_json(self) -> dict[str, float | None]:
        """As plain JSON values."""
        return {"value": self.value, "equilibrium": self.equilibrium, "distance": self.distance}


def bce_terms(real: NDArray[np.float64], fake: NDArray[np.float64]) -> dict[str, Term]:
    """The cross-entropy terms for the logits of real (N,) and generated (M,) images.

    They measure every D in the same way, whatever loss it was trained with. Their equilibrium is
    that of plain cross-entropy, logit 0.
    """
    middle = np.zeros(1)
    real_term, fake_term, generator = (
        Term(binary_cross_entropy(logits, target), binary_cross_entropy(middle, target))
        for logits, target in ((real, 1.0), (fake, 0.0), (fake, 1.0))
    )
    return _with_sum(real_term, fake_term, generator)


def loss_terms(
    loss: Loss, at: Point | None, real: NDArray[np.float64], fake: NDArray[np.float64]
) -> dict[str, Term]:
    """The terms of the loss that the networks were trained with, per image.

    Parameters
    ----------
    loss : Loss
        Any reduction; the mean is returned.
    at : Point or None
        The result of `point` for this loss.
    real, fake : (N,), (M,) logits; as many of each for a loss of pairs, the i-th with the i-th

    Returns
    -------
    dict
        `discriminator` and `generator`; of a loss of images also `real` and `fake`.
    """
    mean = loss.with_reduction("mean")
    generator = Term(_value(mean.generator, fake, real), at.generator if at else None)
    if not isinstance(mean, LossOfImages):
        found = Term(_value(mean.discriminator, real, fake), at.discriminator if at else None)
        return {"generator": generator, "discriminator": found}
    return _with_sum(
        Term(_value(mean.real, real), at.real if at else None),
        Term(_value(mean.fake, fake), at.fake if at else None),
        generator,
    )


def _value(term: Callable[..., ms.Tensor], *logits: NDArray[np.float64]) -> float:
    return float(term(*map(as_column, logits)).asnumpy())


def _with_sum(real: Term, fake: Term, generator: Term) -> dict[str, Term]:
    level = None
    if real.equilibrium is not None and fake.equilibrium is not None:
        level = real.equilibrium + fake.equilibrium
    discriminator = Term(real.value + fake.value, level)
    return {"real": real, "fake": fake, "generator": generator, "discriminator": discriminator}
