"""The training loop: it repeats a training step over epochs.

It writes no files; it gives every finished epoch to its caller.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mindspore as ms
import numpy as np
from numpy.typing import NDArray

from stages.gan.common.randomness import latent_codes, stream
from stages.gan.common.tensors import as_tensor
from stages.gan.data.prepared import Split
from stages.gan.training.optimizers.schedules import Cosine
from stages.gan.training.ranks.group import ALONE, Group
from stages.gan.training.step import MEANS, Step
from stages.gan.training.step.augmentation import draw as draw_changes
from stages.gan.training.step.gradients import DUE, NOT_DUE
from stages.gan.training.step.measures import MEASURES, gradients_are_due
from stages.gan.training.step.penalties import Penalty


def unmeasured(steps: int) -> NDArray[np.float32]:
    """Rows of MEASURES (steps, len(MEASURES)) in which nothing has been measured yet."""
    return np.full((steps, len(MEASURES)), np.nan, np.float32)


NOTHING = unmeasured(0)


@dataclass
class Epoch:
    """The measures of one epoch: one row of MEASURES per step.

    `number` and `first_step` count from 1 and continue from the checkpoint that a run began with.
    """

    number: int
    first_step: int
    measures: NDArray[np.float32]

    @property
    def last_step(self) -> int:
        """The number of the epoch's last step."""
        return self.first_step + len(self.measures) - 1

    def means(self) -> dict[str, float]:
        """Mean of each measure over the steps of the epoch in which it was taken."""
        return dict(zip(MEASURES, means(self.measures).tolist(), strict=True))


def means(measures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Means over rows of MEASURES; NaN for a measure that was taken in none of them.

    The values that every step returns (MEANS) all count: one NaN makes their mean NaN.
    """
    rows = measures.astype(np.float64)
    # Starts at -0.0, so that the mean of losses -0.0 is -0.0: NumPy's own mean starts at 0.0.
    result = rows.sum(axis=0, initial=-0.0) / len(rows)
    for column in range(len(MEANS), len(MEASURES)):
        taken = rows[~np.isnan(rows[:, column]), column]
        result[column] = taken.mean() if len(taken) else np.nan
    return result


@dataclass(frozen=True)
class Plan:
    """How long to train, and in which order.

    `first_epoch` and `first_step` are 1 for new networks. A run that begins with a checkpoint
    continues the checkpoint's numbers, and so draws the same random numbers as an unbroken run.

    A step is one update of the generator. It takes `discriminator_steps` batches of images and
    codes, one for each update of the discriminator; the generator's update uses the last batch
    too. An epoch shows each image at most once, so it has that many times fewer steps.

    `instance_noise` is the standard deviation at step 1 of the noise on all images that the
    discriminator sees (Soenderby et al. 2017, section 3.3), in units of the images' [-1, 1].
    `augmentation` names the changes made to each of these images, of `augmentation.POLICIES`.
    With `gradient_penalty`, points between fake and real images are drawn for the penalty.
    `penalties` are R1 and R2: one by difference moves its images by noise. With `gamma`, each step
    is given the share of them that holds in it.

    In a `group` each rank takes its part of every batch. Order and random numbers are drawn for
    whole batches, as in one process.

    `watched` must be true for a watched step. `on_step` is called with every step's number and
    row of MEASURES. It may fill in what the step did not measure; an exception ends the run.
    """

    epochs: int
    max_steps: int | None
    batch_size: int
    attached_latents: bool
    seed: int
    first_epoch: int = 1
    first_step: int = 1
    discriminator_steps: int = 1
    instance_noise: float = 0.0
    augmentation: tuple[str, ...] = ()
    gradient_penalty: bool = False
    penalties: tuple[Penalty, ...] = ()
    gamma: Cosine | None = None
    watched: bool = False
    group: Group = ALONE
    on_step: Callable[[int, NDArray[np.float32]], None] = field(default=lambda step, row: None)

    def steps_per_epoch(self, count: int) -> int:
        """The steps with whole batches; the remaining images are dropped."""
        return count // self.images_per_step

    @property
    def images_per_step(self) -> int:
        """Real images that a step takes, and as many latent codes."""
        return self.batch_size * self.discriminator_steps

    def noise_level(self, step: int, last_step: int) -> float:
        """Standard deviation of the instance noise: linear from step 1 to 0 at the last."""
        return self.instance_noise * (1 - (step - 1) / max(last_step - 1, 1))

    def total_steps(self, count: int) -> int:
        """Steps of the whole run."""
        steps = self.epochs * self.steps_per_epoch(count)
        return steps if self.max_steps is None else min(steps, self.max_steps)


def train(
    step: Step,
    data: Split,
    plan: Plan,
    discriminator_step: Callable[..., Any] | None = None,
    finished: int = 0,
    begun: NDArray[np.float32] = NOTHING,
) -> Iterator[Epoch]:
    """Train epoch by epoch. The last epoch is shorter if max_steps ends it.

    Parameters
    ----------
    discriminator_step
        From `make_discriminator_step`; needed if the plan has several discriminator steps.
    finished : int
        Epochs of the plan that an earlier process finished.
    begun : (steps, len(MEASURES))
        What the earlier process measured in the next epoch. If it took all steps of that epoch,
        the epoch is yielded without a further step.

    Yields
    ------
    Epoch
        After each epoch, before the networks train on.
    """
    per_epoch = plan.steps_per_epoch(len(data))
    last_step = plan.first_step - 1 + plan.total_steps(len(data))
    left = plan.total_steps(len(data)) - finished * per_epoch
    position = plan.first_step + finished * per_epoch
    number = plan.first_epoch + finished
    latent_size = data.latents.shape[1]
    while left > 0:
        order = stream(plan.seed, "order", number).permutation(len(data))
        steps = min(per_epoch, left)
        measures = unmeasured(steps)
        measures[: len(begun)] = begun
        for index in range(len(begun), steps):
            rows = order[index * plan.images_per_step : (index + 1) * plan.images_per_step]
            if plan.attached_latents:
                latents = data.codes(rows)
            else:
                draw = stream(plan.seed, "fresh latents", position + index)
                latents = latent_codes(draw, plan.images_per_step, latent_size)
            batches = inputs(data, rows, latents, plan, position + index, last_step)
            for _ in range(plan.discriminator_steps - 1):
                assert discriminator_step is not None
                given, named = next(batches)
                discriminator_step(*given, **named)
            given, named = next(batches)
            outputs = step(*given, **named)
            # A length that is not due is NaN; to fetch it would cost time.
            count = len(outputs) if named.get("due") is DUE else len(MEANS)
            measures[index, :count] = [output.asnumpy().item() for output in outputs[:count]]
            plan.on_step(position + index, measures[index])
        yield Epoch(number, position, measures)
        begun = NOTHING
        left -= steps
        position += steps
        number += 1


def inputs(
    data: Split,
    rows: NDArray[np.integer],
    latents: NDArray[np.float32],
    plan: Plan,
    position: int,
    last_step: int,
) -> Iterator[tuple[tuple[ms.Tensor, ...], dict[str, ms.Tensor]]]:
    """The inputs of each update of one step, batch by batch: images, codes and named tensors.

    See `make_step` for the names. Each rank takes its part of every batch.
    """
    mine = plan.group.part(plan.batch_size)
    # To make a stream takes up to half a percent of a step of the MLP: only those that are used.
    if plan.instance_noise > 0:
        draw = stream(plan.seed, "instance noise", position)
    if plan.gradient_penalty:
        mixing = stream(plan.seed, "gradient penalty", position)
    moving = [
        (each, stream(plan.seed, f"penalty on {each.images}", position))
        for each in plan.penalties
        if each.sigma
    ]
    if plan.augmentation:
        changing = stream(plan.seed, "augmentation", position)
    level = np.float32(plan.noise_level(position, last_step))
    share = {}
    if plan.gamma is not None:
        share["share"] = as_tensor(np.array(plan.gamma.value(position - 1), np.float32))
    for start in range(0, len(rows), plan.batch_size):
        part = slice(start, start + plan.batch_size)
        images = data.batch(rows[part][mine])
        whole = (plan.batch_size, *images.shape[1:])
        named = dict(share)
        if plan.instance_noise > 0:
            images = images + level * draw.standard_normal(whole, dtype=np.float32)[mine]
            noise = level * draw.standard_normal(whole, dtype=np.float32)[mine]
            named["noise"] = as_tensor(noise)
        if plan.gradient_penalty:
            mix = mixing.random((plan.batch_size, 1, 1, 1), dtype=np.float32)[mine]
            named["mix"] = as_tensor(mix)
        for each, move in moving:
            noise = np.float32(each.sigma) * move.standard_normal(whole, dtype=np.float32)[mine]
            named[f"{each.images}_move"] = as_tensor(noise)
        if plan.augmentation:
            # Real images first, then as many generated ones.
            drawn = draw_changes(changing, plan.augmentation, 2 * plan.batch_size, whole[1:])
            named |= {name: as_tensor(_of_both(array, mine)) for name, array in drawn.items()}
        if plan.watched and start == len(rows) - plan.batch_size:  # the last, the step's own
            named["due"] = DUE if gradients_are_due(position) else NOT_DUE
        yield (as_tensor(images), as_tensor(latents[part][mine])), named


def _of_both(array: NDArray[np.float32], mine: slice) -> NDArray[np.float32]:
    """A rank's rows of an array drawn for a batch of real and a batch of generated images.

    A single rank gets all rows.
    """
    real, generated = np.split(array, 2)
    if len(real[mine]) == len(real):
        return array
    return np.concatenate([real[mine], generated[mine]])
