"""The seven verdicts on a training run: what each means, and what to change after it.

    saturated discriminator   nothing that G could change reaches D's answer any more
    discriminator won         D's loss is nearly 0, and G is taught next to nothing
    generator collapsed       G draws one image, or far too few kinds
    diverged                  a loss, an answer or a gradient is not a finite number
    oscillating               the two networks chase each other in large swings
    near equilibrium          D can hardly tell, and its loss stands where it should
    still learning            none of these

When each is told is the matter of `diagnosis`.
"""

from dataclasses import asdict, dataclass
from typing import Any

from stages.gan.params import Train

SATURATED = "saturated discriminator"
WON = "discriminator won"
COLLAPSED = "generator collapsed"
DIVERGED = "diverged"
OSCILLATING = "oscillating"
NEAR = "near equilibrium"
LEARNING = "still learning"

MEANINGS = {
    SATURATED: (
        "D gives every image the same answer and is wrong about half of them, but its sigmoid "
        "has been rounded to exactly 0 or 1. There the loss is cut off and its gradient is "
        "exactly 0: no step can change anything any more, however long the run goes on. It "
        "comes from steps so large that the logits leave the range in which float32 tells "
        "probabilities from 0 and 1 (from a logit of 17 on)."
    ),
    WON: (
        "D tells real from generated images almost without fail. What G is taught then says "
        "little about how its images should change."
    ),
    COLLAPSED: (
        "G draws nearly the same image whatever latent code it is given. It may please D for a "
        "while, but the distribution of real images is lost."
    ),
    DIVERGED: (
        "A number grew beyond what float32 can hold, or an undefined one was computed. It "
        "spreads to every weight with the next step and never leaves again."
    ),
    OSCILLATING: (
        "D and G chase each other: what fools D now is unmasked a little later, and G moves on "
        "without keeping what it had learnt. The last step's samples depend on the moment."
    ),
    NEAR: (
        "D can hardly tell generated images from real ones, and its loss stands near the value "
        "of a D that answers the same to everything. That is where training should lead, but a "
        "weak D stands there too: look at the samples and at the held-out figures."
    ),
    LEARNING: (
        "Nothing is wrong, and D still tells real from generated images better than at "
        "equilibrium: more steps may help."
    ),
}
VERDICTS = tuple(MEANINGS)

# What a verdict means where it is told for another reason than the usual one.
VANISHED = (
    "D tells real from generated images without fail, and so surely that its answers do not "
    "change any more with G's images: G's gradient is too small to move a weight."
)
CONSTANT = (
    "D's answer does not depend on what G draws any more: G's gradient has been exactly 0, so G "
    "stands still, wherever the losses are. D's units may all be dead (ReLU) or saturated."
)
OUT_OF_REACH = (
    "D needs to look at nothing but the range of an image's values, and G, which ends in tanh, "
    "can never follow."
)
WORSE_THAN_GUESSING = (
    "D does worse than one that answers the same to every image: its updates overshoot, and "
    "neither network follows the other."
)
NO_EQUILIBRIUM = (
    "Nothing is wrong as far as can be seen. This loss has no equilibrium to be near: look at the "
    "samples and at the held-out figures."
)


@dataclass(frozen=True)
class Change:
    """A param to change, named as in params.yaml below the data set, and the value to try."""

    param: str
    value: Any
    why: str


@dataclass(frozen=True)
class Verdict:
    """What a run is doing.

    Parameters
    ----------
    name : str
        One of VERDICTS.
    step : int
        At which it was told.
    since : int
        The first step of which it is true, as far as was looked.
    seen : str
        Figures.
    meaning : str
        In plain words.
    changes : tuple of Change
        What to try, the most promising first.
    fatal : bool
        Whether the run cannot recover.
    """

    name: str
    step: int
    since: int
    seen: str
    meaning: str
    changes: tuple[Change, ...]
    fatal: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Verdict":
        """What `to_json` was given of."""
        changes = tuple(Change(**change) for change in content["changes"])
        return cls(**{**content, "changes": changes})


def advice(name: str, settings: Train, steps: int) -> tuple[Change, ...]:
    """What to change after a verdict on a run of so many steps, fitted to what is set.

    There is always something, and never a value that is set already.
    """
    rate = settings.learning_rate
    d_rate = settings.discriminator_learning_rate or rate
    on_logits = Change(
        "train.loss", "bce_with_logits", "on the logit the gradient never becomes exactly 0"
    )
    slower = Change("train.learning_rate", _rounded(rate / 10), "a tenth of what it was")
    if rate > 0.0002:
        slower = Change("train.learning_rate", 0.0002, "the recipe's rate")
    slower_d = Change(
        "train.discriminator_learning_rate",
        _rounded(d_rate / 4),
        "a D that learns more slowly leaves G the time to follow",
    )
    halved = Change("train.learning_rate", _rounded(rate / 2), "smaller swings")
    changes: list[Change] = []
    if name == SATURATED:
        changes = [on_logits, slower] if settings.loss in ("bce", "mse") else [slower]
    elif name == WON:
        if settings.discriminator_steps > 1:
            changes.append(Change("train.discriminator_steps", 1, "as many updates as of G"))
        if settings.loss in ("bce", "mse"):
            changes.append(on_logits)
        changes.append(slower_d)
        if settings.instance_noise < 0.1:
            why = "noise on D's images lets real and generated ones overlap"
            changes.append(Change("train.instance_noise", 0.1, why))
    elif name == COLLAPSED:
        changes = [slower, slower_d]
        if settings.generator.activation in ("relu", "none"):
            why = "it has a slope everywhere"
            changes.append(Change("train.generator.activation", "leaky_relu", why))
    elif name == DIVERGED:
        changes = [slower]
        if settings.loss_options.weight > 1:
            changes.append(Change("train.loss_options.weight", 1.0, "smaller gradients"))
    elif name == OSCILLATING:
        changes = [halved]
        if settings.beta1 > 0.5:
            changes.append(Change("train.beta1", 0.5, "less momentum, as in the recipe"))
    if name in (OSCILLATING, NEAR) and settings.ema == 0:
        why = "the average of G's weights lies between the swings"
        changes.append(Change("train.ema", 0.999, why))
    if name == LEARNING or not changes:
        if settings.max_steps is not None and steps >= settings.max_steps:
            why = "all epochs, instead of the end that it set"
            changes.append(Change("train.max_steps", None, why))
        else:
            changes.append(Change("train.epochs", settings.epochs * 2, "twice as long"))
    return tuple(changes)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
