"""Penalties on the discriminator's gradient with respect to its images.

The gradient of an exact penalty is a second derivative. Layers with a hand-written backward pass
have none: the discriminator must come from `networks.build(..., twice_differentiable=True)`.
`by_difference` estimates R1 and R2 from the logits of images nearby, and needs none.

Outside a compiled function MindSpore 2.10 drops parts of the second derivative without an error: a
fully connected layer after a reshape is then not penalised at all (see docs/mindspore.md). So a
penalty raises RuntimeError if it is not called by a compiled function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import mindspore as ms
from mindspore import Tensor, nn, ops

from stages.gan.losses import gradient_penalty
from stages.gan.params import Train

# Added to a squared length, because the slope of the square root is infinite at 0.
_TINY = 1e-12


@dataclass(frozen=True)
class Penalty:
    """R1 or R2: gamma / 2 E|grad D(x)|^2.

    Parameters
    ----------
    images : str
        Where the gradient is taken: at real images it is R1, at fake ones R2.
    gamma : float
        Above 0.
    sigma : float
        0: the penalty is `exact`. Above 0: it is estimated `by_difference`.
    """

    images: Literal["real", "fake"]
    gamma: float
    sigma: float = 0.0

    @property
    def place(self) -> int:
        """The place of its images in (real, fake)."""
        return ("real", "fake").index(self.images)


def listed(r1: float = 0.0, r2: float = 0.0, sigma: float = 0.0) -> tuple[Penalty, ...]:
    """The penalties whose gamma is above 0, R1 first.

    Examples
    --------
    >>> [penalty.images for penalty in listed(r1=1.0)], listed()
    (['real'], ())
    """
    gammas: tuple[tuple[Literal["real", "fake"], float], ...] = (("real", r1), ("fake", r2))
    return tuple(Penalty(images, gamma, sigma) for images, gamma in gammas if gamma > 0)


def of_params(train: Train, ranks: int = 1) -> tuple[Penalty, ...]:
    """R1 and R2 as the params ask for them; of several ranks each has its share."""
    sigma = train.penalty.sigma if train.penalty.kind == "difference" else 0.0
    return listed(train.r1 / ranks, train.r2 / ranks, sigma)


class _OnlyCompiled(nn.Cell):
    """A function that only a compiled function can call.

    The compiler takes a Cell's `construct`; Python calls `__call__`.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__(auto_prefix=False)
        self.function = function

    def construct(self, *given):
        return self.function(*given)

    def __call__(self, *given: Any) -> Tensor:
        raise RuntimeError(
            "a penalty on the gradient was called outside a compiled function, where MindSpore "
            "drops parts of its gradient: call it in a function that is compiled by jit"
        )


def squared_gradient_norms(discriminator: nn.Cell) -> Callable[[Tensor], Tensor]:
    """A function for use in a compiled step: images (N, C, H, W) to |grad D(x)|^2, (N,).

    D(x) is the logit. The gradient of the sum of all logits is taken. It gives each image's own
    gradient if no logit depends on the rest of the batch, that is without batch norm.
    """
    total = ops.ReduceSum()

    def sum_of_logits(images):
        return total(discriminator(images))

    gradient = ms.grad(sum_of_logits, 0)

    def squared_norms(images):
        direction = gradient(images)
        return total(ops.reshape(direction * direction, (images.shape[0], -1)), 1)

    return _OnlyCompiled(squared_norms)


def exact(discriminator: nn.Cell, gamma: float) -> Callable[[Tensor], Tensor]:
    """gamma / 2 E|grad D(x)|^2, a scalar: on real images R1, on generated images R2.

    Mescheder et al. 2018, equations 9 and 10.

    Returns
    -------
    function of images (N, C, H, W), for use in a compiled step
    """
    squared_norms = squared_gradient_norms(discriminator)

    def penalty(images):
        return ops.mean(squared_norms(images)) * (0.5 * gamma)

    return _OnlyCompiled(penalty)


def by_difference(gamma: float, sigma: float) -> Callable[[Tensor, Tensor], Tensor]:
    """An estimate of `exact` from D's logits of images x and of the same images moved a little.

    With e from the standard normal distribution, of the images' shape, and g = grad D(x),

        D(x + sigma e) - D(x) = sigma e . g + terms of order sigma^2
        E (e . g)^2 = g^T E(e e^T) g = |g|^2

    so the penalty

        gamma / (2 sigma^2) E(D(x + sigma e) - D(x))^2 = gamma / 2 E|g|^2 + terms of order sigma^2

    has the value of `exact` in expectation, for a linear D at any sigma. One draw of e has a
    relative deviation of sqrt(2) for an image, and of sqrt(2 / N) for the mean of N images whose
    gradients are equally long. Each penalty takes one more pass through D, forward and backward
    (with both, D's batch has 4 N images), and no second derivative (Lin et al. 2025, arXiv
    2501.08316, where a weight of its own stands in place of this factor).

    Parameters
    ----------
    gamma : float
    sigma : float
        Above 0, in units of the images' [-1, 1]. The smaller, the nearer to the gradient at x
        itself; below about 1e-3, float32's rounding of both logits adds to the difference.

    Returns
    -------
    function of the logits at x and at x + sigma e, of one shape; its value is a scalar
    """
    factor = 0.5 * gamma / sigma**2

    def penalty(logits, moved):
        change = moved - logits
        return ops.mean(change * change) * factor

    return penalty


def on_the_way(discriminator: nn.Cell, weight: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The penalty of WGAN-GP: weight E(|grad D(x)| - 1)^2 between real and generated images.

    Gulrajani et al. 2017, equation 3 and algorithm 1: x = m real + (1 - m) fake.

    Returns
    -------
    function of real and fake images (N, C, H, W) and m (N, 1, 1, 1) in [0, 1), for use in a
    compiled step; its value is a scalar
    """
    squared_norms = squared_gradient_norms(discriminator)

    def penalty(real, fake, mix):
        between = fake + mix * (real - fake)
        return gradient_penalty(ops.sqrt(squared_norms(between) + _TINY)) * weight

    return _OnlyCompiled(penalty)
