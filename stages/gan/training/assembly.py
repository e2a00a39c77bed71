"""Builds what is trained from the params: networks, optimizers, moving average, compiled steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Parameter, nn
from numpy.typing import NDArray

from stages.gan import losses, networks
from stages.gan.common.compiled import put
from stages.gan.data import prepared
from stages.gan.params import Dataset, Train
from stages.gan.trained import checkpoints
from stages.gan.trained.averaging import Average
from stages.gan.trained.averaging.snapshots import Recorder
from stages.gan.training import loop, optimizers
from stages.gan.training.optimizers.lookahead import Lookahead
from stages.gan.training.optimizers.schedules import Cosine, Schedule
from stages.gan.training.ranks.group import ALONE, Group
from stages.gan.training.ranks.synchronised import synchronise
from stages.gan.training.step import Step, make_discriminator_step, make_step, penalties
from stages.gan.training.step.discriminator import Options


@dataclass(frozen=True)
class Assembly:
    """The networks, their optimizers and the compiled steps.

    `shown` is the generator to draw with. Without a moving average (EMA) it is the trained
    generator; with one, it is a generator that holds the average after `refresh`.
    `recorder` stores snapshots of further averages, if the params ask for them. With `lookahead`
    the step leaves the average alone, and `follow` is its update: see `after_step`. `first_step`
    is the number of the run's first step, which counts on from the starting checkpoint.
    """

    description: networks.Description
    generator: nn.Cell
    discriminator: nn.Cell
    optimizers: tuple[nn.Cell, nn.Cell]
    average: Average | None
    shown: nn.Cell
    step: Step
    discriminator_step: Any
    recorder: Recorder | None
    lookahead: Lookahead | None = None
    follow: Callable[[], Any] | None = None
    first_step: int = 1

    def train(
        self,
        data: prepared.Split,
        plan: loop.Plan,
        finished: int = 0,
        begun: NDArray[np.float32] = loop.NOTHING,
    ) -> Iterator[loop.Epoch]:
        """Train epoch by epoch: `loop.train`, with `after_step` before the plan's `on_step`."""

        def after(step: int, row: NDArray[np.float32]) -> None:
            self.after_step(step)
            plan.on_step(step, row)

        steps = self.step, data, replace(plan, on_step=after), self.discriminator_step
        return loop.train(*steps, finished, begun)

    def after_step(self, step: int) -> None:
        """What follows the step with this number outside of the compiled step.

        With lookahead both networks move back if that is due, and only then the average follows.
        Then the recorder's averages follow.
        """
        if self.lookahead is not None:
            self.lookahead.follow(step)
        if self.follow is not None:
            self.follow()
        if self.recorder is not None:
            self.recorder.follow(step - self.first_step + 1)

    def refresh(self) -> None:
        """Copy the moving average into `shown`, if there is one."""
        if self.average is not None:
            self.average.copy_to(self.shown)

    @property
    def trained(self) -> dict[str, list[Parameter]]:
        """All parameters that training changes; see `checkpoints.parts`."""
        return checkpoints.parts(self.generator, self.discriminator, self.optimizers, self.average)

    @property
    def state(self) -> dict[str, list[Parameter]]:
        """`trained`, and what else changes during a run."""
        others = {"recorder": self.recorder, "lookahead": self.lookahead}
        found = {name: part.state for name, part in others.items() if part is not None}
        return {**self.trained, **found}

    def save(self, folder: Path, epoch: int, step: int) -> None:
        """Write a checkpoint into a new folder."""
        checkpoints.save(folder, self.description, self.trained, epoch, step)


def assemble(
    params: Dataset,
    data: prepared.Split,
    last_step: int,
    start: checkpoints.Checkpoint | None = None,
    watched: bool = True,
    group: Group = ALONE,
    synchronised: bool = True,
) -> Assembly:
    """Build the networks, the optimizers and the compiled steps.

    Parameters
    ----------
    last_step : int
        The number of the run's last step, counted on from the starting checkpoint: where the
        cosine schedule ends.
    start : Checkpoint, optional
        What to begin with.
    watched : bool
        Whether the step returns the lengths of both gradients.
    group : Group
        The ranks that share each batch.
    synchronised : bool
        Whether batch norm uses the moments of the whole batch. Otherwise each rank uses those of
        its own part, and the networks differ from those that one process would train (see
        docs/distributed.md).
    """
    settings = params.train
    description = describe(params, data)
    generator, discriminator = networks.build(
        description, settings.seed, twice_differentiable=settings.differentiates_twice
    )
    if not group.is_alone and synchronised:
        synchronise(generator, group)
        synchronise(discriminator, group)
    movers = build_optimizers(settings, generator, discriminator, last_step)
    if start:
        start.restore_networks(generator, discriminator)
        start.restore_optimizers(movers)
        # The schedules count from here. discriminator_steps may have changed since then.
        for mover, updates in zip(movers, (1, settings.discriminator_steps), strict=True):
            put(mover.global_step, np.array([start.step * updates], np.int32))
    average = Average(generator, settings.ema) if settings.ema > 0 else None
    shown = generator
    if average is not None:
        shown, _ = networks.build(description)
        if start:
            start.restore_average(average)
    first_step = start.step + 1 if start else 1
    snapshots = settings.average_snapshots
    steps = last_step - first_step + 1
    recorder = Recorder(generator, steps, snapshots) if snapshots else None
    lookahead = None
    if settings.lookahead.every:
        lookahead = Lookahead((generator, discriminator), **settings.lookahead.model_dump())
    # With lookahead the average follows after the move back, outside of the step.
    follow = average.compiled() if average is not None and lookahead is not None else None
    options = Options(
        average=None if follow else average,
        instance_noise=settings.instance_noise > 0,
        augmentation=bool(settings.augmentation),
        penalties=penalties.of_params(settings, group.size),
        shared=settings.moves_penalties,
        gradient_penalty=settings.gradient_penalty / group.size,
        watched=watched,
        ranks=group.size,
    )
    loss = losses.of_params(settings, group.size)
    discriminator_step = None
    if settings.discriminator_steps > 1:
        discriminator_step = make_discriminator_step(
            generator, discriminator, loss, movers[1], options
        )
    return Assembly(
        description,
        generator,
        discriminator,
        movers,
        average,
        shown,
        make_step(generator, discriminator, loss, *movers, options),
        discriminator_step,
        recorder,
        lookahead,
        follow,
        first_step,
    )


def describe(params: Dataset, data: prepared.Split) -> networks.Description:
    """The networks that the params ask for, fitted to the prepared data."""
    settings = params.train
    channels, height, width = data.images.shape[1:]
    return networks.Description(
        kind=params.kind.network,
        image_shape=(channels, height, width),
        latent_size=data.latents.shape[1],
        generator_widths=tuple(settings.generator.widths),
        generator_activation=settings.generator.activation,
        generator_slope=settings.generator.leaky_slope,
        generator_batch_norm=settings.generator.batch_norm,
        discriminator_widths=tuple(settings.discriminator.widths),
        discriminator_activation=settings.discriminator.activation,
        discriminator_slope=settings.discriminator.leaky_slope,
        discriminator_batch_norm=settings.discriminator.batch_norm,
        discriminator_spectral_norm=settings.discriminator.spectral_norm,
    )


def build_optimizers(
    settings: Train, generator: nn.Cell, discriminator: nn.Cell, total_steps: int
) -> tuple[nn.Cell, nn.Cell]:
    """The optimizers that the params ask for: the generator's, then the discriminator's.

    The cosine schedule ends at `total_steps`, counted on from the starting checkpoint.
    """
    schedule = Schedule(**settings.schedule.model_dump(), total_steps=total_steps)
    own = settings.discriminator_learning_rate
    rates = (settings.learning_rate, settings.learning_rate if own is None else own)
    beta2 = None
    if settings.burn_in.beta2 is not None:
        steps = settings.burn_in.steps or total_steps
        beta2 = Cosine(settings.beta2, settings.burn_in.beta2, steps)
    first, second = (
        optimizers.build(
            settings.optimizer,
            network,
            name,
            schedule.rate(rate, updates),
            settings.beta1,
            settings.beta2,
            settings.weight_decay,
            settings.momentum,
            None if beta2 is None else beta2.cell(updates),
            settings.extragradient == "past",
        )
        for name, network, rate, updates in (
            ("generator", generator, rates[0], 1),
            ("discriminator", discriminator, rates[1], settings.discriminator_steps),
        )
    )
    return first, second
