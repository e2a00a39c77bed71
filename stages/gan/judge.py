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
from typing import Annotated, Any, Literal

import mindspore as ms
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.gan import array_files, classifier, clusters, states, transformations
from stages.gan.arrays import ADVICE, are_finite, check_values, open_made
from stages.gan.checkpoints import put, values
from stages.gan.classifier import Classifier
from stages.gan.errors import UserError
from stages.gan.files import sha256, write_json
from stages.gan.params import Judge as Settings
from stages.gan.params import Width
from stages.gan.prepared import Split
from stages.gan.randomness import stream

STATE = "judge.state"
DESCRIPTION = "judge.json"
LABELS = "labels"
TRANSFORMATIONS = "transformations"
_CENTROIDS = "centroids"
_BLOCK = 1000
# What is stored of what it sees, and as which numbers.
KINDS = {"features": np.float32, "classes": np.uint16}


class _Description(BaseModel):
    """What judge.state says of its weights, as far as it is needed to use them.

    The bounds are those of params.yaml, labels, and images; they bound what `load` builds.
    """

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    task: Literal["labels", "transformations"]
    image_shape: Annotated[
        list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=3, max_length=3)
    ]
    widths: Annotated[list[Width], Field(min_length=1, max_length=8)]
    feature_size: Annotated[int, Field(ge=2, le=4096)]
    classes: Annotated[int, Field(ge=1, le=1000)]
    accuracy: Annotated[float, Field(ge=0, le=1)]

    @property
    def network(self) -> tuple[list[int], list[int], int, int]:
        """What `classifier.build` is given."""
        outputs = transformations.TASKS if self.task == TRANSFORMATIONS else self.classes
        return self.image_shape, self.widths, self.feature_size, outputs


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
        UserError
            If a feature is not finite: the judge is damaged, or its training diverged.
        """
        if images.shape[1:] != self.image_shape or not len(images):
            raise ValueError(f"images {images.shape}: valid is (1 on, {self.image_shape})")
        features, logits = classifier.apply(self.network, images)
        if not are_finite(features):
            raise UserError(
                "the judge's features are not finite, as it is damaged or its training diverged: "
                "a smaller judge.learning_rate is the first thing to try, then `dvc repro`"
            )
        if self.centroids is None:
            classes = logits.argmax(axis=1)
        else:
            classes = clusters.nearest_centroid(features, self.centroids)
        return Seen(features, classes.astype(np.uint16))


def make(train: Split, test: Split, settings: Settings) -> Judge:
    """Train a judge on the training split; the held-out one serves its accuracy alone.

    The same data and settings give the same judge to the bit. Where there are no labels the
    features of all training images are kept for a while, once in float32 and once in float64: 12
    bytes a feature, 54 MB for 70,000 images with 64. All else is done in blocks.

    Raises
    ------
    UserError
        If the training diverges; if there are no labels and the images are not square, as then
        they cannot be turned by 90 degrees.
    """
    labels, answers = train.labels, test.labels
    if labels is None or answers is None:
        labels = answers = None
    channels, height, width = image_shape = train.images.shape[1:]
    if labels is None and height != width:
        raise UserError(
            f"a judge of images of {height} x {width} pixels without labels cannot be trained, as "
            "it learns from quarter turns: valid are labels for both splits, or square images"
        )
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
    if not all(map(are_finite, values(network.get_parameters()).values())):
        raise UserError(
            "the judge's training diverged and its weights are not finite: a smaller "
            "judge.learning_rate is the first thing to try"
        )
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

    No network is built before its weights are known to be as many as the description says, so
    that none can fill the memory.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    source = folder / STATE
    try:
        arrays, stored = states.read(source)
    except UserError as error:
        raise UserError(f"{error}: {ADVICE}") from None
    try:
        about = _Description.model_validate(stored)
    except ValidationError as error:
        first = error.errors()[0]
        raise _no_judge(source, f"{first['loc'][0]}: {first['msg']}") from None
    centroids = arrays.pop(_CENTROIDS, None)
    count, found = classifier.parameters(*about.network), sum(a.size for a in arrays.values())
    if count != found:
        raise _no_judge(source, f"it has {found:,} weights, its network has {count:,}")
    network = classifier.build(*about.network)
    ours = {p.name: (p.shape, ms.dtype_to_nptype(p.dtype)) for p in network.get_parameters()}
    if ours != {name: (array.shape, array.dtype) for name, array in arrays.items()}:
        raise _no_judge(source, "its weights are those of another network")
    needed = None if about.task == LABELS else ((about.classes, about.feature_size), np.float64)
    if needed != (None if centroids is None else (centroids.shape, centroids.dtype)):
        raise _no_judge(source, "its centroids do not fit its task")
    if not all(map(are_finite, [*arrays.values(), *([] if centroids is None else [centroids])])):
        raise _no_judge(source, "not all of its weights and centroids are finite")
    put(arrays, network.get_parameters())
    network.set_train(False)
    channels, height, width = about.image_shape
    return Judge(
        about.task,
        (channels, height, width),
        about.classes,
        about.accuracy,
        network,
        centroids,
        sha256(source),
    )


def _no_judge(source: Path, reason: str) -> UserError:
    return UserError(f"{source} holds no judge ({reason}): {ADVICE}")


def seen(folder: Path, judge: Judge, split: str, count: int) -> Seen:
    """What the judge of that folder sees in the real images of a split, by memory map.

    Parameters
    ----------
    folder : Path
    judge : Judge
        As `load` reads it from there.
    split : str
        train | test.
    count : int
        How many images it has.

    Raises
    ------
    UserError
        If a file is missing or damaged, or does not fit the judge or the split.
    """
    sources = {kind: folder / f"{split}_{kind}.npy" for kind in KINDS}
    arrays = {kind: open_made(sources[kind], number) for kind, number in KINDS.items()}
    shapes = {"features": (count, judge.network.feature_size), "classes": (count,)}
    for kind, array in arrays.items():
        if array.shape != shapes[kind]:
            raise UserError(
                f"{sources[kind]} does not fit the judge and the {count:,} images of the {split} "
                f"split: its shape is {array.shape}, valid is {shapes[kind]}: {ADVICE}"
            )
    check_values(sources["features"], arrays["features"], are_finite, "finite numbers")
    check_values(
        sources["classes"],
        arrays["classes"],
        lambda classes: bool((classes < judge.classes).all()),
        f"whole numbers below {judge.classes}",
    )
    return Seen(arrays["features"], arrays["classes"])
