"""The judge: a network trained on real images only, whose features measure generated images.

If images have labels, the judge learns to classify them. Without labels it learns the task of
`transformations`; its classes are then the clusters of the real training images' features (the
bins of Richardson and Weiss 2018). `storage` saves and loads a judge.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.prepared import Split, array_files
from stages.gan.data.prepared.arrays import are_finite
from stages.gan.evaluation.judge import classifier, clusters, transformations
from stages.gan.evaluation.judge.classifier import Classifier, Look
from stages.gan.params import Judge as Settings
from stages.gan.trained.checkpoints import values

LABELS = "labels"
TRANSFORMATIONS = "transformations"
_BLOCK = 1000


@dataclass(frozen=True)
class Seen:
    """A judge's features and classes of N images.

    `features` are (N, feature_size) float32, `classes` (N,) uint16 below the judge's `classes`.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.uint16]


@dataclass(frozen=True)
class Judge:
    """A trained judge.

    Parameters
    ----------
    task : str
        What it was trained to classify: labels | transformations.
    image_shape : (channels, height, width)
    classes : int
        The number of its classes: labels or clusters.
    accuracy : float
        Share of held-out images whose label, or transformation, it recognises; 0 to 1.
    network : Classifier
        In evaluation mode.
    centroids : (classes, feature_size) float64, or None if the classes are labels
    sha256 : str
        The sha256 of the file it was loaded from; "" if it was just made.
    """

    task: str
    image_shape: tuple[int, int, int]
    classes: int
    accuracy: float
    network: Classifier
    centroids: NDArray[np.float64] | None
    sha256: str = ""

    @functools.cached_property
    def look(self) -> Look:
        """Shows images to the network."""
        return Look(self.network)

    def see(self, images: NDArray[np.floating]) -> Seen:
        """Features and classes of images (N, C, H, W) in [-1, 1], N from 1 on.

        Images are processed in blocks of bounded memory; they may be a memory map.

        Raises
        ------
        ValueError
            If there are no images, or they have another shape than the judge's training images.
        UserError
            If a feature is not finite: the judge is damaged, or its training diverged.
        """
        if images.shape[1:] != self.image_shape or not len(images):
            raise ValueError(f"images {images.shape}: valid is (1 on, {self.image_shape})")
        features, logits = self.look(images)
        if not are_finite(features):
            raise UserError(
                _(
                    "the judge's features are not finite, because it is damaged or its "
                    "training diverged: first try a smaller judge.learning_rate, then `dvc "
                    "repro`"
                )
            )
        if self.centroids is None:
            classes = logits.argmax(axis=1)
        else:
            classes = clusters.nearest_centroid(features, self.centroids)
        return Seen(features, classes.astype(np.uint16))


def make(train: Split, test: Split, settings: Settings) -> Judge:
    """Train a judge on the training split; the held-out split is used only for its accuracy.

    The same data and settings give the same judge to the bit. Without labels the features of all
    training images are in memory for a while, in float32 and in float64: 12 bytes per feature, 54
    MB for 70,000 images with 64. All other work is done in blocks.

    Raises
    ------
    UserError
        If the training diverges; if there are no labels and the images are not square, because
        they cannot be turned by 90 degrees.
    """
    labels, answers = train.labels, test.labels
    if labels is None or answers is None:
        labels = answers = None
    channels, height, width = image_shape = train.images.shape[1:]
    if labels is None and height != width:
        raise UserError(
            _(
                "a judge cannot learn from images of {height} x {width} pixels without "
                "labels: it must turn them by 90 degrees. Valid are labels for both "
                "splits, or square images"
            ).format(height=height, width=width)
        )
    outputs = transformations.TASKS if labels is None else int(labels.max()) + 1
    network = classifier.build(
        image_shape, settings.widths, settings.feature_size, outputs, settings.seed
    )
    per_epoch = classifier.steps_per_epoch(len(train), settings.batch_size)
    steps = settings.epochs * per_epoch
    if settings.max_steps is not None:
        steps = min(steps, settings.max_steps)
    training = classifier.Training(network, classifier.cross_entropy, settings.learning_rate)
    training.begin(steps)
    for done in range(0, steps, per_epoch):  # the last epoch may be cut short
        epoch = done // per_epoch + 1
        draw = stream(settings.seed, "transformations", epoch)
        order = classifier.order(len(train), settings.batch_size, settings.seed, epoch)
        for rows in order[: steps - done]:
            images = transformations.shifted(train.batch(rows), draw, settings.shift)
            if labels is None:
                training.step(*transformations.with_task(images, draw))
            else:
                training.step(images, labels[rows].astype(np.int32))
    network.set_train(False)
    if not all(map(are_finite, values(network.get_parameters()).values())):
        raise UserError(
            _(
                "the judge's weights are not finite, because its training diverged: first "
                "try a smaller judge.learning_rate"
            )
        )
    look = classifier.Look(network)
    accuracy = _accuracy(look, test, answers, settings.seed)
    if labels is not None:
        return Judge(LABELS, (channels, height, width), outputs, accuracy, network, None)
    features, _logits = look(train.images)
    centroids = clusters.centroids_of(features, settings.classes, stream(settings.seed, "clusters"))
    return Judge(
        TRANSFORMATIONS, (channels, height, width), len(centroids), accuracy, network, centroids
    )


def _accuracy(look: Look, test: Split, labels: NDArray[np.uint8] | None, seed: int) -> float:
    """Share of held-out images that the network classifies correctly; in blocks."""
    draw = stream(seed, "transformations", 0)  # epochs count from 1
    right = 0
    for part in array_files.blocks(len(test), test.images.shape[1:], _BLOCK):
        images = test.batch(np.arange(part.start, part.stop))
        answers: NDArray[np.integer]
        if labels is None:
            images, answers = transformations.with_task(images, draw)
        else:
            answers = labels[part]
        right += int((look(images)[1].argmax(axis=1) == answers).sum())
    return right / len(test)
