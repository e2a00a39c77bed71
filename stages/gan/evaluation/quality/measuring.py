"""Computes all measures of quality, each with its error and its floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.gan.evaluation.quality import classes, frechet, kernel, manifolds, memorisation
from stages.gan.evaluation.quality.blocks import rows_of
from stages.gan.evaluation.quality.scores import Estimate, Score
from stages.gan.evaluation.quality.standard_errors import HALVES

# In the order of scores.json. Each module states the names of its measures.
NAMES = (
    *frechet.NAMES,
    *kernel.NAMES,
    *manifolds.NAMES,
    *classes.NAMES,
    *memorisation.NAMES,
    *frechet.UNTRAINED,
)
# The features of the images at these indices, (N, F), by a network that was never trained.
Untrained = Callable[[NDArray[np.integer]], NDArray[np.floating]]


@dataclass(frozen=True)
class Sample:
    """The judge's features and classes of N images.

    Parameters
    ----------
    features : (N, F) float32, finite
    classes : (N,) whole numbers from 0 on

    Raises
    ------
    ValueError
        If the two do not fit each other, or a feature is not finite.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.integer]

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.classes.shape != self.features.shape[:1]:
            raise ValueError(
                f"features {self.features.shape} and classes {self.classes.shape}, valid are "
                "(N, F) and (N,)"
            )
        every = slice(0, len(self.features))  # in blocks: it may be a large memory map
        if not all(np.isfinite(self.features[rows]).all() for rows in rows_of(every)):
            raise ValueError("features are not finite")

    def __len__(self) -> int:
        return len(self.features)

    def take(self, indices: NDArray[np.integer]) -> "Sample":
        """The images at these indices."""
        return Sample(self.features[indices], self.classes[indices])


@dataclass(frozen=True)
class Settings:
    """Settings of the measures.

    Parameters
    ----------
    samples : int
        The number of generated, held-out and training images to compare, if there are as many.
    neighbours : int
        k of precision, recall, density and coverage; 5 as in Naeem et al. 2020.
    parts : int
        The number of parts of each set for the jackknife, which leaves out one part in turn. It
        gives the errors of the Frechet and kernel distance, class_divergence, memorisation and
        near_copies. The other errors come from halves, or from each class alone.
    """

    samples: int = 10_000
    neighbours: int = 5
    parts: int = 10

    @property
    def fewest(self) -> int:
        """The smallest number of images of each kind."""
        return max(self.parts * (self.neighbours + 1), HALVES.shape[1])


class Known:
    """A set of images, with the parts of each measure that depend on this set only."""

    def __init__(self, sample: Sample, settings: Settings) -> None:
        self.classes = sample.classes
        self.moments = frechet.moments(sample.features, settings.parts)
        self.kernel = kernel.prepare(sample.features, settings.parts)
        self.manifold = manifolds.manifold(sample.features, settings.neighbours)


def compare(real: Known, generated: Known) -> dict[str, Estimate]:
    """All measures of two sets except memorisation, which also needs the training images."""
    return {
        **frechet.compare(real.moments, generated.moments),
        **kernel.compare(real.kernel, generated.kernel),
        **manifolds.compare(real.manifold, generated.manifold),
        **classes.compare(real.classes, generated.classes, len(real.moments.counts)),
    }


def measure(
    real_train: Sample,
    real_test: Sample,
    generated: Sample,
    settings: Settings,
    draw: np.random.Generator,
    untrained: Sequence[Untrained],
) -> dict[str, Score]:
    """Measure generated images against held-out real ones.

    All measures except memorisation compare generated with held-out images, in the judge's
    features; `frechet.UNTRAINED` compares them in a second space. For their floor, the
    same number of training images replaces the generated images. Memorisation compares with all
    training images, so training images would be their own copies; its floor is known, see
    `memorisation.FLOOR`.

    Memory grows with the number of compared images (about 300 MB for 10,000 with 128 features) and
    with the square of the number of features. It does not grow with the number of training images:
    their features are read in blocks, and may be a memory map. Time grows with the square of the
    number of images and with the number of features.

    Parameters
    ----------
    real_train : Sample
        The generator's training images, all or some; copies are searched among them.
    real_test, generated : Sample
    settings : Settings
    draw : numpy.random.Generator
        Draws the images to compare, if there are more, and the part of each image.
    untrained : (3,)
        The second space's features of the images of each of the three samples.

    Returns
    -------
    dict of Score
        The keys are NAMES. The Frechet distance is in squared units of the features, the kernel
        distance in those of their products. class_divergence is in nats, all others are shares.

    Raises
    ------
    ValueError
        If there are fewer than `settings.fewest` images of a kind.
    """
    count = min(settings.samples, len(real_train), len(real_test), len(generated))
    if count < settings.fewest:
        raise ValueError(f"{count} images to compare, valid is {settings.fewest} or more")
    samples = real_train, real_test, generated
    indices = [draw.permutation(len(sample))[:count] for sample in samples]
    chosen = [sample.take(rows) for sample, rows in zip(samples, indices, strict=True)]
    train, test, fake = (Known(sample, settings) for sample in chosen)
    found, floor = compare(test, fake), compare(test, train)

    held_out, copied = (
        memorisation.nearest(sample.features, real_train.features) for sample in chosen[1:]
    )
    found |= memorisation.compare(held_out, copied, settings.parts)
    floor |= memorisation.FLOOR
    others = [
        frechet.moments(look(rows), settings.parts)
        for look, rows in zip(untrained, indices, strict=True)
    ]
    (name,) = frechet.UNTRAINED
    found[name] = frechet.distance(others[1], others[2])
    floor[name] = frechet.distance(others[1], others[0])
    return {name: found[name].against(floor[name]) for name in NAMES}
