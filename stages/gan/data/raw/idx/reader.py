"""Prepares IDX files: their own split, or one drawn here; labels where there are some."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.prepared import SPLITS, Prepared, array_files, make_images, normalise
from stages.gan.data.raw import copies
from stages.gan.data.raw.idx import raw, values
from stages.gan.params import Preprocess

_NAMES = {
    "train": (raw.TRAIN_IMAGES, raw.TRAIN_LABELS),
    "test": (raw.TEST_IMAGES, raw.TEST_LABELS),
}
_BLOCK = 1024


def read_split(folder: Path, split: str) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Images (N, height, width) or (N, height, width, 1 or 3), and labels (N,) if there are some.

    Parameters
    ----------
    folder : Path
        The folder of the downloaded files.
    split : str
        train | test

    Raises
    ------
    UserError
        If a file is damaged, holds no images or no labels, or the counts differ.
    """
    image_name, label_name = _NAMES[split]
    images = values.read(folder / image_name)
    values.check_images(images, image_name)
    if not (folder / label_name).exists():
        return images, None
    labels = values.labels_of(values.read(folder / label_name), label_name)
    if len(images) != len(labels):
        raise UserError(
            _("{image_name} holds {images} images but {label_name} {labels} labels").format(
                image_name=image_name, images=len(images), label_name=label_name, labels=len(labels)
            )
        )
    return images, labels


def prepare(source: Path, target: Path, settings: Preprocess) -> Prepared:
    """Write images, and labels if there are some, of both splits into `target`.

    The split is that of the files. Without a test file, one is drawn from the training images.
    Memory does not grow with the number of images, but for 84 bytes an image to find copies, and
    its label.

    Raises
    ------
    UserError
        If a file is damaged, or holds what cannot be used; see `values` and `copies`.
    """
    given = {
        split: read_split(source, split)
        for split in SPLITS
        if split == "train" or (source / raw.TEST_IMAGES).exists()
    }
    limits = {"train": settings.maximum_images, "test": settings.test_maximum}
    images = {split: array[: limits[split]] for split, (array, _) in given.items()}
    levels = values.levels_of({_NAMES[split][0]: array for split, array in images.items()})
    starts = {"train": 0, "test": len(images["train"])}

    def pixels(split: str, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        taken = levels.of(images[split][rows])
        array_files.let_go(given[split][0])
        return values.fitted(taken, settings.image_size, settings.channels, settings.transposed)

    seen = copies.joined(
        [
            copies.see(pixels(split, rows))
            for split, array in images.items()
            for rows in _parts(np.arange(len(array)), array.shape[1:])
        ]
    )
    first = copies.firsts(seen.digests)
    if "test" in given:
        division = copies.as_divided(first, starts["test"], settings.duplicates)
    else:
        division = copies.divide(
            first, settings.duplicates, settings.test_fraction, settings.test_maximum, settings.seed
        )
    made = {}
    for split, numbers in division.rows.items():
        origin = split if split in given else "train"
        rows = numbers - starts[origin]
        shape = (len(rows), settings.channels, settings.image_size, settings.image_size)
        made[split] = make_images(target, split, shape)
        done = 0
        for part in _parts(rows, images[origin].shape[1:]):
            made[split].write(done, normalise(pixels(origin, part)))
            done += len(part)
        if (labels := given[origin][1]) is not None:
            file = array_files.make(target, f"{split}_labels", (len(rows),), np.uint8)
            file.write(0, labels[rows])
    train, test = (seen.rows(division.rows[split]) for split in SPLITS)
    near = copies.near(train, test, made)
    beyond = sum(len(array) - len(images[split]) for split, (array, _) in given.items())
    return Prepared(
        counts={split: len(rows) for split, rows in division.rows.items()},
        rejected={},
        copies=copies.described(
            division,
            near,
            settings.duplicates,
            lambda split, row: f"image {_number(division, starts, given, split, row)}",
        ),
        beyond_maximum=beyond,
        several_frames=0,
        values=levels.words,
    )


def _number(
    division: copies.Division, starts: dict[str, int], given: Any, split: str, row: int
) -> str:
    """The place of an image in its file, counted from 0, and which file that is."""
    origin = split if split in given else "train"
    return f"{division.rows[split][row] - starts[origin]} of {_NAMES[origin][0]}"


def _parts(rows: NDArray[np.int64], shape: tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """Rows, in parts whose images take little memory."""
    for part in array_files.blocks(len(rows), shape, _BLOCK):
        yield rows[part]
