"""When a verdict is told of a training run, from what was watched.

A fatal verdict is told while the run goes on, within 100 steps of the failure's beginning, and
says that it cannot recover. The others are told of a run that came to its end.

How many classes of image are drawn would need a classifier, which training does not have; what is
watched is how far apart the generated images are.
"""

import math

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan import losses
from stages.gan.data.prepared import Split
from stages.gan.losses.equilibrium import Point, point
from stages.gan.params import Train
from stages.gan.training.history import History
from stages.gan.training.step.measures import (
    ALIKE,
    GRADIENTS_EVERY,
    MEASURES,
    RealImages,
    look_at_real,
)
from stages.gan.training.watch import swings, verdicts
from stages.gan.training.watch.verdicts import Change, Verdict

# How many steps both gradients must be exactly 0, or G's vanished: longer than the optimizer's
# momentum keeps the weights moving (0.9^50 is 0.005), and half of the 100 steps allowed.
WINDOW = 50
MOST_MOMENTUM = 0.9

# Adam moves a weight by rate * m / (sqrt(v) + 1e-8): where the root mean square over all weights
# of a gradient is below that 1e-8, no weight moves by a notable part of the rate any more.
VANISHED = 1e-8

# D's loss as a share of its value at equilibrium. 2 % of 2 ln 2 is 0.014 a term: D gives each
# image the right answer with a probability of 98.6 %. It proves a Jensen-Shannon divergence of
# 0.98 of all that is possible.
WON = 0.02

# So many looks in a row find images alike, ten steps apart as soon as the first has.
ALIKE_LOOKS = 4
# New networks may begin with images that are all alike; in healthy runs they had parted by step
# 25. Once they have, there is no waiting.
ALIKE_FROM = 200

# Shares of the distance between real images. Healthy runs of the MLP end at 0.6 to 1.1 of it, the
# DCGAN is at 0.2 to 0.3 after 300 steps and at 0.75 after 600; a generator of two kinds of image
# in equal parts would be at about a half. A run at less than the first that had twice as much
# before has lost kinds; one at less than the second has none.
FEW_KINDS = 0.2
NO_KINDS = 0.05
_LAST_LOOKS = 3

# How far from its equilibrium D's loss may stand in a step on average, as a share of it, and D's
# answers: after 200 epochs MindSpore's tutorial prints losses of 1.21 to 1.24, 0.11 to 0.13 of
# 2 ln 2 away. (The mean loss of a run that swings widely may be right by chance.) Its G has 0.90 to
# 1.07 then, up to 0.27 of 2 ln 2 away: so G's mean is allowed more, as a share of D's equilibrium.
NEAR_LOSS = 0.12
NEAR_ANSWER = 0.15
NEAR_GENERATOR = 0.3

D_LOSS, G_LOSS, REAL, FAKE, D_GRADIENT, G_GRADIENT, DIVERSITY = range(len(MEASURES))


class Diagnosis:
    """Tells verdicts from the history of one run.

    Parameters
    ----------
    settings : Train
    equilibrium : Point or None
        Where the loss is at equilibrium, if anywhere.
    real : RealImages
        What was seen of them.
    generator_weights : int
        How many the generator has.
    """

    def __init__(
        self,
        settings: Train,
        equilibrium: Point | None,
        real: RealImages,
        generator_weights: int,
    ) -> None:
        self.settings = settings
        self.point = equilibrium
        self.real = real
        self._generator_weights = generator_weights
        # What a batch's losses are at equilibrium: the point's are an image's.
        self._images = settings.batch_size if settings.loss_options.reduction == "sum" else 1
        # Weights that move on without any gradient may leave the place where it is 0.
        momentum = settings.beta1 if "adam" in settings.optimizer else settings.momentum
        self._stands_still = momentum <= MOST_MOMENTUM and settings.weight_decay == 0

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
        last = history.recent(1)[0]
        if all(map(math.isfinite, last[:D_GRADIENT])) and history.last_step % GRADIENTS_EVERY:
            return None
        return self._fatal(history)

    def conclusion(self, history: History) -> Verdict:
        """The verdict on a run that came to its end."""
        fatal = self._fatal(history)
        if fatal:
            return fatal
        measures = history.measures
        count = len(measures)
        last = measures[-min(count, max(WINDOW, count // 10)) :]
        since = history.last_step - len(last) + 1
        seen = self._figures(last)
        loss = float(last[:, D_LOSS].mean())
        if self.point and loss < WON * self._at_equilibrium:
            return self._verdict(verdicts.WON, history, since, seen)
        looks = _measured(measures, DIVERSITY)
        if len(looks):
            diversity = looks[-_LAST_LOOKS:].mean() / self.real.diversity
            before = looks.max() / self.real.diversity
            lost = diversity < FEW_KINDS and before > 2 * diversity
            if lost or (diversity < NO_KINDS and history.last_step > ALIKE_FROM):
                seen = f"{seen}; in the last looks that is {diversity:.2g} of the real ones'"
                if lost:
                    seen += f", and it had been {before:.2g}"
                return self._verdict(verdicts.COLLAPSED, history, since, seen)
        # Without an equilibrium logits are scores, whose sigmoid means nothing.
        half = measures[count // 2 :, FAKE].astype(np.float64)
        turned = swings.describe(half) if self.point else ""
        if turned:
            middle = history.first_step + count // 2
            return self._verdict(verdicts.OSCILLATING, history, middle, f"{turned}; {seen}")
        if self.point is None:
            meaning = verdicts.NO_EQUILIBRIUM
            return self._verdict(verdicts.LEARNING, history, since, seen, meaning)
        answers = last[:, [REAL, FAKE]].astype(np.float64)
        away = np.abs(last[:, D_LOSS] / self._at_equilibrium - 1.0).mean()
        off = np.abs(answers - self.point.probability).mean(axis=0).max()
        g_level = self.levels["G at equilibrium"]
        g_away = abs(float(last[:, G_LOSS].mean()) - g_level) / self._at_equilibrium
        if away <= NEAR_LOSS and off <= NEAR_ANSWER and g_away <= NEAR_GENERATOR:
            return self._verdict(verdicts.NEAR, history, since, seen)
        if loss > (1 + NEAR_LOSS) * self._at_equilibrium:
            meaning = verdicts.WORSE_THAN_GUESSING
            changes = verdicts.advice(verdicts.OSCILLATING, self.settings, count)
            return self._verdict(verdicts.LEARNING, history, since, seen, meaning, changes)
        return self._verdict(verdicts.LEARNING, history, since, seen)

    @property
    def _at_equilibrium(self) -> float:
        """D's loss there, of a batch as it is trained on."""
        assert self.point is not None
        return self.point.discriminator * self._images

    def _verdict(
        self,
        name: str,
        history: History,
        since: int,
        seen: str,
        meaning: str | None = None,
        changes: tuple[Change, ...] | None = None,
        fatal: bool = False,
    ) -> Verdict:
        if changes is None:
            changes = verdicts.advice(name, self.settings, len(history))
        meaning = meaning or verdicts.MEANINGS[name]
        return Verdict(name, history.last_step, since, seen, meaning, changes, fatal)

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

    def _fatal(self, history: History) -> Verdict | None:
        verdict = self._diverged(history) or self._wrong_data(history)
        if verdict or len(history) < WINDOW:
            return verdict
        verdict = self._collapsed(history)
        if verdict or not self._stands_still:
            return verdict
        return self._saturated(history) or self._won(history) or self._constant(history)

    def _diverged(self, history: History) -> Verdict | None:
        row = history.recent(1)[0]
        columns = [column for column in range(D_GRADIENT) if not math.isfinite(row[column])]
        if history.last_step % GRADIENTS_EVERY == 0:
            columns += [c for c in (D_GRADIENT, G_GRADIENT) if not math.isfinite(row[c])]
        if not columns:
            return None
        seen = ", ".join(f"{MEASURES[c].replace('_', ' ')} is {row[c]}" for c in columns)
        finite = np.isfinite(history.recent(len(history))[:, :D_GRADIENT]).all(axis=1)
        since = min(_first_after(finite, history), history.last_step)
        return self._verdict(verdicts.DIVERGED, history, since, seen, fatal=True)

    def _wrong_data(self, history: History) -> Verdict | None:
        real = self.real
        if real.diversity < ALIKE:
            name, meaning = verdicts.COLLAPSED, None
            seen = (
                f"the real images themselves differ by {real.diversity:.2g} on average, less "
                f"than half a level of 256 ({ALIKE:.2g}): there is one image to learn"
            )
            why = "no setting of training makes one image into many"
        elif not real.within_reach:
            name, meaning = verdicts.WON, verdicts.OUT_OF_REACH
            seen = (
                f"real images have values from {real.least:.4g} to {real.most:.4g}, but G draws "
                "in [-1, 1]"
            )
            why = "the stage preprocess brings them into [-1, 1]: (x - 127.5) / 127.5"
        else:
            return None
        changes = (Change("download.sources", "[path/to/images]", why),)
        first = history.first_step
        return self._verdict(name, history, first, seen, meaning, changes, fatal=True)

    def _collapsed(self, history: History) -> Verdict | None:
        recent = _measured(history.recent(ALIKE_LOOKS * GRADIENTS_EVERY), DIVERSITY)
        if len(recent) < ALIKE_LOOKS or recent.max() >= ALIKE:
            return None
        column = history.recent(len(history))[:, DIVERSITY]
        apart = column >= ALIKE  # of what was not looked at it is false
        if history.first_step == 1 and history.last_step <= ALIKE_FROM and not apart.any():
            return None
        looked = history.first_step + np.flatnonzero(~np.isnan(column))
        since = int(looked[looked >= _first_after(apart, history)][0])
        seen = (
            f"since step {since} the images of fixed latent codes differ by {recent.max():.2g} at "
            f"most, less than half a level of 256 ({ALIKE:.2g}); real images differ by "
            f"{self.real.diversity:.3g}"
        )
        return self._verdict(verdicts.COLLAPSED, history, since, seen, fatal=True)

    def _saturated(self, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        if self.point is None or rows[-1, D_LOSS] <= self._at_equilibrium:
            return None
        lengths = np.concatenate([_measured(rows, c) for c in (D_GRADIENT, G_GRADIENT)])
        if not len(lengths) or lengths.any():
            return None
        losses_ = history.recent(len(history))[:, D_LOSS]
        since = _first_after(losses_ != losses_[-1], history)
        seen = (
            f"from step {since} on D's loss stands at {rows[-1, D_LOSS]:.6f} "
            f"({self._at_equilibrium:.4g} at equilibrium) and G's at {rows[-1, G_LOSS]:.6f}; D(x) "
            f"is {rows[-1, REAL]:.4g} and D(G(z)) {rows[-1, FAKE]:.4g}; in {WINDOW} steps every "
            "measured gradient of both networks was exactly 0"
        )
        return self._verdict(verdicts.SATURATED, history, since, seen, fatal=True)

    def _won(self, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        if self.point is None or rows[:, D_LOSS].mean() >= WON * self._at_equilibrium:
            return None
        part = _measured(rows, G_GRADIENT) / math.sqrt(self._generator_weights)
        if not len(part) or part.max() >= VANISHED:
            return None
        seen = (
            f"{self._figures(rows)}; a weight's part of G's gradient is at most {part.max():.2g}, "
            f"below the {VANISHED:.0e} from which Adam moves no weight"
        )
        since = history.last_step - WINDOW + 1
        return self._verdict(verdicts.WON, history, since, seen, verdicts.VANISHED, fatal=True)

    def _constant(self, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        lengths = _measured(rows, G_GRADIENT)
        if not len(lengths) or lengths.any():
            return None
        seen = f"{self._figures(rows)}; every measured gradient of G was exactly 0"
        since = history.last_step - WINDOW + 1
        meaning = verdicts.CONSTANT
        return self._verdict(verdicts.SATURATED, history, since, seen, meaning, fatal=True)


def of_run(settings: Train, data: Split, generator: nn.Cell) -> Diagnosis:
    """The diagnosis of a run with that generator, trained on these data."""
    return Diagnosis(
        settings,
        point(losses.of_params(settings)),
        look_at_real(data),
        sum(weights.size for weights in generator.trainable_params()),
    )


def _measured(rows: NDArray[np.float32], column: int) -> NDArray[np.float64]:
    values = rows[:, column].astype(np.float64)
    return values[~np.isnan(values)]


def _first_after(marked: NDArray[np.bool_], history: History) -> int:
    """The number of the step after the last one that is marked."""
    found = np.flatnonzero(marked)
    return history.first_step + (int(found[-1]) + 1 if len(found) else 0)
