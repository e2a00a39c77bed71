"""The scores of a trained generator: the judge's measures and the critic's test.

Each score is an object of `value`, its standard `error`, the `floor` (the score of real images)
and its `floor_error`. A perfect generator gets the floor, within the errors of both. For the
judge's measures, the same number of training images replaces the generated images; for memorisation
and near_copies the floor is known, 1/2 and 0.01. For the critic, one half of the real images is
compared with the other half, so at half the counts. If there are too few images, all four are None.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.prepared import SPLITS, Split, array_files, to_levels
from stages.gan.evaluation import beside, game
from stages.gan.evaluation import critic as critics
from stages.gan.evaluation.critic import two_sample
from stages.gan.evaluation.judge import Judge, storage
from stages.gan.evaluation.quality import blocks, classes, measuring
from stages.gan.evaluation.quality.scores import Score
from stages.gan.networks.untrained import Untrained
from stages.gan.params import Evaluate

QUALITY = measuring.NAMES
CRITIC = two_sample.NAMES
GAME = game.NAMES
# With fewer images of a kind, nothing is scored.
FEWEST = measuring.Settings().fewest
_NONE = {"value": None, "error": None, "floor": None, "floor_error": None}


def _unknown() -> dict[str, Any]:
    interval = {"low": None, "high": None}
    return {
        "quality": dict.fromkeys(QUALITY, _NONE),
        "critic": {**dict.fromkeys(CRITIC, _NONE), "jsd_interval": interval},
        "histograms": {},
    }


def score(
    known: Split,
    held_out: Split,
    judge_folder: Path,
    shown: NDArray[np.floating],
    fresh: NDArray[np.floating] | None,
    settings: Evaluate,
    published: bool = False,
) -> dict[str, Any]:
    """All scores.

    Parameters
    ----------
    known, held_out : Split
        The training images, and real images that the generator was not trained on.
    judge_folder : Path
        The folder of a judge of these real images; if `published`, also its state's file.
    shown, fresh : (N, C, H, W) in [-1, 1]
        Generated images: the ones to score, and other ones for the critic's training. The same
        number of held-out images is compared with them. All are rounded to 8-bit levels, like
        real images: otherwise generated images could be recognised by that. If `fresh` is None,
        there is no critic, and its part is missing.
    settings : Evaluate
    published : bool
        Whether the judge's folder has the judge alone, so that it must look at the real images.

    Returns
    -------
    dict
        `quality` and `critic` have the names above; `critic` also has `jsd_interval`, the 95 %
        confidence interval of the lower bound. `histograms` has the share of each class among
        real and generated images. All are None or empty if there are fewer than FEWEST of a kind.
        `judge` has the judge's sha256, accuracy (0 to 1) and task.

    Raises
    ------
    UserError
        If the judge is missing or damaged, or was trained on images of another shape.
    """
    judge = _judge_of(held_out, judge_folder)
    named = {"sha256": judge.sha256, "accuracy": judge.accuracy, "task": judge.task}
    drawn = shown if fresh is None else fresh
    if min(len(known), len(held_out), len(shown), len(drawn)) < FEWEST:
        return {"judge": named, **_unknown()}
    seen = _seen(known, held_out, judge_folder, judge, shown, published)
    untrained = _untrained(known, held_out, shown)
    critic = {}
    with beside.doing(lambda: _measured(seen, len(shown), settings, untrained)) as measured:
        if fresh is not None:
            answers, floor = _criticised(known, held_out, shown, fresh, settings)
            low, high = answers.interval
            critic = {
                **{name: score.to_json() for name, score in answers.against(floor).items()},
                "jsd_interval": {"low": low, "high": high},
            }
        found = measured()
    _, real_test, generated = seen
    return {
        "judge": named,
        "quality": {name: score.to_json() for name, score in found.items()},
        **({"critic": critic} if critic else {}),
        "histograms": {
            name: (classes.histogram(sample.classes, judge.classes) / len(sample)).tolist()
            for name, sample in (("real", real_test), ("generated", generated))
        },
    }


def quality(
    known: Split,
    held_out: Split,
    judge_folder: Path,
    shown: NDArray[np.floating],
    settings: Evaluate,
) -> dict[str, Any]:
    """The part `quality` of `score` alone, without the long training of two critics.

    Parameters and errors are those of `score`.
    """
    judge = _judge_of(held_out, judge_folder)
    if min(len(known), len(held_out), len(shown)) < FEWEST:
        return _unknown()["quality"]
    seen = _seen(known, held_out, judge_folder, judge, shown)
    measured = _measured(seen, len(shown), settings, _untrained(known, held_out, shown))
    return {name: found.to_json() for name, found in measured.items()}


def _judge_of(held_out: Split, judge_folder: Path) -> Judge:
    judge = storage.load(judge_folder)
    if judge.image_shape != held_out.images.shape[1:]:
        raise UserError(
            _(
                "{judge_folder} holds a judge of images {shape}, but the prepared images "
                "are {prepared} (channels, height, width): run `dvc repro`"
            ).format(
                judge_folder=judge_folder,
                shape=judge.image_shape,
                prepared=held_out.images.shape[1:],
            )
        )
    return judge


def _seen(
    known: Split,
    held_out: Split,
    judge_folder: Path,
    judge: Judge,
    shown: NDArray[np.floating],
    published: bool = False,
) -> tuple[measuring.Sample, measuring.Sample, measuring.Sample]:
    """What the judge sees in training, held-out and generated images."""
    real_train, real_test, generated = (
        measuring.Sample(seen.features, seen.classes)
        for seen in (
            *(
                judge.see(split.images)
                if published
                else storage.seen(judge_folder, judge, name, len(split))
                for name, split in zip(SPLITS, (known, held_out), strict=True)
            ),
            judge.see(to_levels(shown)),
        )
    )
    return real_train, real_test, generated


def _measured(
    seen: tuple[measuring.Sample, measuring.Sample, measuring.Sample],
    samples: int,
    settings: Evaluate,
    untrained: Sequence[measuring.Untrained],
) -> dict[str, Score]:
    """All the judge's measures, and those in the second space."""
    draw = stream(settings.seed, "quality")
    return measuring.measure(*seen, measuring.Settings(samples=samples), draw, untrained)


def _untrained(
    known: Split, held_out: Split, shown: NDArray[np.floating]
) -> list[measuring.Untrained]:
    """Functions from indices to the second space's features, of all three sets of images."""
    network = Untrained(shown.shape[1:])

    def of(images: NDArray[np.floating]) -> measuring.Untrained:
        def look(indices: NDArray[np.integer]) -> NDArray[np.float32]:
            parts = blocks.rows_of(slice(0, len(indices)))
            found = blocks.each(
                lambda part: network(array_files.rows(images, indices[part])), parts
            )
            return np.concatenate(list(found))

        return look

    return [of(known.images), of(held_out.images), of(shown)]


def _criticised(
    known: Split,
    held_out: Split,
    shown: NDArray[np.floating],
    fresh: NDArray[np.floating],
    settings: Evaluate,
) -> tuple[two_sample.TwoSample, two_sample.TwoSample]:
    """The critic's test of generated images, and of real images for the floor."""
    # Drawn, because the order in a file may matter: MNIST alternates two kinds of writers.
    train, test = (
        array_files.rows(
            split.images,
            stream(settings.seed, "critic images", place).permutation(len(split))[: len(fakes)],
        )
        for place, (split, fakes) in enumerate(((known, fresh), (held_out, shown)))
    )
    critic = critics.Critic(test.shape[1:], settings.critic, settings.seed)
    answers = two_sample.examine(*critic.judge_apart(train, fresh, test, shown))
    # Two halves of the real images, because all images must be new to this critic.
    floor = two_sample.examine(*critic.judge_apart(train[::2], train[1::2], test[::2], test[1::2]))
    return answers, floor


def lines(scores: dict[str, Any]) -> list[str]:
    """A line for every score, with its error and its floor; those of `game` where it was played."""
    if scores["quality"][QUALITY[0]]["value"] is None:
        return [
            _("too few images to score: valid is {fewest} or more of each kind").format(
                fewest=FEWEST
            )
        ]
    return [
        _("{group}.{name} {value} (real images: {floor})").format(
            group=group,
            name=name,
            value=_with_error(found["value"], found["error"]),
            floor=_with_error(found["floor"], found["floor_error"]),
        )
        for group, names in (("quality", QUALITY), ("critic", CRITIC), ("game", GAME))
        if group in scores
        for name, found in ((name, scores[group][name]) for name in names)
    ]


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.4g}" if error is None else f"{value:.4g} +- {error:.2g}"


def compared(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Only the values by which runs are compared, at the same places.

    DVC shows each number of a metrics file in a column of its own, and errors, floors and names
    would fill the screen.

    Examples
    --------
    >>> compared({"samples": 9, "critic": {"bce": {"value": 1.2, "error": 0.1}, "low": 0.5}})
    {'critic': {'bce': {'value': 1.2}}}
    """
    found = {}
    for name, content in measured.items():
        if isinstance(content, Mapping):
            inner = {"value": content["value"]} if "value" in content else compared(content)
            if inner:
                found[name] = inner
    return found
