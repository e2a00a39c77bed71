"""Writes the results of a run: pictures and checkpoints by epoch, the verdict, the metrics."""

from collections.abc import Mapping
from typing import Any

from stages.gan.common import paths
from stages.gan.common.files import link_tree, whole_folder, write_json
from stages.gan.common.unfinished import Run
from stages.gan.data import prepared
from stages.gan.trained import checkpoints, grids
from stages.gan.trained.sampling import generate
from stages.gan.training.history import History
from stages.gan.training.loop import Epoch
from stages.gan.training.preparation import Setup


def keep_epoch(setup: Setup, kept: Run, history: History, epoch: Epoch) -> bool:
    """Draw the fixed latent codes' images, score, and save a checkpoint if one is due.

    A checkpoint is due every `checkpoint_every` epochs and after the last step.

    Returns
    -------
    bool
        Whether a checkpoint was saved.
    """
    players = setup.players
    players.refresh()
    picture = grids.grid(generate(players.shown, setup.codes))
    picture.save(kept.pictures / f"{epoch.number}.png")
    if setup.quick is not None:
        history.add_score(epoch.number, setup.quick.of(players.shown))
    is_due = epoch.number % setup.params.train.checkpoint_every == 0
    is_last = epoch.last_step == setup.last_step
    if is_due:
        name = checkpoints.epoch_name(epoch.number)
        players.save(kept.models / name, epoch.number, epoch.last_step)
    if is_last:
        players.save(kept.models / checkpoints.FINAL, epoch.number, epoch.last_step)
    return is_due or is_last


def keep_snapshot(setup: Setup, kept: Run, step: int) -> None:
    """Store a snapshot of the averages after a step, if one is due."""
    recorder, own = setup.players.recorder, setup.in_run(step)
    if recorder is not None and recorder.is_due(own):
        recorder.save(kept.models, own, step)


def publish(
    setup: Setup,
    kept: Run,
    history: History,
    verdict: Mapping[str, Any],
    real_diversity: float,
) -> None:
    """Write the stage's outs, all together at the end, and note in `kept` that they are written.

    Parameters
    ----------
    setup : Setup
    kept : Run
        Holds the checkpoints and pictures of the epochs.
    history : History
    verdict : mapping
        The result of `Supervisor.conclude`.
    real_diversity : float
        Mean pairwise distance of real images.
    """
    dataset, start = setup.dataset, setup.start
    about = prepared.description(paths.prepared(dataset))
    summary = {
        **history.summary(),
        "verdict": verdict["name"],
        "real_diversity": real_diversity,
        "epochs": history.epochs,
        "steps": setup.total,
        "went_on_from": {"epoch": start.epoch, "step": start.step} if start else None,
        "data": about["source"],
        "bundled_data": about["bundled"],
    }
    pictures = paths.training_pictures(dataset)
    with whole_folder(paths.models(dataset)) as models, whole_folder(pictures) as drawn:
        link_tree(kept.models, models)
        (drawn / paths.EPOCHS).mkdir()
        link_tree(kept.pictures, drawn / paths.EPOCHS)
        files = [drawn / paths.EPOCHS / f"{number}.png" for number in history.epoch_numbers]
        grids.animate(files, drawn / "animation.gif")
        write_json(drawn / "verdict.json", verdict)
        history.write_scores(models / paths.QUICK_SCORES)
    metrics = paths.metrics(dataset)
    tables = history.write(metrics)
    write_json(metrics / "train.json", summary)
    outs = [pictures / name for name in (paths.EPOCHS, "animation.gif", "verdict.json")]
    kept.finish([paths.models(dataset), *outs, metrics / "train.json", *tables])
