"""What to do after a run: what the watch advises, and what follows from the scores."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stages.gan.common.language import marked
from stages.gan.measures.headline import SOUND, Finding
from stages.gan.params import Dataset, choices
from stages.gan.training.watch.changes import Change, average, longer

# In a short run it made faces, and moved colours as well made none (docs/samples.md).
_AUGMENTATION = ["translation"]
_TIMES = 4


def after(
    params: Dataset,
    train: Mapping[str, Any],
    verdict: Mapping[str, Any],
    found: Finding | None,
) -> list[dict[str, Any]]:
    """The changes to try, the most promising first, each param once.

    If the watch saw a fault, its advice comes first, because more of a faulty training helps
    little. Otherwise the advice for what the scores found comes first.

    Parameters
    ----------
    params : the params of the run
    train, verdict : the contents of train.json and verdict.json
    found : what the scores say against the run
    """
    watched = list(verdict["changes"])
    scored = [asdict(change) for change in _of_scores(params, train, found)]
    joined = scored + watched if verdict["name"] in SOUND else watched + scored
    once: dict[str, dict[str, Any]] = {}
    for change in joined:
        once.setdefault(change["param"], change)
    return list(once.values())


def _of_scores(
    params: Dataset, train: Mapping[str, Any], found: Finding | None
) -> tuple[Change, ...]:
    if found is None:
        return ()
    settings = params.train
    changes = [longer(settings, train["steps"], train["epochs"], _TIMES)]
    if choices.NETWORKS[params.kind.network].augmentation_helps and not settings.augmentation:
        why = marked("D then learns from more than these images, and G covers more kinds")
        changes.append(Change("train.augmentation", _AUGMENTATION, why))
    return (*changes, *average(settings, train["steps"]))
