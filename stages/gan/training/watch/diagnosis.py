"""Decides the verdict on a training run, from the history of its measures.

A fatal verdict means that the run cannot recover. It is given during the run, within 100 steps
of the beginning of the failure. The other verdicts are given at the end of a run.

To count the classes of generated images would need a classifier, which training does not have.
Instead the distance between generated images is watched.
"""

import math
from collections.abc import Sequence

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan import losses
from stages.gan.common.language import marked
from stages.gan.data.prepared import Split
from stages.gan.losses.equilibrium import Point, point, sure
from stages.gan.params import Train, choices
from stages.gan.training.history import History
from stages.gan.training.step.measures import (
    ALIKE,
    GRADIENTS_EVERY,
    MEASURES,
    RealImages,
    look_at_real,
)
from stages.gan.training.watch import oscillation, sentences, verdicts
from stages.gan.training.watch.changes import Change
from stages.gan.training.watch.verdicts import Verdict

# Both gradients must be exactly 0, or G's vanished, for so many steps. The optimizer's momentum
# moves the weights for a shorter time (0.9^50 is 0.005). It is half of the 100 steps allowed.
WINDOW = 50
MOST_MOMENTUM = 0.9

# Adam moves a weight by rate * m / (sqrt(v) + 1e-8). If the root mean square of the gradient over
# all weights is below 1e-8, no weight moves by a notable part of the rate any more.
VANISHED = 1e-8

# D's loss as a share of its value at equilibrium. 2 % of 2 ln 2 is 0.014 a term: D gives each
# image the right answer with a probability of 98.6 %. This proves a Jensen-Shannon divergence of
# 0.98 of the largest possible one. A loss of pairs falls faster: with the same answers it is
# softplus(-8.5) = 0.0002, which is the limit there.
WON = 0.02

# D's answer to generated images at which G has lost: as sure as WON says, 98.6 %. G's loss at this
# answer is the limit, for bce 4.27. G's loss in MLP runs that draw digits is 0.5 to 1.1
# (docs/experiments.md). In the last epoch of 13 DCGANs tried on the bundled faces, for 500 to 2,800
# steps, it is 0.7 to 3.9. The lecture's DCGAN has 12.6 there after 300 steps, and draws no faces.
REJECTED = 0.014

# So many measurements in a row must find the images alike; after the first of them they are ten
# steps apart.
ALIKE_LOOKS = 4
# The images of new networks may all be alike at first; in healthy runs they differed by step 25.
# Once they have differed, there is no waiting.
ALIKE_FROM = 200

# Shares of the distance between real images. Healthy runs of the MLP end at shares of 0.6 to 1.1.
# The DCGAN has 0.2 to 0.3 after 300 steps and 0.75 after 600. A generator of two kinds of image
# in equal parts would have about a half. A run with less than FEW_KINDS that had twice as much
# before has lost kinds of image; a run with less than NO_KINDS has none.
FEW_KINDS = 0.2
NO_KINDS = 0.05
_LAST_LOOKS = 3

# How far D's loss (mean over steps of the distance, as a share of its equilibrium value) and D's
# answers may be from equilibrium. After 200 epochs MindSpore's tutorial prints D losses of 1.21 to
# 1.24, 0.11 to 0.13 of 2 ln 2 away. (The mean loss of a run with large swings may be right by
# chance.) Its G losses are 0.90 to 1.07, up to 0.27 of 2 ln 2 away: so G's mean is allowed more.
NEAR_LOSS = 0.12
NEAR_ANSWER = 0.15
NEAR_GENERATOR = 0.3

# So many broken weights are named.
_NAMED = 3

_PREPROCESS = (
    Change(
        "download.sources",
        "[path/to/images]",
        marked("the stage preprocess brings them into [-1, 1]: (x - 127.5) / 127.5"),
    ),
)

D_LOSS, G_LOSS, REAL, FAKE, D_GRADIENT, G_GRADIENT, DIVERSITY = range(len(MEASURES))


class Diagnosis:
    """Gives verdicts from the history of one run.

    Parameters
    ----------
    settings : Train
    equilibrium : Point or None
        The losses' values at equilibrium, if the loss has an equilibrium.
    real : RealImages
        Diversity and range of the real images.
    generator_weights : int
        How many weights the generator has.
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
        # With `sum` a loss is summed over the batch; the point's values are of one image.
        self._images = settings.batch_size if settings.loss_options.reduction == "sum" else 1
        loss = losses.of_params(settings)
        sure_of_both, self._rejected = sure(loss, REJECTED)
        self._won_below = sure_of_both * self._images
        if not loss.is_paired:
            self._won_below = WON * self._at_equilibrium if self.point else 0.0
        # Weights that move without a gradient may leave the place where it is 0.
        momentum = settings.beta1 if "adam" in settings.optimizer else settings.momentum
        self._stands_still = momentum <= MOST_MOMENTUM and settings.weight_decay == 0

    @property
    def levels(self) -> dict[str, float]:
        """Both losses at equilibrium, by the names of their curves; empty if there is none."""
        if self.point is None:
            return {}
        return {
            marked("D at equilibrium"): self._at_equilibrium,
            marked("G at equilibrium"): self.point.generator * self._images,
        }

    def of_data(self) -> Verdict | None:
        """The verdict on the real images before the first step, if they have the wrong range.

        It is not fatal: G can draw such images, and they may really be like that. Images that G
        cannot draw at all get a fatal verdict at the first look.
        """
        return self._pale(0, 0) if self.real.fills_half else None

    def failure(self, history: History, broken: Sequence[str] = ()) -> Verdict | None:
        """The fatal verdict on the run so far, or None. Call it after every step.

        The full check is made when a number is not finite, and whenever gradients were measured.

        Parameters
        ----------
        history : History
        broken : sequence of str
            The weights that were found not to be finite; see `weights.Weights`.
        """
        last = history.recent(1)[0]
        sound = not broken and all(map(math.isfinite, last[:D_GRADIENT]))
        if sound and history.last_step % GRADIENTS_EVERY:
            return None
        return self._fatal(history, broken)

    def conclusion(self, history: History, broken: Sequence[str] = ()) -> Verdict:
        """The verdict on a run that has ended; `broken` as in `failure`."""
        fatal = self._fatal(history, broken)
        if fatal:
            return fatal
        if self.real.fills_half:
            return self._pale(history.last_step, history.first_step)
        measures = history.measures
        count = len(measures)
        last = measures[-min(count, max(WINDOW, count // 10)) :]
        since = history.last_step - len(last) + 1
        seen = self._figures(last)
        loss = float(last[:, D_LOSS].mean())
        if self.point and loss < self._won_below:
            return self._verdict(verdicts.WON, history, since, seen)
        looks = _measured(measures, DIVERSITY)
        if len(looks):
            diversity = looks[-_LAST_LOOKS:].mean() / self.real.diversity
            before = looks.max() / self.real.diversity
            lost = diversity < FEW_KINDS and before > 2 * diversity
            if lost or (diversity < NO_KINDS and history.last_step > ALIKE_FROM):
                seen += f"; {sentences.FEW_KINDS.format(share=diversity)}"
                if lost:
                    seen += f", {sentences.BEFORE.format(share=before)}"
                return self._verdict(verdicts.COLLAPSED, history, since, seen)
        # Without an equilibrium the logits are scores, and their sigmoid means nothing.
        half = measures[count // 2 :, FAKE].astype(np.float64)
        turned = oscillation.describe(half) if self.point else ""
        if turned:
            middle = history.first_step + count // 2
            return self._verdict(verdicts.OSCILLATING, history, middle, f"{turned}; {seen}")
        if self.point is None:
            meaning = verdicts.NO_EQUILIBRIUM
            return self._verdict(verdicts.LEARNING, history, since, seen, meaning)
        lost = self._rejected * self._images
        if last[:, G_LOSS].mean() > lost:
            paired = choices.LOSSES[self.settings.loss].is_paired
            sentence = sentences.PAIRS_TOLD_APART if paired else sentences.REJECTED
            seen += f"; {sentence.format(limit=lost, probability=REJECTED)}"
            meaning = verdicts.OUTRUN
            return self._verdict(verdicts.WON, history, since, seen, meaning)
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
        """D's loss of one batch at equilibrium."""
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
        """The means over the rows, in one line."""
        loss, generator_loss, real, fake = rows[:, :D_GRADIENT].astype(np.float64).mean(axis=0)
        d_sentence, g_sentence = sentences.LOSS, sentences.GENERATOR_LOSS
        d_level = g_level = math.nan
        if self.point:
            d_sentence, g_sentence = sentences.LOSS_AND_LEVEL, sentences.GENERATOR_LOSS_AND_LEVEL
            d_level, g_level = self._at_equilibrium, self.point.generator * self._images
        parts = [
            d_sentence.format(steps=len(rows), loss=loss, level=d_level),
            g_sentence.format(loss=generator_loss, level=g_level),
            sentences.REAL.format(probability=real),
            sentences.FAKE.format(probability=fake),
        ]
        for sentence, column in (
            (sentences.D_GRADIENT, D_GRADIENT),
            (sentences.G_GRADIENT, G_GRADIENT),
        ):
            if len(lengths := _measured(rows, column)):
                parts.append(sentence.format(length=lengths.mean()))
        if len(distances := _measured(rows, DIVERSITY)):
            parts.append(
                sentences.APART.format(distance=distances.mean(), real=self.real.diversity)
            )
        return ", ".join(parts)

    def _fatal(self, history: History, broken: Sequence[str]) -> Verdict | None:
        verdict = (
            self._diverged(history) or self._hidden(history, broken) or self._wrong_data(history)
        )
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
        seen = ", ".join(sentences.NOT_FINITE[MEASURES[c]].format(value=row[c]) for c in columns)
        finite = np.isfinite(history.recent(len(history))[:, :D_GRADIENT]).all(axis=1)
        since = min(_first_after(finite, history), history.last_step)
        return self._verdict(verdicts.DIVERGED, history, since, seen, fatal=True)

    def _hidden(self, history: History, broken: Sequence[str]) -> Verdict | None:
        if not broken:
            return None
        sentence = sentences.HIDDEN_AND_MORE if len(broken) > _NAMED else sentences.HIDDEN
        seen = sentence.format(names=", ".join(broken[:_NAMED]), more=len(broken) - _NAMED)
        step, meaning = history.last_step, verdicts.HIDDEN
        return self._verdict(verdicts.DIVERGED, history, step, seen, meaning, fatal=True)

    def _pale(self, step: int, since: int) -> Verdict:
        real = self.real
        values = sentences.UNREACHABLE.format(least=real.least, most=real.most)
        seen = f"{values}; {sentences.NO_LEVELS}"
        meaning = verdicts.MEANINGS[verdicts.RANGE]
        return Verdict(verdicts.RANGE, step, since, seen, meaning, _PREPROCESS)

    def _wrong_data(self, history: History) -> Verdict | None:
        real = self.real
        if real.diversity < ALIKE:
            name, meaning = verdicts.COLLAPSED, None
            seen = sentences.ONE_REAL_IMAGE.format(distance=real.diversity, alike=ALIKE)
            why = marked("no setting of training makes many images out of one")
            changes = (Change("download.sources", "[path/to/images]", why),)
        elif not real.within_reach:
            name, meaning = verdicts.RANGE, verdicts.OUT_OF_REACH
            seen = sentences.UNREACHABLE.format(least=real.least, most=real.most)
            changes = _PREPROCESS
        else:
            return None
        first = history.first_step
        return self._verdict(name, history, first, seen, meaning, changes, fatal=True)

    def _collapsed(self, history: History) -> Verdict | None:
        recent = _measured(history.recent(ALIKE_LOOKS * GRADIENTS_EVERY), DIVERSITY)
        if len(recent) < ALIKE_LOOKS or recent.max() >= ALIKE:
            return None
        column = history.recent(len(history))[:, DIVERSITY]
        apart = column >= ALIKE  # false where it was not measured
        if history.first_step == 1 and history.last_step <= ALIKE_FROM and not apart.any():
            return None
        looked = history.first_step + np.flatnonzero(~np.isnan(column))
        since = int(looked[looked >= _first_after(apart, history)][0])
        alike = sentences.ALIKE.format(since=since, distance=recent.max(), alike=ALIKE)
        seen = f"{alike}; {sentences.REAL_APART.format(distance=self.real.diversity)}"
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
        stuck = sentences.STUCK.format(
            since=since,
            loss=rows[-1, D_LOSS],
            level=self._at_equilibrium,
            generator_loss=rows[-1, G_LOSS],
        )
        answers = sentences.STUCK_ANSWERS.format(real=rows[-1, REAL], fake=rows[-1, FAKE])
        seen = f"{stuck}; {answers}; {sentences.NO_GRADIENT.format(steps=WINDOW)}"
        return self._verdict(verdicts.SATURATED, history, since, seen, fatal=True)

    def _won(self, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        if self.point is None or rows[:, D_LOSS].mean() >= self._won_below:
            return None
        part = _measured(rows, G_GRADIENT) / math.sqrt(self._generator_weights)
        if not len(part) or part.max() >= VANISHED:
            return None
        size = sentences.VANISHED.format(size=part.max())
        below = sentences.VANISHED_BELOW.format(limit=VANISHED)
        seen = f"{self._figures(rows)}; {size}; {below}"
        since = history.last_step - WINDOW + 1
        changes = verdicts.advice(verdicts.WON, self.settings, len(history), vanished=True)
        meaning = verdicts.VANISHED
        return self._verdict(verdicts.WON, history, since, seen, meaning, changes, fatal=True)

    def _constant(self, history: History) -> Verdict | None:
        rows = history.recent(WINDOW)
        lengths = _measured(rows, G_GRADIENT)
        if not len(lengths) or lengths.any():
            return None
        seen = f"{self._figures(rows)}; {sentences.NO_GENERATOR_GRADIENT}"
        since = history.last_step - WINDOW + 1
        meaning = verdicts.CONSTANT
        return self._verdict(verdicts.SATURATED, history, since, seen, meaning, fatal=True)


def of_run(settings: Train, data: Split, generator: nn.Cell) -> Diagnosis:
    """The diagnosis of a run that trains this generator on these data."""
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
