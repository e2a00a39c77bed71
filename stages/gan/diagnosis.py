"""What a training run is doing, told from what was watched, as one of seven named verdicts.

The first four can be fatal: a run that they tell of cannot recover, and each is told within 100
steps of its beginning. The others are told of a run that came to its end.

    saturated discriminator   D is wrong, and both gradients are exactly 0
    discriminator won         D's loss is nearly 0, and G's gradient has vanished
    generator collapsed       G draws one image, or far too few kinds
    diverged                  a loss or a gradient is not a finite number
    oscillating               the two networks chase each other in large swings
    near equilibrium          D can hardly tell, and its loss stands where it should
    still learning            none of these

How far apart the images of all classes are (class coverage) needs a classifier, which training
does not have; what is watched is how far apart the generated images are.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.equilibrium import Point
from stages.gan.history import History
from stages.gan.params import Train
from stages.gan.watching import ALIKE, GRADIENTS_EVERY, MEASURES, RealImages

# How many steps both gradients must be exactly 0, or G's vanished: longer than the optimizer's
# momentum keeps the weights moving (0.9^50 is 0.005), and half of the 100 steps allowed.
WINDOW = 50

# Adam moves a weight by rate * m / (sqrt(v) + 1e-8): where the root mean square over all weights
# of a gradient is below that 1e-8, no weight moves by a notable part of the rate any more.
VANISHED = 1e-8

# D's loss as a share of its value at equilibrium. 2 % of 2 ln 2 is 0.014 a term: D gives each
# image the right answer with a probability of 98.6 %. It proves a Jensen-Shannon divergence of
# 0.98 of all that is possible.
WON = 0.02

# So many looks in a row, ten steps apart as soon as the first has found images alike.
_ALIKE_LOOKS = 4
# New networks may begin with images that are all alike; by then they have been seen to part.
_ALIKE_FROM = 200

# A share of the distance between real images. Healthy runs end at 0.6 to 1.1 of it; a generator
# of two kinds of image in equal parts would be at about a half.
FEW_KINDS = 0.2

# Swings of the mean probability that D gives to a batch of generated images, in the run's second
# half: slow ones, of means over ten steps, which a healthy run has none of, and ones from step to
# step. Those a healthy run has too, as each update answers the last one: seen were up to 0.1 turns
# a step of so much with the recipe, 0.23 with fifty times its rate.
SLOW_SWING = 0.2
SLOW_TURNS = 4
SLOW_STEPS = 10
FAST_SWING = 0.4
FAST_TURNS = 0.15

# How far from its equilibrium D's loss may stand in a step on average, as a share of it, and D's
# answers: after 200 epochs MindSpore's tutorial prints losses of 1.21 to 1.24, 0.11 to 0.13 of
# 2 ln 2 away. (The mean loss of a run that swings widely may be right by chance.)
NEAR_LOSS = 0.12
NEAR_ANSWER = 0.15

D_LOSS, G_LOSS, REAL, FAKE, D_GRADIENT, G_GRADIENT, DIVERSITY = range(len(MEASURES))

MEANINGS = {
    "saturated discriminator": (
        "D gives every image the same answer and is wrong about half of them, but its sigmoid "
        "has been rounded to exactly 0 or 1. There the loss is cut off and its gradient is "
        "exactly 0: no step can change anything any more, however long the run goes on. It "
        "comes from steps so large that the logits leave the range in which float32 tells "
        "probabilities from 0 and 1 (from a logit of 17 on)."
    ),
    "discriminator won": (
        "D tells real from generated images without fail. What G learns is how D's answer "
        "changes with its images, and where D is sure of everything that is next to nothing."
    ),
    "generator collapsed": (
        "G draws nearly the same image whatever latent code it is given. It may please D for a "
        "while, but the distribution of real images is lost."
    ),
    "diverged": (
        "A number grew beyond what float32 can hold, or an undefined one was computed. It "
        "spreads to every weight with the next step and never leaves again."
    ),
    "oscillating": (
        "D and G chase each other: what fools D now is unmasked a little later, and G moves on "
        "without keeping what it had learnt. The last step's samples depend on the moment."
    ),
    "near equilibrium": (
        "D can hardly tell generated images from real ones, and its loss stands near the value "
        "of a D that answers the same to everything. That is where training should lead, but a "
        "weak D stands there too: look at the samples and at the held-out figures."
    ),
    "still learning": (
        "Nothing is wrong, and D still tells real from generated images better than at "
        "equilibrium: more steps may help."
    ),
}
VERDICTS = tuple(MEANINGS)


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
    fatal : bool
        Whether the run cannot recover.
    changes : tuple of Change
        What to try, the most promising first.
    """

    name: str
    step: int
    since: int
    seen: str
    fatal: bool
    changes: tuple[Change, ...]

    @property
    def meaning(self) -> str:
        """What it means, in plain words."""
        return MEANINGS[self.name]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "meaning": self.meaning}


class Diagnosis:
    """Tells verdicts from the history of one run.

    Parameters
    ----------
    settings : Train
    point : Point or None
        Where the loss is at equilibrium, if anywhere.
    real : RealImages
        What was seen of them.
    generator_weights : int
        How many the generator has.
    """

    def __init__(
        self,
        settings: Train,
        point: Point | None,
        real: RealImages,
        generator_weights: int,
    ) -> None:
        self.settings = settings
        self.point = point
        self.real = real
        self._generator_weights = generator_weights
        # What a batch's losses are at equilibrium: the point's are an image's.
        self._images = settings.batch_size if settings.loss_options.reduction == "sum" else 1

    @property
    def levels(self) -> dict[str, float]:
        """Where the curves of both losses would be at equilibrium, if anywhere."""
        if self.point is None:
            return {}
        return {
            "D at equilibrium": self._at_equilibrium,
            "G at equilibrium": self.point.generator * self._images,
        }

    def failure(self, history: History) -> Verdict | None:
        """The fatal verdict on a run up to now, or None. To be asked after every step.

        It looks closer where a number is not finite, and each time gradients were measured.
        """
        step, last = history.last_step, history.recent(1)[0]
        if not all(map(math.isfinite, last[:D_GRADIENT])):
            return self._diverged(step, last)
        if step % GRADIENTS_EVERY:
            return None
        if not np.isfinite(last[[D_GRADIENT, G_GRADIENT]]).all():
            return self._diverged(step, last)
        if self.real.diversity < ALIKE:
            return self._one_real_image(step)
        if not self.real.within_reach:
            return self._out_of_reach(step)
        return (
            self._saturated(step, history)
            or self._won(step, history)
            or self._collapsed(step, history)
        )

    def conclusion(self, history: History) -> Verdict:
        """The verdict on a run that came to its end."""
        failure = self.failure(history)
        if failure:
            return failure
        measures = history.measures
        count = len(measures)
        last = measures[-min(count, max(WINDOW, count // 10)) :]
        step = history.last_step
        since = step - len(last) + 1
        loss = float(last[:, D_LOSS].mean())
        seen = self._figures(last)
        if self.point and loss < WON * self._at_equilibrium:
            return self._verdict("discriminator won", step, since, seen)
        diversity = _measured(last, DIVERSITY)
        if len(diversity) and diversity.mean() < FEW_KINDS * self.real.diversity:
            before = _measured(measures, DIVERSITY).max()
            if before > 2 * diversity.mean():
                seen = f"it had been {before:.3f} before; {seen}"
                return self._verdict("generator collapsed", step, since, seen)
        # Without an equilibrium logits are scores, whose sigmoid means nothing.
        turned = _turned(measures[count // 2 :, FAKE].astype(np.float64)) if self.point else ""
        if turned:
            middle = history.first_step + count // 2
            return self._verdict("oscillating", step, middle, f"{turned}; {seen}")
        if self.point:
            answers = last[:, [REAL, FAKE]].astype(np.float64)
            away = np.abs(last[:, D_LOSS] / self._at_equilibrium - 1.0).mean()
            off = np.abs(answers - self.point.probability).mean(axis=0).max()
            if away <= NEAR_LOSS and off <= NEAR_ANSWER:
                return self._verdict("near equilibrium", step, since, seen)
        return self._verdict("still learning", step, since, seen)

    @property
    def _at_equilibrium(self) -> float:
        """D's loss there, of a batch as it is trained on."""
        assert self.point is not None
        return self.point.discriminator * self._images

    def _verdict(self, name: str, step: int, since: int, seen: str, fatal: bool = False) -> Verdict:
        return Verdict(name, step, since, seen, fatal, advice(name, self.settings))

    def _figures(self, rows: NDArray[np.float32]) -> str:
        """Means over rows, in one line."""
        loss, generator_loss, real, fake = rows[:, :D_GRADIENT].astype(np.float64).mean(axis=0)
        text = f"over {len(rows)} steps D's loss is {loss:.4g}"
        if self.point:
            text += f" ({self._at_equilibrium:.4g} at equilibrium)"
        text += f", G's {generator_loss:.4g}"
        if self.point:
            text += f" ({self.point.generator * self._images:.4g})"
        text += f", D(x) {real:.3f}, D(G(z)) {fake:.3f}"
        for name, column in (("D", D_GRADIENT), ("G", G_GRADIENT)):
            if len(lengths := _measured(rows, column)):
                text += f", {name}'s gradient has length {lengths.mean():.3g}"
        if len(distances := _measured(rows, DIVERSITY)):
            text += (
                f", generated images differ by {distances.mean():.3g} "
                f"(real ones by {self.real.diversity:.3g})"
            )
        return text

    def _diverged(self, step: int, row: NDArray[np.float32]) -> Verdict:
        names = [
            name
            for name, value in zip(MEASURES[:DIVERSITY], row, strict=False)
            if not math.isfinite(value)
            and (name in MEASURES[:D_GRADIENT] or step % GRADIENTS_EVERY == 0)
        ]
        values = ", ".join(
            f"{name.replace('_', ' ')} is {row[MEASURES.index(name)]}" for name in names
        )
        return self._verdict("diverged", step, step, values, fatal=True)

    def _one_real_image(self, step: int) -> Verdict:
        seen = (
            f"the real images themselves differ by {self.real.diversity:.2g} on average, less "
            f"than half a level of 256 ({ALIKE:.2g}): there is one image to learn"
        )
        change = Change(
            "download.sources", "other data", "no setting of training makes one image into many"
        )
        return Verdict("generator collapsed", step, 1, seen, True, (change,))

    def _out_of_reach(self, step: int) -> Verdict:
        seen = (
            f"real images have values from {self.real.least:.4g} to {self.real.most:.4g}, but G "
            "draws in [-1, 1]: D needs to look at nothing else, and G can never follow"
        )
        change = Change(
            "preprocess",
            "run it again",
            "its images are in [-1, 1], from pixels (x - 127.5) / 127.5",
        )
        return Verdict("discriminator won", step, 1, seen, True, (change,))

    def _saturated(self, step: int, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        if len(rows) < WINDOW or not self.point:
            return None
        if rows[-1, D_LOSS] <= self._at_equilibrium or rows[-1, D_GRADIENT] != 0:
            return None
        if any(_measured(rows, column).any() for column in (D_GRADIENT, G_GRADIENT)):
            return None
        if rows[:, D_LOSS].min() <= self._at_equilibrium:
            return None
        losses = history.measures[:, D_LOSS]
        others = np.flatnonzero(losses != losses[-1])
        first = history.first_step + (int(others[-1]) + 1 if len(others) else 0)
        d_loss, g_loss = rows[-1, D_LOSS], rows[-1, G_LOSS]
        seen = (
            f"from step {first} on D's loss stands at {d_loss:.6f} "
            f"({self._at_equilibrium:.4g} at equilibrium) and G's at {g_loss:.6f}; D(x) is "
            f"{rows[-1, REAL]:.4g} and D(G(z)) {rows[-1, FAKE]:.4g}; in {WINDOW} steps every "
            "measured gradient of both networks was exactly 0"
        )
        return self._verdict("saturated discriminator", step, first, seen, fatal=True)

    def _won(self, step: int, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        if len(rows) < WINDOW or not self.point:
            return None
        if rows[:, D_LOSS].mean() >= WON * self._at_equilibrium:
            return None
        rms = _measured(rows, G_GRADIENT) / math.sqrt(self._generator_weights)
        if rms.max() >= VANISHED:
            return None
        seen = (
            f"{self._figures(rows)}; a weight's part of G's gradient is at most {rms.max():.2g}, "
            f"below the {VANISHED:.0e} from which Adam moves no weight"
        )
        since = step - WINDOW + 1
        return self._verdict("discriminator won", step, since, seen, fatal=True)

    def _collapsed(self, step: int, history: History) -> Verdict | None:
        if step < history.first_step + _ALIKE_FROM:
            return None
        distances = _measured(history.recent(_ALIKE_LOOKS * GRADIENTS_EVERY), DIVERSITY)
        if len(distances) < _ALIKE_LOOKS or distances.max() >= ALIKE:
            return None
        seen = (
            f"in {len(distances)} looks the images of 25 fixed latent codes differed by "
            f"{distances.max():.2g} at most, less than half a level of 256 ({ALIKE:.2g}); real "
            f"images differ by {self.real.diversity:.3g}"
        )
        since = step - (_ALIKE_LOOKS - 1) * GRADIENTS_EVERY
        return self._verdict("generator collapsed", step, since, seen, fatal=True)


def _measured(rows: NDArray[np.float32], column: int) -> NDArray[np.float64]:
    values = rows[:, column].astype(np.float64)
    return values[~np.isnan(values)]


def _turned(answers: NDArray[np.float64]) -> str:
    """How D's mean answers to generated images swing, a number a step; "" if as usual."""
    whole = len(answers) // SLOW_STEPS * SLOW_STEPS
    slow = swings(answers[:whole].reshape(-1, SLOW_STEPS).mean(axis=1), SLOW_SWING)
    if slow >= SLOW_TURNS:
        return (
            f"D(G(z)), averaged over {SLOW_STEPS} steps, turned {slow} times by more than "
            f"{SLOW_SWING} in the last {len(answers)} steps"
        )
    fast = swings(answers, FAST_SWING)
    if len(answers) >= WINDOW and fast > FAST_TURNS * len(answers):
        return (
            f"D(G(z)) turned {fast} times by more than {FAST_SWING} in the last "
            f"{len(answers)} steps"
        )
    return ""


def swings(values: Sequence[float] | NDArray[np.float64], least: float) -> int:
    """How often a curve turns round after a way of at least so much, up or down.

    Examples
    --------
    >>> swings([0.0, 1.0, 0.0, 0.1, 0.0, 1.0], 0.5)
    2
    >>> swings([0.0, 0.2, 0.4, 0.6], 0.5)
    0
    """
    if not len(values):
        return 0
    turns, direction, extreme = 0, 0, values[0]
    lowest = highest = values[0]
    for value in values[1:]:
        lowest, highest = min(lowest, value), max(highest, value)
        if direction == 0:
            if highest - lowest >= least:
                direction = 1 if value == highest else -1
                extreme = value
        elif (value - extreme) * direction > 0:
            extreme = value
        elif (extreme - value) * direction >= least:
            turns += 1
            direction = -direction
            extreme = value
    return turns


def advice(name: str, settings: Train) -> tuple[Change, ...]:
    """What to change after a verdict, fitted to what is set."""
    rate = settings.learning_rate
    on_logits = Change(
        "train.loss", "bce_with_logits", "on the logit the gradient never becomes exactly 0"
    )
    recipe = Change("train.learning_rate", 0.0002, "the recipe's rate")
    slower = Change("train.learning_rate", _rounded(rate / 10), "a tenth of what it was")
    slower_d = Change(
        "train.discriminator_learning_rate",
        _rounded((settings.discriminator_learning_rate or rate) / 4),
        "a D that learns more slowly leaves G the time to follow",
    )
    average = Change("train.ema", 0.999, "the average of G's weights lies between the swings")
    noise = Change(
        "train.instance_noise", 0.1, "noise on D's images lets real and generated ones overlap"
    )
    once = Change("train.discriminator_steps", 1, "as many updates of D as of G")
    changes: list[Change] = []
    if name == "saturated discriminator":
        changes = [on_logits, recipe if rate > 0.0002 else slower]
    elif name == "discriminator won":
        if settings.discriminator_steps > 1:
            changes.append(once)
        if settings.loss in ("bce", "mse"):
            changes.append(on_logits)
        changes += [slower_d, noise]
    elif name == "generator collapsed":
        changes = [recipe if rate > 0.0002 else slower, slower_d]
        if settings.generator.activation in ("relu", "none"):
            changes.append(
                Change("train.generator.activation", "leaky_relu", "it has a slope everywhere")
            )
    elif name == "diverged":
        changes = [recipe if rate > 0.002 else slower]
        if settings.loss_options.weight > 1:
            changes.append(Change("train.loss_options.weight", 1.0, "smaller gradients"))
    elif name == "oscillating":
        changes = [Change("train.learning_rate", _rounded(rate / 2), "smaller swings"), average]
        if settings.beta1 > 0.5:
            changes.append(Change("train.beta1", 0.5, "less momentum, as in the recipe"))
    elif name == "still learning":
        if settings.max_steps is not None:
            changes = [Change("train.max_steps", None, "all epochs, instead of an early end")]
        else:
            changes = [Change("train.epochs", settings.epochs * 2, "twice as long")]
    else:
        changes = [average]
    return tuple(
        change
        for change in changes
        if change.value != _current(settings, change.param.removeprefix("train."))
    )


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _current(settings: Train, place: str) -> Any:
    value: Any = settings
    for key in place.split("."):
        value = getattr(value, key)
    return value
