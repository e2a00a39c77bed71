"""Measure each damaged sample, and tell whether a measure ranks the levels of a damage."""

import math
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from benchmarks.calibration.damage import CRITIC, DAMAGES, SEED, Damage, Pool
from benchmarks.calibration.looks import Look
from stages.gan.common.errors import UserError
from stages.gan.common.randomness import stream
from stages.gan.data.prepared import Split
from stages.gan.evaluation.critic import judge_apart, two_sample
from stages.gan.evaluation.quality import frechet, measuring, memorisation
from stages.gan.evaluation.quality.blocks import rows_of
from stages.gan.evaluation.quality.measuring import Known, Settings
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.measures import table as measures
from stages.gan.networks.untrained import Untrained
from stages.gan.params import Critic

# A higher value of these is worse, a lower one of all others. What is best near its floor is here
# too: the damage that it is meant to see, copies, raises it.
HIGHER_IS_WORSE = {each.key for each in measures.QUALITY if each.better != "higher"}
# Differences above so many standard errors count as seen.
SEEN = 2.0
SOUND = "undamaged"
_TRAINING = 20_000
# At most so large a share of a sample is copied from the training set.
_COPIED = max(DAMAGES["copied"].levels)


def calibrate(train: Split, test: Split, look: Look, samples: int, critic: Critic) -> dict:
    """Measure the undamaged sample and every damaged one.

    The held-out images serve as reference (a third) and as the pool of fresh ones (two thirds,
    so that classes can be left out without using an image twice); neither the judge nor the
    training set of the memorisation check has seen them. The critic learns from training images:
    a third as they are, against as many that were damaged like those it is asked about; none of
    them is copied into what it is asked about.

    Raises
    ------
    UserError
        If there are too few images.

    Returns
    -------
    dict
        samples, training; measured: {damage: {level: {measure: Estimate as JSON}}}, with the
        undamaged sample under SOUND in each; ranked, seen: see below.
    """
    count = min(samples, len(test) // 3)
    settings = Settings(samples=count)
    copied = round(_COPIED * count)
    lessons = min(count, (len(train) - copied) // 3)
    if min(count, lessons) < settings.fewest:
        fewest = 3 * settings.fewest
        raise UserError(
            f"{len(train):,} images to train on and {len(test):,} held out: {fewest + copied:,} "
            f"and {fewest} are the fewest that can be calibrated on"
        )
    order = stream(SEED, "split").permutation(len(test))
    reference = test.batch(np.sort(order[:count]))
    fresh = test.batch(order[count : 3 * count])
    # From its end images are copied, from its start the critic learns.
    mixed = stream(SEED, "split", 1).permutation(len(train))
    training = train.batch(mixed[::-1][:_TRAINING])
    pool = Pool(fresh, look(fresh).classes, training, count)
    ask = _asking(train, mixed, reference, look, critic, lessons)

    shuffle = stream(SEED, "order").permutation(count)
    known_training = look(training).features
    real = look(reference)
    known = Known(real, settings)
    held_out = memorisation.nearest(real.features, known_training)
    network = Untrained(reference.shape[1:])
    (untrained,) = frechet.UNTRAINED

    def seen_untrained(images: np.ndarray) -> frechet.Moments:
        parts = [network(images[rows]) for rows in rows_of(slice(0, count))]
        return frechet.moments(np.concatenate(parts), settings.parts)

    real_untrained = seen_untrained(reference)

    def measure(damage: Damage | None = None, level: float = 0.0) -> dict[str, Estimate]:
        images = damage.make(pool, level) if damage else pool.sound
        sample = look(images).take(shuffle)
        to_training = memorisation.nearest(sample.features, known_training)
        found = {
            **measuring.compare(known, Known(sample, settings)),
            **memorisation.compare(held_out, to_training, settings.parts),
            untrained: frechet.distance(real_untrained, seen_untrained(images[shuffle])),
            CRITIC: ask(damage, level, images),
        }
        return of_fewer(found, damage.copies(level)) if damage else found

    sound = measure()
    measured = {
        name: {
            SOUND: sound,
            **{str(level): measure(damage, level) for level in damage.levels},
        }
        for name, damage in DAMAGES.items()
    }
    return {
        "samples": count,
        "training": len(training),
        "measured": {
            name: {
                level: {key: asdict(found) for key, found in row.items()}
                for level, row in rows.items()
            }
            for name, rows in measured.items()
        },
        "ranked": {
            name: {key: ranks(key, list(rows.values())) for key in sound}
            for name, rows in measured.items()
        },
        "seen": {
            name: {key: first_seen(key, rows) for key in sound} for name, rows in measured.items()
        },
    }


def _asking(
    train: Split,
    order: np.ndarray,
    reference: np.ndarray,
    look: Look,
    settings: Critic,
    count: int,
) -> Callable[[Damage | None, float, np.ndarray], Estimate]:
    """A function of a damage, its level, and images damaged so: a critic's cross-entropy."""
    real = train.batch(np.sort(order[:count]))
    others = train.batch(order[count : 3 * count])
    # What is drawn for them is not what is drawn for the images that the critic is asked about.
    pool = Pool(others, look(others).classes, real, count, SEED + 1)

    def ask(damage: Damage | None, level: float, images: np.ndarray) -> Estimate:
        damaged = damage.make(pool, level) if damage else pool.sound
        return two_sample.examine(
            *judge_apart(real, damaged, reference, images, settings, SEED)
        ).bce

    return ask


def of_fewer(found: dict[str, Estimate], copies: float) -> dict[str, Estimate]:
    """The same with errors as of a sample in which each image is there so many times.

    All errors are of independent images. With N / c of them those of the generated images' part
    are sqrt(c) times as large, so that is the most by which a whole error can be too small.
    """
    return {
        name: Estimate(one.value, None if one.error is None else math.sqrt(copies) * one.error)
        for name, one in found.items()
    }


def ranks(measure: str, rows: list[dict[str, Estimate]]) -> bool:
    """Whether each level is worse than the one before, from undamaged on."""
    values = [row[measure].value for row in rows]
    steps = np.diff(values if measure in HIGHER_IS_WORSE else [-value for value in values])
    return bool((steps > 0).all())


def first_seen(measure: str, rows: dict[str, dict[str, Estimate]]) -> str | None:
    """The mildest level from which on the measure is worse than undamaged by SEEN errors."""
    sound, seen = rows[SOUND][measure], None
    for level, row in reversed(list(rows.items())[1:]):
        worse = row[measure].value - sound.value
        worse = worse if measure in HIGHER_IS_WORSE else -worse
        if worse <= SEEN * np.hypot(row[measure].error, sound.error):
            break
        seen = level
    return seen


def failures(dataset: str, found: dict) -> list[str]:
    """What is meant to be ranked and is not, a line each."""
    return [
        f"{dataset}: {measure} does not rank {name} ("
        + ", ".join(f"{row[measure]['value']:.5g}" for row in found["measured"][name].values())
        + ")"
        for name, damage in DAMAGES.items()
        for measure in damage.meant(found["samples"])
        if not found["ranked"][name][measure]
    ]
