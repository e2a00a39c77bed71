"""Train generator and discriminator against each other."""

import sys
import time

import numpy as np
from mindspore import Tensor, int32, nn
from tqdm import tqdm

from stages.command import run_stage, say
from stages.gan import checkpoints, grids, history, losses, optimizers, paths, prepared
from stages.gan import networks as network_kinds
from stages.gan.averaging import Average
from stages.gan.errors import UserError
from stages.gan.files import whole_folder, write_json
from stages.gan.params import Dataset, Train
from stages.gan.randomness import latent_codes, stream
from stages.gan.sampling import generate
from stages.gan.schedules import Schedule
from stages.gan.training import (
    MEASURES,
    Options,
    Plan,
    make_discriminator_step,
    make_step,
    train,
)

GRID = 25


def run(dataset: str, params: Dataset) -> None:
    """Write models/<dataset>, the training pictures, and the metrics of training."""
    settings = params.train
    data = prepared.load(paths.prepared(dataset), "train")
    about = prepared.description(paths.prepared(dataset))
    description = describe(params, data)
    start = starting_checkpoint(settings.init_from, description)
    generator, discriminator = network_kinds.build(
        description, settings.seed, twice_differentiable=settings.differentiates_twice
    )
    bar = ProgressBar()
    plan = Plan(
        epochs=settings.epochs,
        max_steps=settings.max_steps,
        batch_size=settings.batch_size,
        attached_latents=settings.latents == "attached",
        seed=settings.seed,
        first_epoch=start.epoch + 1 if start else 1,
        first_step=start.step + 1 if start else 1,
        discriminator_steps=settings.discriminator_steps,
        instance_noise=settings.instance_noise,
        gradient_penalty=settings.gradient_penalty > 0,
        on_step=bar.advance,
    )
    total = plan.total_steps(len(data))
    if total == 0:
        largest = len(data) // settings.discriminator_steps
        raise UserError(
            f"{dataset}.train.batch_size is {settings.batch_size}, but there are only "
            f"{len(data)} images to train on, and a step takes {settings.discriminator_steps} "
            f"batches: valid is 2 to {largest}"
        )
    movers = build_optimizers(settings, generator, discriminator, plan.first_step - 1 + total)
    if start:
        start.restore_networks(generator, discriminator)
        start.restore_optimizers(movers)
        # The schedules count from here, and discriminator_steps may be another one now.
        for mover, updates in zip(movers, (1, settings.discriminator_steps), strict=True):
            mover.global_step.set_data(Tensor([start.step * updates], int32))
        say(f"going on from {settings.init_from}, epoch {start.epoch}, step {start.step}")
    average = Average(generator, settings.ema) if settings.ema > 0 else None
    shown = generator
    if average is not None:
        shown, _ = network_kinds.build(description)
        if start:
            start.restore_average(average)
    options = Options(average, settings.instance_noise > 0, settings.r1, settings.gradient_penalty)
    loss = losses.of_params(settings)
    step = make_step(generator, discriminator, loss, *movers, options)
    discriminator_step = None
    if settings.discriminator_steps > 1:
        discriminator_step = make_discriminator_step(
            generator, discriminator, loss, movers[1], options
        )
    codes = latent_codes(stream(settings.grid_seed, "fixed latents"), GRID, description.latent_size)
    say(f"{dataset}: {total:,} steps of {plan.images_per_step} images; the first compiles")
    if average is not None:
        say(f"{dataset}: pictures show the generator's moving average of decay {settings.ema}")
    if remark := network_kinds.remark(description.kind):
        say(f"{dataset}: {remark}")
    record = history.History()
    pictures = []
    with (
        whole_folder(paths.models(dataset)) as models,
        whole_folder(paths.training_pictures(dataset)) as drawn,
        bar.over(total),
    ):
        for epoch in train(step, data, plan, discriminator_step):
            record.add(epoch)
            bar.finish_epoch(epoch, settings.lecture_log)
            if average is not None:
                average.copy_to(shown)
            pictures.append(grids.grid(generate(shown, codes)))
            pictures[-1].save(drawn / f"{checkpoints.epoch_name(epoch.number)}.png")
            last_step = epoch.first_step + len(epoch.measures) - 1
            last = last_step == plan.first_step + total - 1
            names = [checkpoints.FINAL] if last else []
            if epoch.number % settings.checkpoint_every == 0:
                names.append(checkpoints.epoch_name(epoch.number))
            for name in names:
                checkpoints.save(
                    models / name,
                    description,
                    generator,
                    discriminator,
                    movers,
                    epoch.number,
                    last_step,
                    average,
                )
        grids.save_animation(grids.thinned(pictures), drawn / "animation.gif")
    record.write(paths.metrics(dataset))
    write_json(
        paths.metrics(dataset) / "train.json",
        {
            **{name: record.last(name) for name in MEASURES},
            "epochs": record.epochs,
            "steps": total,
            "went_on_from": {"epoch": start.epoch, "step": start.step} if start else None,
            "data": about["source"],
            "bundled_data": about["bundled"],
        },
    )


def describe(params: Dataset, data: prepared.Split) -> network_kinds.Description:
    """The networks that the params ask for, fitted to the prepared data."""
    settings = params.train
    channels, height, width = data.images.shape[1:]
    return network_kinds.Description(
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

    `total_steps` are those of the whole life of the networks: where cosine ends.
    """
    schedule = Schedule(**settings.schedule.model_dump(), total_steps=total_steps)
    own = settings.discriminator_learning_rate
    rates = (settings.learning_rate, settings.learning_rate if own is None else own)
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
        )
        for name, network, rate, updates in (
            ("generator", generator, rates[0], 1),
            ("discriminator", discriminator, rates[1], settings.discriminator_steps),
        )
    )
    return first, second


def starting_checkpoint(
    init_from: str | None, description: network_kinds.Description
) -> checkpoints.Checkpoint | None:
    """The checkpoint to go on from, if any; its networks must be those the params describe."""
    if init_from is None:
        return None
    start = checkpoints.load(paths.from_project(init_from))
    ours, theirs = description.to_json(), start.description.to_json()
    for key, value in ours.items():
        if theirs[key] != value:
            raise UserError(
                f"train.init_from {init_from}: its networks have {key} {theirs[key]!r}, the "
                f"params ask for {value!r}: make them equal"
            )
    return start


class ProgressBar:
    """Losses, steps a second and time left; one plain line an epoch where there is no terminal."""

    def over(self, total: int) -> tqdm:
        """Start, and give the bar as a context."""
        self._began = time.monotonic()
        self._done = 0
        self._total = total
        self._bar = tqdm(total=total, unit="step", disable=not sys.stderr.isatty())
        return self._bar

    def advance(self, measures: np.ndarray) -> None:
        """Count one step and show its losses."""
        self._done += 1
        if self._done == 1:  # the first step compiles and would spoil the rate
            self._began = time.monotonic()
        self._bar.set_postfix_str(f"loss d {measures[0]:.3f} g {measures[1]:.3f}", refresh=False)
        self._bar.update()

    def finish_epoch(self, epoch, lecture_log: bool) -> None:
        """Say how the epoch went."""
        means = epoch.means()
        if lecture_log:
            d_loss, g_loss = (means[name] for name in MEASURES[:2])
            # The lecture halves the discriminator's sum in this line.
            tqdm.write(f"loss d:{d_loss / 2:.6f}, loss g:{g_loss:.6f}")
            return
        seconds = time.monotonic() - self._began
        rate = (self._done - 1) / seconds if seconds > 0 and self._done > 1 else 0.0
        left = (self._total - self._done) / rate if rate else 0.0
        tqdm.write(
            f"epoch {epoch.number}: loss d {means['discriminator_loss']:.4f} "
            f"g {means['generator_loss']:.4f}, D(x) {means['real_probability']:.3f}, "
            f"D(G(z)) {means['fake_probability']:.3f}; {rate:.2f} steps/s, {left:.0f} s left"
        )


if __name__ == "__main__":
    run_stage(run)
