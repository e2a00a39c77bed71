"""The page's lesson about the loss: pictures and worked values.

They are computed by the losses that train the networks. Only `own_terms` depends on the run.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mindspore import ops
from numpy.typing import NDArray
from scipy.special import softmax

from stages.gan import losses
from stages.gan.losses import Loss, LossOfImages
from stages.gan.losses.equilibrium import Point, binary_cross_entropy, values_and_slopes
from stages.gan.pages.charts import png
from stages.gan.pages.information import (
    cross_entropy,
    entropy,
    kl_divergence,
    multiclass_cross_entropy,
)

# Probability and label of the worked examples.
EXAMPLES = ((0.9, 1), (0.5, 1), (0.1, 1), (0.9, 0), (0.1, 0))
# A classifier of three classes: logits and label of each image. The last one has no label.
IGNORED = -100
ANSWERS = (
    ((2.0, 0.0, 0.0), 0),
    ((0.0, 2.0, 0.0), 2),
    ((1.0, 1.0, 1.0), 1),
    ((0.0, 3.0, 0.0), IGNORED),
)
CLASS_WEIGHTS = (1.0, 1.0, 3.0)
# An uncertain label, for entropy and KL.
BELIEF = (0.7, 0.2, 0.1)
# The range that is drawn. It excludes 0 and 1, because cross-entropy is infinite there.
_PROBABILITIES = np.linspace(0.005, 0.995, 199)
_LOGITS = np.linspace(-30.0, 30.0, 1201)
_NEAR_LOGITS = np.linspace(-8.0, 8.0, 321)


@dataclass(frozen=True)
class Saturation:
    """The logit of a generated image from which on `bce` has no gradient.

    Parameters
    ----------
    logit : float
        The first logit at which the sigmoid in float32 is 1 and the gradient exactly 0, to 1/64.
    loss : float
        The value of `bce` from there on, in nats.
    """

    logit: float
    loss: float


def logit_of(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(p / (1 - p)) of p in (0, 1): the logit whose sigmoid is p.

    Examples
    --------
    >>> logit_of(np.array([0.5])).tolist()
    [0.0]
    """
    return np.log(probability) - np.log1p(-probability)


def worked_values() -> list[dict[str, float]]:
    """Binary cross-entropy of some answers: probability, label, and loss in nats.

    Examples
    --------
    >>> row = worked_values()[0]
    >>> (row["probability"], row["label"], round(row["loss"], 3))
    (0.9, 1, 0.105)
    """
    return [
        {"probability": p, "label": y, "loss": binary_cross_entropy(logit_of(np.array([p])), y)}
        for p, y in EXAMPLES
    ]


def several_classes() -> dict[str, Any]:
    """Cross-entropy of three classes, with class weights and a label that is ignored.

    Returns
    -------
    dict
        rows: logits, label, the label's probability, its loss in nats, its class weight, and the
        product of loss and weight. For an ignored label the probability is None and the last three
        are 0. mean and weighted_mean, in nats. cross_entropy, entropy and divergence of BELIEF and
        the first row's answer, in nats.

    Examples
    --------
    >>> found = several_classes()
    >>> [round(row["loss"], 3) for row in found["rows"]]
    [0.24, 2.24, 1.099, 0.0]
    >>> round(found["cross_entropy"] - found["entropy"] - found["divergence"], 9)
    0.0
    """
    logits = np.array([scores for scores, _ in ANSWERS])
    labels = [label for _, label in ANSWERS]

    def loss(weights: Sequence[float] | None, reduction: str) -> Any:
        return multiclass_cross_entropy(logits, labels, weights, IGNORED, reduction)

    columns = zip(ANSWERS, loss(None, "none"), loss(CLASS_WEIGHTS, "none"), strict=True)
    first = softmax(logits[0])
    return {
        "classes": len(CLASS_WEIGHTS),
        "ignored": IGNORED,
        "rows": [
            {
                "logits": scores,
                "label": label,
                "probability": None if label == IGNORED else float(softmax(scores)[label]),
                "loss": float(plain),
                "weight": 0.0 if label == IGNORED else CLASS_WEIGHTS[label],
                "weighted": float(weighted),
            }
            for (scores, label), plain, weighted in columns
        ],
        "mean": loss(None, "mean"),
        "weighted_mean": loss(CLASS_WEIGHTS, "mean"),
        "belief": BELIEF,
        "cross_entropy": cross_entropy(BELIEF, first),
        "entropy": entropy(BELIEF),
        "divergence": kl_divergence(BELIEF, first),
    }


@functools.cache
def saturation() -> Saturation:
    """Find the logit from which on `bce` of generated images is constant."""
    logits = np.arange(0.0, 64.0, 1 / 64)
    values, slopes = values_and_slopes(_each("bce").fake, logits)
    last_moving = int(np.flatnonzero(slopes != 0)[-1])
    return Saturation(float(logits[last_moving + 1]), float(values[last_moving + 1]))


def pictures(name: str, loss: Loss, point: Point | None) -> dict[str, bytes]:
    """All pictures, as PNG.

    Parameters
    ----------
    name, loss, point
        The run's own loss, and its equilibrium point.
    """
    return {
        "by_probability": by_probability(),
        "by_logit": by_logit(),
        "against_squares": against_squares(),
        "gradients": gradients(),
        "coin": coin(),
        "own_terms": own_terms(name, loss, point),
    }


def by_probability() -> bytes:
    """Cross-entropy against the predicted probability, for both labels."""
    entropy_of = _each("bce")
    logits = logit_of(_PROBABILITIES)
    lines = {
        "y = 1: -ln p": _values(entropy_of.real, logits),
        "y = 0: -ln(1 - p)": _values(entropy_of.fake, logits),
    }
    return png.curves(
        _PROBABILITIES.tolist(), lines, {}, "predicted probability p of being real", "L (nats)"
    )


def by_logit() -> bytes:
    """Cross-entropy against the logit, computed on probabilities and on logits."""
    lines = {
        f"{name}, y = {label}": _values(getattr(_each(name), term), _LOGITS)
        for name in ("bce", "bce_with_logits")
        for label, term in ((1, "real"), (0, "fake"))
    }
    mark = {f"sigmoid(s) = 1 in float32, from s = {saturation().logit:.1f}": saturation().logit}
    return png.curves(_LOGITS.tolist(), lines, {}, "logit s", "L (nats)", marks=mark)


def against_squares() -> bytes:
    """Cross-entropy and squared error at target 1, against the probability."""
    logits = logit_of(_PROBABILITIES)
    lines = {name: _values(_each(name).real, logits) for name in ("bce", "mse")}
    return png.curves(_PROBABILITIES.tolist(), lines, {}, "predicted probability p, target 1", "L")


def gradients() -> bytes:
    """Derivatives of cross-entropy and squared error with respect to the logit, at target 1."""
    lines = {
        name: values_and_slopes(_each(name).real, _NEAR_LOGITS)[1].tolist()
        for name in ("bce", "mse")
    }
    return png.curves(_NEAR_LOGITS.tolist(), lines, {}, "logit s, target 1", "dL/ds")


def coin() -> bytes:
    """Entropy of a coin against its probability of heads, at most ln 2."""
    probabilities = np.linspace(0.0, 1.0, 201)
    heights = [entropy([p, 1.0 - p]) for p in probabilities]
    highest = {f"ln 2 = {math.log(2):.4f}": math.log(2)}
    return png.curves(
        probabilities.tolist(), {"H": heights}, highest, "probability of heads", "H (nats)"
    )


def own_terms(name: str, loss: Loss, point: Point | None) -> bytes:
    """The terms of the run's own loss against one logit given to all images.

    Of a loss of pairs: against the difference of the two logits of each pair.
    """
    each = loss.with_reduction("none")
    if isinstance(each, LossOfImages):
        real, fake = (np.array(_values(term, _NEAR_LOGITS)) for term in (each.real, each.fake))
        lines = {
            "D, real": real.tolist(),
            "D, generated": fake.tolist(),
            "D's sum": (real + fake).tolist(),
            "G": _values(each.generator, _NEAR_LOGITS),
        }
        x_label = "logit s of every image"
    else:

        def of_pairs(s, sign):
            return each.discriminator(sign * s, ops.zeros_like(s))

        right, wrong = (
            np.array(_values(functools.partial(of_pairs, sign=sign), _NEAR_LOGITS))
            for sign in (1.0, -1.0)
        )
        lines = {
            "D": right.tolist(),
            "D, mean of both orders": ((right + wrong) / 2).tolist(),
            "G": _values(lambda s: each.generator(ops.zeros_like(s), s), _NEAR_LOGITS),
        }
        x_label = "logit of the real image less that of the generated one"
    marks = {}
    if point and point.unique:
        marks = {f"equilibrium, s = {point.logit:.3g}": point.logit}
    elif point:
        marks = {
            f"equally good for D from s = {point.lowest:g}": point.lowest,
            f"to s = {point.highest:g}": point.highest,
        }
    return png.curves(_NEAR_LOGITS.tolist(), lines, {}, x_label, f"loss ({name})", marks=marks)


def _each(name: str) -> Loss:
    """A loss with default options, which returns one value per logit."""
    return losses.build(name, losses.Options(reduction="none"))


def _values(term: Callable, logits: NDArray[np.float64]) -> Sequence[float]:
    return values_and_slopes(term, logits)[0].tolist()
