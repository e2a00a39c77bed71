"""The classifier two-sample test (Lopez-Paz & Oquab 2017) on a critic's logits.

It asks whether a critic that was trained from scratch can distinguish generated images from real
ones. The critic has not seen the images that it is tested on. So its answers are independent
draws, and none is right from memory. D itself cannot be the critic: G was trained against D.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, norm

from stages.gan.evaluation.quality.scores import Estimate, Score
from stages.gan.evaluation.quality.standard_errors import of_share
from stages.gan.losses.equilibrium import bce_terms

NAMES = ("bce", "equilibrium_distance", "jsd_lower_bound", "accuracy", "p_value")
# Confidence of the interval around the bound.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class TwoSample:
    """The results of the test.

    Parameters
    ----------
    bce : Estimate
        The summed cross-entropy on real and generated images, in nats; 2 ln 2 at equilibrium.
    equilibrium_distance : Estimate
        |bce - 2 ln 2|, in nats.
    jsd_lower_bound : Estimate
        ln 2 - bce / 2, in nats, 0 to ln 2. It is 0 for a critic that is worse than guessing,
        because a JSD is never negative.
    interval : (float, float)
        The 95 % confidence interval of the bound, for this critic. The JSD itself may be anywhere
        above its lower end.
    accuracy : Estimate
        The mean of the shares of right answers on real and on generated images; 1/2 at
        equilibrium.
    p_value : Estimate
        The probability of at least so many right answers if real and generated images were alike.
        It is exact, so it has no error. It is 0 if it is smaller than the smallest float64, about
        1e-323.
    """

    bce: Estimate
    equilibrium_distance: Estimate
    jsd_lower_bound: Estimate
    interval: tuple[float, float]
    accuracy: Estimate
    p_value: Estimate

    def against(self, floor: "TwoSample") -> dict[str, Score]:
        """The figures by name, each together with the floor's."""
        return {name: getattr(self, name).against(getattr(floor, name)) for name in NAMES}


def examine(real: NDArray[np.floating], generated: NDArray[np.floating]) -> TwoSample:
    """Judge a critic by its logits, above 0 for "real".

    The errors are those of means of independent answers. The error of accuracy is corrected, so
    that it is above 0 even if all answers are right. The interval is normal, which is right from a
    few hundred images on (in simulations 93 to 96 % of the intervals hold the true value).

    p_value: the critic's answers stay, and the real images are drawn again among all images, each
    draw equally likely. The number of right answers is then hypergeometric (Fisher's exact test,
    the permutation test on accuracy with all permutations). The normal and binomial forms of
    Lopez-Paz & Oquab assume a critic that says "real" to half of the images, and equally many real
    and generated images; this form holds for any.

    Parameters
    ----------
    real : (N,) logits of held-out real images
    generated : (M,) logits of fresh generated images

    Raises
    ------
    ValueError
        If there are fewer than 2 logits of a kind, or one is not finite.

    Examples
    --------
    >>> found = examine(np.array([3.0, 2.0, 1.0]), np.array([-1.0, -2.0, -3.0]))
    >>> found.accuracy.value, round(found.p_value.value, 3)  # 1 of 20 ways
    (1.0, 0.05)
    """
    reals, fakes = np.asarray(real, np.float64), np.asarray(generated, np.float64)
    for logits in (reals, fakes):
        if logits.ndim != 1 or len(logits) < 2 or not np.isfinite(logits).all():
            raise ValueError(
                f"logits of shape {logits.shape}, valid are two or more finite numbers"
            )

    term = bce_terms(reals, fakes)["discriminator"]
    assert term.distance is not None  # cross-entropy has an equilibrium
    error = _error_of_sum(np.logaddexp(0.0, -reals), np.logaddexp(0.0, fakes))
    bound = math.log(2.0) - term.value / 2.0
    reach = float(norm.ppf((1.0 + CONFIDENCE) / 2.0)) * error / 2.0

    right_real, right_fake = reals > 0.0, fakes <= 0.0
    accuracy = (right_real.mean() + right_fake.mean()) / 2.0
    called_real = int(right_real.sum() + (~right_fake).sum())
    p_value = hypergeom.sf(right_real.sum() - 1, len(reals) + len(fakes), called_real, len(reals))
    return TwoSample(
        Estimate(term.value, error),
        Estimate(term.distance, error),
        Estimate(_possible(bound), error / 2.0),
        (_possible(bound - reach), _possible(bound + reach)),
        Estimate(
            float(accuracy),
            math.hypot(*(of_share(right.mean(), len(right)) for right in (right_real, right_fake)))
            / 2.0,
        ),
        Estimate(float(p_value), None),
    )


def _error_of_sum(one: NDArray, other: NDArray) -> float:
    """The standard error of mean(one) + mean(other)."""
    return math.sqrt(sum(np.var(values, ddof=1) / len(values) for values in (one, other)))


def _possible(jsd: float) -> float:
    """A JSD clipped to its possible values, 0 to ln 2."""
    return min(max(jsd, 0.0), math.log(2.0))
