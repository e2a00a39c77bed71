"""The eight verdicts on a training run: what each means, and what to change after it.

    saturated discriminator   D's answer no longer depends on what G draws
    discriminator won         D is almost never wrong, and G learns almost nothing
    generator collapsed       G draws one image, or far too few kinds of image
    wrong range               real images do not have the range of values that G draws in
    diverged                  a loss, an answer, a gradient or a weight is not a finite number
    oscillating               D and G follow each other in large swings
    near equilibrium          D guesses, and its loss is near its equilibrium value
    still learning            none of these

The module `diagnosis` decides which verdict a run gets.
"""

from dataclasses import asdict, dataclass
from typing import Any

from stages.gan.common.language import marked
from stages.gan.params import Train
from stages.gan.training.watch.changes import Change, average

SATURATED = marked("saturated discriminator")
WON = marked("discriminator won")
COLLAPSED = marked("generator collapsed")
RANGE = marked("wrong range")
DIVERGED = marked("diverged")
OSCILLATING = marked("oscillating")
NEAR = marked("near equilibrium")
LEARNING = marked("still learning")
# The line that reports one on the terminal; sweeps look for it in the logs of their runs.
LINE = marked("verdict: {name}")

MEANINGS = {
    SATURATED: marked(
        "D gives every image the same answer and is wrong about half of them. Its sigmoid has "
        "been rounded to exactly 0 or 1. There the loss is cut off and its gradient is exactly "
        "0, so no further step can change anything. The cause is steps that are too large: from "
        "a logit of 17 on, float32 cannot distinguish the probability from 0 or 1."
    ),
    WON: marked(
        "D distinguishes real from generated images almost without error. G's gradient then "
        "says little about how its images should change."
    ),
    COLLAPSED: marked(
        "G draws nearly the same image for every latent code. It may fool D for a while, but "
        "it no longer covers the distribution of real images."
    ),
    RANGE: marked(
        "G ends in tanh and draws in [-1, 1]. These images have not been brought into that range: "
        "values in [0, 1], for example, come from x / 255. Black is then 0, which G and every "
        "picture take for middle grey, so its images look grey. Only if the images are really so "
        "pale is nothing wrong with them."
    ),
    DIVERGED: marked(
        "A number became too large for float32, or is undefined (NaN). The next step spreads it "
        "to every weight, and no later step removes it."
    ),
    OSCILLATING: marked(
        "D and G follow each other in circles. D soon recognises the images that fool it now, "
        "and G then forgets what it had learnt. The samples depend on the step at which the run "
        "ends."
    ),
    NEAR: marked(
        "D can hardly distinguish generated images from real ones. Its loss is near the loss of "
        "a D that gives every image the same answer. Training should lead there, but a weak D "
        "is there too: look at the samples and at the held-out figures."
    ),
    LEARNING: marked(
        "The watch over training saw no fault. D still distinguishes real from generated images "
        "better than at equilibrium: more steps may help."
    ),
}
VERDICTS = tuple(MEANINGS)

# The meaning of a verdict that is given for another reason than the usual one.
VANISHED = marked(
    "D distinguishes real from generated images without error. It is so sure that its answers "
    "no longer change with G's images: G's gradient is too small to move a weight."
)
OUTRUN = marked(
    "After each of its updates D is almost sure that the images which G has just drawn are "
    "generated. (G's loss is computed after D's update, D(G(z)) before it.) G always answers a D "
    "that has already moved on, so its steps say little about how its images should change."
)
HIDDEN = marked(
    "Weights are not numbers any more (NaN), or too large for float32, though all losses are still "
    "finite: MindSpore's ReLU, clip and softplus turn NaN into ordinary numbers. What the networks "
    "compute no longer depends on those weights, and no later step repairs them."
)
CONSTANT = marked(
    "D's answer no longer depends on what G draws. G's gradient has been exactly 0, so G does "
    "not change, whatever the losses are. D's units may all be dead (ReLU) or saturated."
)
OUT_OF_REACH = marked(
    "D can recognise a real image by the range of its values alone. G ends in tanh and draws in "
    "[-1, 1], so it can never reach that range."
)
WORSE_THAN_GUESSING = marked(
    "D does worse than a D that gives every image the same answer. Its updates overshoot, and "
    "neither network follows the other."
)
NO_EQUILIBRIUM = marked(
    "No fault was found. This loss has no equilibrium value to compare with: look at the samples "
    "and at the held-out figures."
)


@dataclass(frozen=True)
class Verdict:
    """The state of a run, and what to change.

    Parameters
    ----------
    name : str
        One of VERDICTS.
    step : int
        The step at which the verdict was given.
    since : int
        The first measured step of which the verdict is true.
    seen : str
        The figures behind the verdict, in English: `sentences.told` says them in any language.
    meaning : str
        The verdict in plain words, in English.
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
        """The verdict of which `to_json` gave `content`."""
        changes = tuple(Change(**change) for change in content["changes"])
        return cls(**{**content, "changes": changes})


def advice(name: str, settings: Train, steps: int, vanished: bool = False) -> tuple[Change, ...]:
    """The changes to try after a verdict on a run of `steps` steps with these settings.

    There is always at least one change, never to a value that is set already, and none that cannot
    help in a run of this length. `vanished` says that G's gradient is as good as 0, which a loss on
    logits prevents.
    """
    rate = settings.learning_rate
    d_rate = settings.discriminator_learning_rate or rate
    on_logits = Change(
        "train.loss",
        "bce_with_logits",
        marked("with logits the gradient never becomes exactly 0"),
    )
    slower = Change(
        "train.learning_rate", _rounded(rate / 10), marked("a tenth of the present rate")
    )
    if rate > 0.0002:
        slower = Change("train.learning_rate", 0.0002, marked("the recipe's rate"))
    slower_d = Change(
        "train.discriminator_learning_rate",
        _rounded(d_rate / 4),
        marked("a D that learns more slowly gives G time to follow"),
    )
    halved = Change("train.learning_rate", _rounded(rate / 2), marked("smaller swings"))
    less_momentum = Change("train.beta1", 0.5, marked("less momentum, as in the recipe"))
    changes: list[Change] = []
    if name == SATURATED:
        changes = [on_logits, slower] if settings.loss in ("bce", "mse") else [slower]
    elif name == WON:
        if vanished and settings.loss in ("bce", "mse"):
            changes.append(on_logits)
        if settings.discriminator_steps > 1:
            changes.append(Change("train.discriminator_steps", 1, marked("as many updates as G")))
        if settings.beta1 > 0.5:
            changes.append(less_momentum)
        changes.append(slower_d)
        # A penalty needs the gradient of each image by itself: params refuse it with batch norm.
        if not (settings.penalties or settings.discriminator.batch_norm):
            why = marked("a penalty on D's slope (R1) keeps D from being so sure")
            changes.append(Change("train.r1", 1.0, why))
    elif name == COLLAPSED:
        changes = [slower]
        if settings.generator.activation in ("relu", "none"):
            why = marked("its slope is never 0")
            changes.append(Change("train.generator.activation", "leaky_relu", why))
    elif name == DIVERGED:
        changes = [slower]
        if settings.loss_options.weight > 1:
            changes.append(Change("train.loss_options.weight", 1.0, marked("smaller gradients")))
    elif name == OSCILLATING:
        changes = [halved]
        if settings.beta1 > 0.5:
            changes.append(less_momentum)
    if name in (OSCILLATING, NEAR):
        changes += average(settings, steps)
    if name == LEARNING or not changes:
        if settings.max_steps is not None and steps >= settings.max_steps:
            why = marked("train for all epochs")
            changes.append(Change("train.max_steps", None, why))
        else:
            changes.append(Change("train.epochs", settings.epochs * 2, marked("twice as long")))
    return tuple(changes)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
