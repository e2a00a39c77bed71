"""The judge: a network trained on real images alone, by which generated ones are measured.

Where images have labels it tells these apart; where they have none it learns the task of
`transformations`, and its classes are the clusters of the real training images' features, the
bins of Richardson and Weiss 2018. A folder holds it:

    judge.state     weights and centroids as arrays, the description, under one checksum
    judge.json      the same description, with accuracy and the sha256 of judge.state
    train_features.npy test_features.npy    (N, feature_size) float32, of the real images
    train_classes.npy test_classes.npy      (N,) uint16, as the judge sees them

Two scores can be compared just if the same judge gave them, so its sha256 belongs beside each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan import array_files, classifier, clusters, states, transformations
from stages.gan.arrays import read_array
from stages.gan.checkpoints import put, values
from stages.gan.classifier import Classifier
from stages.gan.errors import UserError
from stages.gan.files import sha256, write_json
from stages.gan.params import Judge as Settings
from stages.gan.prepared import Split
from stages.gan.randomness import stream

STATE = "judge.state"
DESCRIPTION = "judge.json"
LABELS = "labels"
TRANSFORMATIONS = "transformations"
_CENTROIDS = "centroids"
_BLOCK = 1000
_ADVICE = "remove it and run `dvc repro`"
# What is stored of what it sees, and as which numbers.
KINDS = {"features": np.float32, "classes": np.uint16}


@dataclass(frozen=True)
class Seen:
    """What a judge makes of N images.

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
        What it was trained to tell: labels | transformations.
    image_shape : (channels, height, width)
    classes : int
        How many classes it sees: those of the labels, or clusters.
    accuracy : float
        Share of held-out images whose label, or transformation, it tells; 0 to 1.
    network : Classifier
        In evaluation mode.
    centroids : (classes, feature_size) float64, or None where the classes are labels
    sha256 : str
        Of the file it was loaded from, "" of one that was just made.
    """

    task: str
    image_shape: tuple[int, int, int]
    classes: int
    accuracy: float
    network: Classifier
    centroids: NDArray[np.float64] | None
    sha256: str = ""

    def see(self, images: NDArray[np.floating]) -> Seen:
        """Features and classes of images (N, C, H, W) in [-1, 1], N from 1 on.

        Images are read and looked at in blocks of bounded memory; they may be a memory map.

        Raises
        ------
        ValueError
            If there are none, or they have not the shape that the judge was trained on.
        """
        if images.shape[1:] != self.image_shape or not len(images):
            raise ValueError(f"images {images.shape}: valid is (1 on, {self.image_shape})")
        features, logits = classifier.apply(self.network, images)
        if self.centroids is None:
            classes = logits.argmax(axis=1)
        else:
            classes = clusters.nearest_centroid(features, self.centroids)
        return Seen(features, classes.astype(np.uint16))


def make(train: Split, test: Split, settings: Settings) -> Judge:
    """Train a judge on the training split; the held-out one serves its accuracy alone.

    The same data and settings give the same judge to the bit.
    """
    labels, answers = train.labels, test.labels
    if labels is None or answers is None:
        labels = answers = None
    channels, height, width = image_shape = train.images.shape[1:]
    outputs = transformations.TASKS if labels is None else int(labels.max()) + 1
    network = classifier.build(
        image_shape, settings.widths, settings.feature_size, outputs, settings.seed
    )
    steps = settings.epochs * classifier.steps_per_epoch(len(train), settings.batch_size)
    step = classifier.make_step(network, classifier.cross_entropy, settings.learning_rate, steps)
    for epoch in range(1, settings.epochs + 1):
        draw = stream(settings.seed, "transformations", epoch)
        for rows in classifier.order(len(train), settings.batch_size, settings.seed, epoch):
            images = transformations.shifted(train.batch(rows), draw, settings.shift)
            if labels is None:
                step(*transformations.with_task(images, draw))
            else:
                step(images, labels[rows].astype(np.int32))
    network.set_train(False)
    accuracy = _accuracy(network, test, answers, settings.seed)
    if labels is not None:
        return Judge(LABELS, (channels, height, width), outputs, accuracy, network, None)
    features, _ = classifier.apply(network, train.images)
    centroids = clusters.centroids_of(features, settings.classes, stream(settings.seed, "clusters"))
    return Judge(
        TRANSFORMATIONS, (channels, height, width), len(centroids), accuracy, network, centroids
    )


def _accuracy(
    network: Classifier, test: Split, labels: NDArray[np.uint8] | None, seed: int
) -> float:
    """Share of held-out images, in blocks of bounded memory, that the network is right about."""
    draw = stream(seed, "transformations", 0)  # epochs count from 1
    right = 0
    for part in array_files.blocks(len(test), test.images.shape[1:], _BLOCK):
        images = test.batch(np.arange(part.start, part.stop))
        answers: NDArray[np.integer]
        if labels is None:
            images, answers = transformations.with_task(images, draw)
        else:
            answers = labels[part]
        right += int((classifier.apply(network, images)[1].argmax(axis=1) == answers).sum())
    return right / len(test)


def save(folder: Path, judge: Judge, splits: Mapping[str, Split]) -> dict[str, Any]:
    """Write the judge into a folder that is there, with what it sees in the real images.

    Returns
    -------
    What judge.json holds: task, image_shape, widths, feature_size, classes, accuracy, counts of
    images by split, and sha256.
    """
    about = {
        "task": judge.task,
        "image_shape": list(judge.image_shape),
        "widths": list(judge.network.widths),
        "feature_size": judge.network.feature_size,
        "classes": judge.classes,
        "accuracy": judge.accuracy,
        "counts": {name: len(split) for name, split in splits.items()},
    }
    arrays = values(judge.network.get_parameters())
    if judge.centroids is not None:
        arrays[_CENTROIDS] = judge.centroids
    states.write(folder / STATE, arrays, about)
    about["sha256"] = sha256(folder / STATE)
    for name, split in splits.items():
        seen = judge.see(split.images)
        for kind in KINDS:
            array = getattr(seen, kind)
            array_files.make(folder, f"{name}_{kind}", array.shape, array.dtype.type).write(
                0, array
            )
    write_json(folder / DESCRIPTION, about)
    return about


def load(folder: Path) -> Judge:
    """Read a judge that `save` wrote.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    source = folder / STATE
    try:
        arrays, about = states.read(source)
    except UserError as error:
        raise UserError(f"{error}: {_ADVICE}") from None
    try:
        network = classifier.build(
            about["image_shape"],
            about["widths"],
            about["feature_size"],
            transformations.TASKS if about["task"] == TRANSFORMATIONS else about["classes"],
        )
        centroids = arrays.pop(_CENTROIDS, None)
        ours = {p.name: p.shape for p in network.get_parameters()}
        if ours != {name: array.shape for name, array in arrays.items()}:
            raise ValueError("its weights are those of another network")
        if about["task"] == LABELS:
            fits = centroids is None
        else:
            fits = centroids is not None and centroids.shape == (
                about["classes"],
                about["feature_size"],
            )
        if not fits:
            raise ValueError("its centroids do not fit its task")
        if not 0 <= about["accuracy"] <= 1:
            raise ValueError("accuracy is not from 0 to 1")
        put(arrays, network.get_parameters())
        network.set_train(False)
        return Judge(
            about["task"],
            tuple(about["image_shape"]),
            about["classes"],
            about["accuracy"],
            network,
            centroids,
            sha256(source),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{source} holds no judge ({error}): {_ADVICE}") from None


def seen(folder: Path, split: str) -> Seen:
    """What the judge of that folder sees in the real images of a split, by memory map.

    Raises
    ------
    UserError
        If a file is missing or damaged, or does not fit the other.
    """
    arrays = []
    for kind, number in KINDS.items():
        source = folder / f"{split}_{kind}.npy"
        try:
            array = read_array(source)
        except FileNotFoundError:
            raise UserError(f"{source} is missing: run `dvc repro` first") from None
        except UserError as error:
            raise UserError(f"{error}: {_ADVICE}") from None
        if array.dtype != number:
            raise UserError(
                f"{source} is damaged (it holds {array.dtype}, valid is {np.dtype(number)}): "
                f"{_ADVICE}"
            )
        arrays.append(array)
    features, classes = arrays
    if features.ndim != 2 or classes.shape != features.shape[:1]:
        raise UserError(
            f"{folder}: features {features.shape} and classes {classes.shape} of the {split} "
            f"split do not fit each other: {_ADVICE}"
        )
    return Seen(features, classes)
