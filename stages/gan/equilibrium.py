"""How far a discriminator's answers are from equilibrium, and what that proves.

At equilibrium it says 1/2 to every image (Goodfellow et al. 2014, proposition 1): logit 0.
Where a loss stands there is computed from the loss itself, never written down.
"""

import math
from dataclasses import dataclass

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.layers import as_tensor


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


def jsd_lower_bound(discriminator_bce: float) -> float:
    """What a discriminator's loss proves of the distance between real and generated images.

    For any discriminator, JSD(p_data, p_G) >= ln 2 - L_D / 2, as the best possible one
    reaches L_D = 2 ln 2 - 2 JSD (Goodfellow et al. 2014, theorem 1) and no other is lower.
    A JSD is never negative, so 0 is what a poor discriminator proves.

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
class Term:
    """A loss term, where it would be at equilibrium, and how far it is from there."""

    value: float
    equilibrium: float

    @property
    def distance(self) -> float:
        """|value - equilibrium|, in the loss's own unit (nats for cross-entropy)."""
        return abs(self.value - self.equilibrium)

    def to_json(self) -> dict[str, float]:
        """As plain JSON values."""
        return {"value": self.value, "equilibrium": self.equilibrium, "distance": self.distance}


def bce_terms(real: NDArray[np.float64], fake: NDArray[np.float64]) -> dict[str, Term]:
    """The cross-entropy terms for the logits of real (N,) and generated (M,) images."""
    middle = np.zeros(1)
    return _terms(lambda logits, target: binary_cross_entropy(logits, target), real, fake, middle)


def loss_terms(
    loss: nn.Cell, real: NDArray[np.float64], fake: NDArray[np.float64]
) -> dict[str, Term]:
    """The same for the loss that the networks were trained with."""

    def value(logits: NDArray[np.float64], target: float) -> float:
        column = np.ascontiguousarray(logits.reshape(-1, 1), np.float32)
        return float(loss(as_tensor(column), target).asnumpy())

    # Two entries: MindSpore's BCELoss of a single one returns float64.
    return _terms(value, real, fake, np.zeros(2))


def _terms(value, real, fake, middle) -> dict[str, Term]:
    terms = {
        "real": Term(value(real, 1.0), value(middle, 1.0)),
        "fake": Term(value(fake, 0.0), value(middle, 0.0)),
        "generator": Term(value(fake, 1.0), value(middle, 1.0)),
    }
    terms["discriminator"] = Term(
        terms["real"].value + terms["fake"].value,
        terms["real"].equilibrium + terms["fake"].equilibrium,
    )
    return terms
