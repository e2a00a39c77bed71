"""Train generator and discriminator against each other, watched, and tell how it went."""

from dataclasses import replace

from stages.command import run_stage, say
from stages.gan import assembly, checkpoints, diagnosis, grids, networks, paths, prepared
from stages.gan.files import whole_folder, write_json
from stages.gan.history import History
from stages.gan.params import Dataset
from stages.gan.progress import ProgressBar
from stages.gan.randomness import latent_codes, stream
from stages.gan.sampling import generate
from stages.gan.supervision import Supervisor
from stages.gan.training import train

GRID = 25


def run(dataset: str, params: Dataset) -> None:
    """Write models/<dataset>, the training pictures and verdict, and the metrics of training."""
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
        say(f"going on from {settings.init_from}, epoch {start.epoch}, step {start.step}")
    say(f"{dataset}: {total:,} steps of {plan.images_per_step} images; the first compiles")
    if players.average is not None:
        say(f"{dataset}: pictures show the generator's moving average of decay {settings.ema}")
    if remark := networks.remark(description.kind):
        say(f"{dataset}: {remark}")
    history = History()
    diagnosed = diagnosis.of_run(settings, data, players.generator)
    pictures = []
    with (
        whole_folder(paths.models(dataset)) as models,
        whole_folder(paths.training_pictures(dataset)) as drawn,
        ProgressBar(total, settings.lecture_log) as bar,
    ):
        supervisor = Supervisor(dataset, params, data, players, codes, history, diagnosed, bar)
        watched = replace(plan, on_step=supervisor.look)
        for epoch in train(players.step, data, watched, players.discriminator_step):
            history.add_epoch(epoch)
            bar.finish_epoch(epoch.number, epoch.means())
            players.refresh()
            pictures.append(grids.grid(generate(players.shown, codes)))
            pictures[-1].save(drawn / f"{checkpoints.epoch_name(epoch.number)}.png")
            step = epoch.first_step + len(epoch.measures) - 1
            names = [checkpoints.FINAL] if step == last_step else []
            if epoch.number % settings.checkpoint_every == 0:
                names.append(checkpoints.epoch_name(epoch.number))
            for name in names:
                players.save(models / name, epoch.number, step)
        grids.save_animation(grids.thinned(pictures), drawn / "animation.gif")
        verdict = supervisor.conclude()
        write_json(drawn / "verdict.json", verdict)
    history.write(paths.metrics(dataset))
    write_json(
        paths.metrics(dataset) / "train.json",
        {
            **history.summary(),
            "verdict": verdict["name"],
            "real_diversity": diagnosed.real.diversity,
            "epochs": history.epochs,
            "steps": total,
            "went_on_from": {"epoch": start.epoch, "step": start.step} if start else None,
            "data": about["source"],
            "bundled_data": about["bundled"],
        },
    )


if __name__ == "__main__":
    run_stage(run)
