"""Measures D itself on real and generated images: its losses and their equilibrium values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan import losses
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.losses import equilibrium
from stages.gan.params import Train


def measure(
    settings: Train, real: NDArray[np.float64], fake: NDArray[np.float64]
) -> dict[str, Any]:
    """D's part of scores.json, from its logits.

    A loss of pairs does not determine a constant in D's logits. Cross-entropy, accuracy and the
    bound on the JSD are then measured with the constant that makes D's mean answer 1/2. The two
    probabilities are those that training reports, of the i-th real with the i-th generated image.

    Parameters
    ----------
    settings : Train
        The settings of the training loss, which is measured beside the plain cross-entropy.
    real, fake : (N,)
        D's logits of held-out real images, and of equally many generated images.

    Raises
    ------
    UserError
        If a logit is not finite.
    """
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise UserError(
            _(
                "the discriminator's answers are not finite, because its training "
                "diverged; there is nothing to measure"
            )
        )
    loss = losses.of_params(settings)
    answers = (real, fake)
    if loss.is_paired:
        answers = (real - fake, fake - real)
        real, fake = equilibrium.centred(real, fake)
    bce = equilibrium.bce_terms(real, fake)
    point = equilibrium.point(loss)
    own = equilibrium.loss_terms(loss, point, real, fake)
    return {
        "bce": {name: term.to_json() for name, term in bce.items()},
        "training_loss": {
            "name": settings.loss,
            "equilibrium_point": point.to_json() if point else None,
            **{name: term.to_json() for name, term in own.items()},
        },
        "real_probability": float(equilibrium.probability(answers[0]).mean()),
        "fake_probability": float(equilibrium.probability(answers[1]).mean()),
        "accuracy": float(((real > 0).mean() + (fake <= 0).mean()) / 2),
        "jsd_lower_bound": equilibrium.jsd_lower_bound(bce["discriminator"].value),
    }


def line(measured: dict[str, Any], count: int) -> str:
    """A line for the terminal: the cross-entropies of D and G on `count` held-out images."""
    d, g = measured["bce"]["discriminator"], measured["bce"]["generator"]
    return _(
        "on {count:,} held-out images D's BCE is {d_value:.4f}, {d_distance:.4f} from "
        "equilibrium; G's is {g_value:.4f}, {g_distance:.4f} from equilibrium"
    ).format(
        count=count,
        d_value=d["value"],
        d_distance=d["distance"],
        g_value=g["value"],
        g_distance=g["distance"],
    )
