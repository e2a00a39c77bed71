"""The checkpoint of a run that counts: the last one, or the kept one with the best quick score.

`evaluate` scores it, `export` writes it, and the commands that use trained networks take it.
"""

import math
from pathlib import Path

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import read_csv
from stages.gan.common.language import _
from stages.gan.trained import checkpoints, manifest


def load(models: Path, which: str) -> checkpoints.Checkpoint:
    """The checkpoint of a run that is scored, exported and used; its files are verified.

    Parameters
    ----------
    models : Path
        A models folder.
    which : str
        The param `evaluate.checkpoint`: last | best. The best has the lowest quick score, of equal
        ones the latest.

    Raises
    ------
    UserError
        If the best is asked for, and the run has no quick scores or no checkpoint of one; or if
        the checkpoint is missing or damaged.
    """
    return checkpoints.load(folder_of(models, which))


def folder_of(models: Path, which: str) -> Path:
    """What `load` loads: the models folder itself stands for its last checkpoint."""
    if which == "last":
        return models
    scores = _scores(models)
    kept = {epoch: models / checkpoints.epoch_name(epoch) for epoch in scores}
    if scores:
        kept[max(scores)] = models / checkpoints.FINAL
    able = [epoch for epoch, place in kept.items() if (place / manifest.NAME).is_file()]
    if not able:
        raise UserError(
            _("{folder} holds no checkpoint that has a quick score: run `dvc repro`").format(
                folder=models
            )
        )
    return kept[_lowest({epoch: scores[epoch] for epoch in able})]


def about(models: Path, epoch: int) -> str:
    """A sentence about the best checkpoint that was kept, and the epoch that was better, if any.

    Parameters
    ----------
    models : Path
        A models folder with quick scores.
    epoch : int
        That of the checkpoint which `load` found as the best.
    """
    scores = _scores(models)
    told = _("of the kept checkpoints, that of epoch {epoch} has the lowest quick score").format(
        epoch=epoch
    )
    lowest = _lowest(scores)
    if math.isnan(scores[lowest]) or scores[lowest] == scores[epoch]:
        return told
    return told + _("; epoch {lowest} has a lower one, but was not kept: {param} decides").format(
        lowest=lowest, param="train.checkpoint_every"
    )


def _scores(models: Path) -> dict[int, float]:
    """The quick score of each epoch."""
    rows = read_csv(models / paths.QUICK_SCORES, "epoch", "score")
    return {int(row["epoch"]): row["score"] for row in rows}


def _lowest(scores: dict[int, float]) -> int:
    """The epoch with the lowest score, of equal ones the latest. NaN is no score."""

    def order(epoch: int) -> tuple[bool, float, int]:
        score = scores[epoch]
        return math.isnan(score), 0.0 if math.isnan(score) else score, -epoch

    return min(scores, key=order)
