"""Prepares a run: what it begins with, how long it trains, and what its result depends on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.gan import networks
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import ENGLISH, _, speaking
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.params import Dataset, Train
from stages.gan.params.fingerprints import fingerprint
from stages.gan.trained import checkpoints, grids
from stages.gan.training.assembly import Assembly, assemble, describe
from stages.gan.training.loop import Epoch, Plan
from stages.gan.training.optimizers.schedules import Cosine
from stages.gan.training.ranks.group import ALONE, Group
from stages.gan.training.step import penalties
from stages.gan.training.watch.quick_score import QuickScore, set_aside


@dataclass(frozen=True)
class Setup:
    """All that a process needs before the first step of a run.

    Attributes
    ----------
    dataset : str
    params : Dataset
    data : Split
        The images to train on.
    start : Checkpoint or None
        The checkpoint that the run begins with; None for new weights.
    plan : Plan
        The order of images, and this process's part of each batch.
    total : int
        Steps of the run.
    last_step : int
        The number of the last step. Steps count on from the starting checkpoint.
    players : Assembly
    quick : QuickScore or None
        Scores every epoch; the images that it needs are not in `data`.
    codes : (grids.COUNT, latent_size) float32
        The fixed latent codes whose images are drawn after every epoch.
    fingerprint : str
        The hash of all that the result depends on; see `fingerprints`.
    """

    dataset: str
    params: Dataset
    data: prepared.Split
    start: checkpoints.Checkpoint | None
    plan: Plan
    total: int
    last_step: int
    players: Assembly
    quick: QuickScore | None
    codes: NDArray[np.float32]
    fingerprint: str

    def about(self) -> Iterator[str]:
        """Lines for the terminal that describe the run."""
        start, settings = self.start, self.params.train
        if start:
            yield _("beginning with {source}, epoch {epoch}, step {step}").format(
                source=settings.init_from, epoch=start.epoch, step=start.step
            )
        yield _(
            "{dataset}: {total:,} steps of {images} images; the first step takes "
            "longer, because it compiles"
        ).format(dataset=self.dataset, total=self.total, images=self.plan.images_per_step)
        if self.players.average is not None:
            yield _(
                "{dataset}: the pictures are drawn with the moving average (EMA) of "
                "the generator's weights, decay {decay}"
            ).format(dataset=self.dataset, decay=settings.ema)
            if start and start.averaged and self.players.average.updates.asnumpy()[0] == 0:
                yield _(
                    "{source}: its moving average is of an earlier version and may "
                    "hold untrained weights, so the average begins anew"
                ).format(source=settings.init_from)
        if remark := networks.remark(self.players.description.kind):
            yield f"{self.dataset}: {remark}"

    def in_run(self, step: int) -> int:
        """The number of a step in this run, from 1 on, of its number in checkpoints."""
        return step - self.plan.first_step + 1

    def epochs(
        self,
        on_step: Callable[[int, NDArray[np.float32]], None],
        finished: int,
        begun: NDArray[np.float32],
    ) -> Iterator[Epoch]:
        """Train epoch by epoch with `on_step`, which is called after each step."""
        return self.players.train(self.data, replace(self.plan, on_step=on_step), finished, begun)


def prepare(dataset: str, params: Dataset, group: Group = ALONE) -> Setup:
    """Load the data, build the networks, and plan the run.

    Call it when all modules have been imported, because the fingerprint covers them.

    Raises
    ------
    UserError
        If the prepared data or the checkpoint to begin with is missing or does not fit the params,
        or if there are too few images for one step.
    """
    settings = params.train
    if settings.init_from is not None:
        own = paths.models(dataset)
        paths.refuse_own_result(settings.init_from, own, f"{dataset}.train.init_from")
    data = prepared.load(paths.prepared(dataset), "train")
    description = describe(params, data)
    quick, count = None, settings.quick_score
    if count:
        if count > len(data) // 2:
            raise UserError(
                _(
                    "{dataset}.train.quick_score is {count}, but there are only {images} "
                    "training images: valid is 0 to {most}"
                ).format(dataset=dataset, count=count, images=len(data), most=len(data) // 2)
            )
        data, aside = set_aside(data, count, settings.seed)
        if group.leads:
            quick = QuickScore(aside, description.latent_size, settings.seed)
    start = starting_checkpoint(settings.init_from, description)
    plan = plan_of(dataset, settings, len(data), start, group)
    total = plan.total_steps(len(data))
    last_step = plan.first_step - 1 + total
    draw = stream(settings.grid_seed, "fixed latents")
    return Setup(
        dataset=dataset,
        params=params,
        data=data,
        start=start,
        plan=plan,
        total=total,
        last_step=last_step,
        players=assemble(params, data, last_step, start, group=group),
        quick=quick,
        codes=latent_codes(draw, grids.COUNT, description.latent_size),
        fingerprint=fingerprint_of(params, paths.prepared(dataset), start),
    )


def starting_checkpoint(
    init_from: str | None, description: networks.Description
) -> checkpoints.Checkpoint | None:
    """The checkpoint to begin with, if any. Its networks must be those that the params describe."""
    if init_from is None:
        return None
    start = checkpoints.load(paths.from_project(init_from))
    ours, theirs = description.to_json(), start.description.to_json()
    for key, value in ours.items():
        if theirs[key] != value:
            raise UserError(
                _(
                    "train.init_from {init_from}: its networks have {key} {theirs!r}, but "
                    "the params ask for {value!r}: make them equal"
                ).format(init_from=init_from, key=key, theirs=theirs[key], value=value)
            )
    return start


def plan_of(
    dataset: str,
    settings: Train,
    count: int,
    start: checkpoints.Checkpoint | None = None,
    group: Group = ALONE,
) -> Plan:
    """The plan of a watched run on `count` images.

    Raises
    ------
    UserError
        If there are too few images for one step.
    """
    first_step = start.step + 1 if start else 1
    plan = Plan(
        epochs=settings.epochs,
        max_steps=settings.max_steps,
        batch_size=settings.batch_size,
        attached_latents=settings.latents == "attached",
        seed=settings.seed,
        first_epoch=start.epoch + 1 if start else 1,
        first_step=first_step,
        discriminator_steps=settings.discriminator_steps,
        instance_noise=settings.instance_noise,
        augmentation=tuple(settings.augmentation),
        gradient_penalty=settings.gradient_penalty > 0,
        penalties=penalties.of_params(settings),
        watched=True,
        group=group,
    )
    if settings.moves_penalties:
        last_step = first_step - 1 + plan.total_steps(count)
        steps = settings.burn_in.steps or last_step
        plan = replace(plan, gamma=Cosine(1.0, settings.burn_in.penalty, steps))
    if plan.total_steps(count) == 0:
        steps = settings.discriminator_steps
        if count < 2 * steps:
            raise UserError(
                _(
                    "too few images to train on: {dataset} has {count}. A batch has at "
                    "least 2 images and a step needs {steps} batches, so valid is {least} "
                    "images or more"
                ).format(dataset=dataset, count=count, steps=steps, least=2 * steps)
            )
        raise UserError(
            _(
                "{dataset}.train.batch_size is {batch_size}, but there are only {count} "
                "training images. A step takes {steps} batches, so valid is 2 to {most}"
            ).format(
                dataset=dataset,
                batch_size=settings.batch_size,
                count=count,
                steps=steps,
                most=count // steps,
            )
        )
    return plan


def fingerprint_of(params: Dataset, data: Path, start: checkpoints.Checkpoint | None = None) -> str:
    """The hash of all that a run's result depends on; see `fingerprints`.

    `data` is the folder of the prepared data, `start` the checkpoint that the run begins with.
    """
    settings = params.train
    with speaking(ENGLISH):  # or a run that another language began would not be resumed
        kernels = networks.remark(params.kind.network)
    named = {
        "network": params.kind.network,
        "train": settings.model_dump(mode="json"),
        # Compiled kernels and their plain substitutes differ in the last bits.
        "kernels": kernels,
    }
    folders = [data, start.folder] if start else [data]
    files = [file for folder in folders for file in sorted(folder.iterdir()) if file.is_file()]
    return fingerprint(named, files)
