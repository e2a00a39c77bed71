"""The training loss as a zero-sum game: what D gains, G loses.

The value of the game is M(G, D) = -(D's loss on real images x and generated images G(z)). D makes M
large, and G makes it small. For cross-entropy M(G, D) = E ln D(x) + E ln(1 - D(G(z))), the game of
Goodfellow et al. 2014, whose value at equilibrium is -2 ln 2.

In training G minimises another loss, the non-saturating one. Its gradient has the same direction
for each image, and does not vanish where D is certain. Both are used here: M measures, and the
training losses find the responses.
"""

from dataclasses import dataclass

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from stages.gan.losses import Loss, build, of_params
from stages.gan.losses.equilibrium import as_column
from stages.gan.params import Train, choices

# Arrays are padded to a multiple of this: each of two or four parts is then a whole number of the
# processor's vectors (16 numbers with AVX-512).
_WHOLE = 64
# If D is saturated, the gradient of `bce` is exactly 0, and that of the same loss on logits is not.
_FOUND_BY = {"bce": "bce_with_logits"}


def has_value(settings: Train) -> bool:
    """Whether D's best response has a finite value.

    wgan_gp's has none: without the penalty, which is no part of the game, its terms have no bound.
    """
    return not choices.LOSSES[settings.loss].has_gradient_penalty


@dataclass(frozen=True)
class Rules:
    """The losses of a game: the gradient of `found` finds responses, and `measured` gives M."""

    found: Loss
    measured: Loss


def of(settings: Train) -> Rules:
    """The rules of a run's game. Penalties, noise and augmentation are no part of it."""
    loss = of_params(settings)
    name = _FOUND_BY.get(settings.loss)
    return Rules((build(name, loss.options) if name else loss).with_reduction("mean"), loss)


def values(loss: Loss, real: NDArray[np.float64], fake: NDArray[np.float64]) -> NDArray[np.float64]:
    """M of each pair of a real and a generated image: (N,) from D's logits (N,) and (N,)."""
    terms = loss.with_reduction("none").discriminator(_padded(real), _padded(fake))
    return -terms.asnumpy().reshape(-1)[: len(real)].astype(np.float64)


def _padded(logits: NDArray[np.float64]) -> Tensor:
    """(N,) logits in the shape of D's output, with zeros up to a multiple of _WHOLE.

    MindSpore 2.10 divides an array among threads as it finds fastest in the first calls. Its
    softplus and logarithm round the last few numbers of each part in another way than the others.
    With padding the parts are whole vectors, however many there are, and all numbers round alike.
    """
    missing = -len(logits) % _WHOLE
    return as_column(np.pad(logits, (0, missing)))
