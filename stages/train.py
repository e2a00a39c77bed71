"""Train generator and discriminator against each other, watched, and tell how it went.

The state is kept in time, so that a run that was cut off is taken up where it was.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stages import edits, workspace
from stages.command import run_stage, say
from stages.gan import assembly, checkpoints, diagnosis, grids, networks, paths, prepared, scratch
from stages.gan.files import link_tree, whole_folder, write_json
from stages.gan.history import History
from stages.gan.keeping import Keeper
from stages.gan.params import Dataset
from stages.gan.progress import ProgressBar
from stages.gan.randomness import latent_codes, stream
from stages.gan.sampling import generate
from stages.gan.stops import Stops
from stages.gan.supervision import Failed, Supervisor
from stages.gan.training import train

GRID = 25
USES = ("kind.network", "train")


def run(dataset: str, params: Dataset) -> None:
    """Write models/<dataset>/checkpoints, the training pictures, the verdict and the metrics."""
    settings = params.train
    # A page about an earlier run would be taken for one about this.
    paths.failure(dataset).unlink(missing_ok=True)
    data = prepared.load(paths.prepared(dataset), "train")
    about = prepared.description(paths.prepared(dataset))
    description = assembly.describe(params, data)
    start = assembly.starting_checkpoint(settings.init_from, description)
    plan = assembly.plan_of(dataset, settings, len(data), start)
    total = plan.total_steps(len(data))
    last_step = plan.first_step - 1 + total
    players = assembly.assemble(params, data, last_step, start)
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
    with (
        scratch.opened(workspace.scratch(), dataset, fingerprint, say) as kept,
        Stops() as stops,
        ProgressBar(total, settings.lecture_log) as bar,
    ):
        supervisor = Supervisor(dataset, params, data, players, codes, history, diagnosed, bar)
        keeper = Keeper(kept, players, history, supervisor, stops, total)
        keeper.restore(say)
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


def publish(
    dataset: str,
    kept: scratch.Run,
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
