"""Train generator and discriminator against each other, watched, and tell how it went.

The state is kept in time, so that a run that was cut off is taken up where it was. With several
workers this command starts them, and each is this command again, as a rank of their group.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from stages.command import edits, run_stage, say, workspace
from stages.gan import networks
from stages.gan.common import paths
from stages.gan.common.files import link_tree, whole_folder, write_json
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.params import Dataset
from stages.gan.trained import checkpoints, grids
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly
from stages.gan.training.history import History
from stages.gan.training.loop import train
from stages.gan.training.processes import job, worker
from stages.gan.training.processes.lifelines import lifelines
from stages.gan.training.processes.stops import Stops
from stages.gan.training.progress import ProgressBar
from stages.gan.training.ranks import exchange, group
from stages.gan.training.resume import unfinished
from stages.gan.training.resume.keeper import Keeper
from stages.gan.training.step.measures import MEASURES
from stages.gan.training.watch import diagnosis
from stages.gan.training.watch.supervisor import Failed, Supervisor

GRID = 25
USES = ("kind.network", "train")


def run(dataset: str, params: Dataset) -> None:
    """Train as many processes as the params say: this one, or workers that it starts."""
    workers = params.train.distributed.workers
    if group.is_started_by_msrun():
        group.check_job(dataset, workers)
        work_as_rank(dataset, params)
    elif workers == 1:
        lead(dataset, params, group.ALONE, exchange.Link(group.ALONE))
    else:
        say(f"{dataset}: {workers} workers, {params.train.batch_size // workers} images of each")
        job.run(["-m", "stages.train", dataset], workers, workspace.scratch(), say)


def work_as_rank(dataset: str, params: Dataset) -> None:
    """Do the part of one process of a job."""
    workers = params.train.distributed.workers
    if group.is_scheduler():
        worker.end_scheduler_with_parent()
        group.join(workers)
        return
    mine = group.join(workers)
    link = exchange.Link(mine)
    with (
        lifelines(mine, link, group.meeting_point()),
        worker.reporting(mine.rank),
        exchange.clear_errors(mine),
    ):
        if mine.leads:
            lead(dataset, params, mine, link)
        else:
            follow(dataset, params, mine, link)
    if not mine.leads:
        # What was edited meanwhile is found by rank 0, and this is no reason to end it now.
        sys.exit()


def lead(dataset: str, params: Dataset, mine: group.Group, link: exchange.Link) -> None:
    """Write models/<dataset>/checkpoints, the training pictures, the verdict and the metrics."""
    settings = params.train
    # A page about an earlier run would be taken for one about this.
    paths.failure(dataset).unlink(missing_ok=True)
    data = prepared.load(paths.prepared(dataset), "train")
    about = prepared.description(paths.prepared(dataset))
    description = assembly.describe(params, data)
    start = assembly.starting_checkpoint(settings.init_from, description)
    plan = assembly.plan_of(dataset, settings, len(data), start, mine)
    total = plan.total_steps(len(data))
    last_step = plan.first_step - 1 + total
    players = assembly.assemble(params, data, last_step, start, group=mine)
    codes = latent_codes(stream(settings.grid_seed, "fixed latents"), GRID, description.latent_size)
    if start:
        say(f"beginning with {settings.init_from}, epoch {start.epoch}, step {start.step}")
    say(f"{dataset}: {total:,} steps of {plan.images_per_step} images; the first compiles")
    if players.average is not None:
        say(f"{dataset}: pictures show the generator's moving average of decay {settings.ema}")
    if remark := networks.remark(description.kind):
        say(f"{dataset}: {remark}")
    history = History()
    diagnosed = diagnosis.of_run(settings, data, players.generator)
    fingerprint = assembly.fingerprint_of(params, paths.prepared(dataset), start)
    link.check_equal(fingerprint)
    with (
        unfinished.opened(workspace.scratch(), dataset, fingerprint, say) as kept,
        Stops() as stops,
        ProgressBar(total, settings.lecture_log) as bar,
    ):
        supervisor = Supervisor(
            dataset, params, data, players, codes, history, diagnosed, bar, write_failure_page
        )
        keeper = Keeper(kept, players, history, supervisor, stops, total, link.ends)
        keeper.restore(say)
        link.share(players.trained)
        link.numbers(history.epochs, len(history.unfinished))
        bar.begin_at(len(history))
        watched = replace(plan, on_step=keeper.look)
        try:
            for epoch in train(
                players.step,
                data,
                watched,
                players.discriminator_step,
                history.epochs,
                history.unfinished,
            ):
                history.add_epoch(epoch)
                players.refresh()
                name = checkpoints.epoch_name(epoch.number)
                picture = grids.grid(generate(players.shown, codes))
                picture.save(kept.pictures / f"{name}.png")
                is_due = epoch.number % settings.checkpoint_every == 0
                is_last = epoch.last_step == last_step
                if is_due:
                    players.save(kept.models / name, epoch.number, epoch.last_step)
                if is_last:
                    players.save(kept.models / checkpoints.FINAL, epoch.number, epoch.last_step)
                if is_due or is_last:
                    keeper.save()
                bar.finish_epoch(epoch.number, epoch.means())
        except Failed:
            kept.discard()  # it would fail again at that step, whenever it was taken up
            raise
        verdict = supervisor.conclude()
        summary = {
            **history.summary(),
            "verdict": verdict["name"],
            "real_diversity": diagnosed.real.diversity,
            "epochs": history.epochs,
            "steps": total,
            "went_on_from": {"epoch": start.epoch, "step": start.step} if start else None,
            "data": about["source"],
            "bundled_data": about["bundled"],
        }
        edits.check(dataset, params, USES)  # while the run could still be taken up
        publish(dataset, kept, history, verdict, summary)


def follow(dataset: str, params: Dataset, mine: group.Group, link: exchange.Link) -> None:
    """Compute this rank's part of every step, and nothing else: rank 0 does the rest."""
    settings = params.train
    data = prepared.load(paths.prepared(dataset), "train")
    start = assembly.starting_checkpoint(settings.init_from, assembly.describe(params, data))
    plan = assembly.plan_of(dataset, settings, len(data), start, mine)
    last_step = plan.first_step - 1 + plan.total_steps(len(data))
    players = assembly.assemble(params, data, last_step, start, group=mine)
    link.check_equal(assembly.fingerprint_of(params, paths.prepared(dataset), start))
    with Stops() as stops, suppress(exchange.Over):
        link.share(players.trained)
        epochs, steps = link.numbers(0, 0)
        begun = np.zeros((steps, len(MEASURES)), np.float32)
        watched = replace(plan, on_step=lambda step, row: link.go_on(stops.requested))
        for _ in train(players.step, data, watched, players.discriminator_step, epochs, begun):
            pass


def write_failure_page(*arguments: Any) -> str:
    """Write the page about a run that failed; its path.

    Imported late: the page shapes no out of this stage, so an edit of it must not rerun training.
    """
    from stages.gan.pages import failure

    return failure.write_page(*arguments)


def publish(
    dataset: str,
    kept: unfinished.Run,
    history: History,
    verdict: Mapping[str, Any],
    summary: Mapping[str, Any],
) -> None:
    """Write what the run leaves, when all of it is there."""
    with (
        whole_folder(paths.models(dataset)) as models,
        whole_folder(paths.training_pictures(dataset)) as drawn,
    ):
        link_tree(kept.models, models)
        link_tree(kept.pictures, drawn)
        files = [drawn / f"{checkpoints.epoch_name(n)}.png" for n in history.epoch_numbers]
        grids.animate(files, drawn / "animation.gif")
        write_json(drawn / "verdict.json", verdict)
    history.write(paths.metrics(dataset))
    write_json(paths.metrics(dataset) / "train.json", summary)


if __name__ == "__main__":
    run_stage(run, *USES)
