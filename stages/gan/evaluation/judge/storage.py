"""Saves and loads a judge, with its features and classes of the real images.

The files in its folder:

    judge.state     weights and centroids as arrays, the description, under one checksum
    judge.json      the same description, with accuracy and the sha256 of judge.state
    train_features.npy test_features.npy    (N, feature_size) float32, of the real images
    train_classes.npy test_classes.npy      (N,) uint16, the judge's classes

Two scores can be compared only if the same judge gave them, so its sha256 is stored with each.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import mindspore as ms
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json, sha256, write_json
from stages.gan.common.language import _, translated
from stages.gan.data.prepared import Split, array_files
from stages.gan.data.prepared.arrays import ADVICE, are_finite, check_values, open_made
from stages.gan.evaluation.judge import (
    LABELS,
    TRANSFORMATIONS,
    Judge,
    Seen,
    classifier,
    transformations,
)
from stages.gan.params import Width
from stages.gan.trained import states
from stages.gan.trained.checkpoints import put, values

STATE = "judge.state"
DESCRIPTION = "judge.json"
_CENTROIDS = "centroids"
# The stored results of the judge on real images, and their types.
KINDS = {"features": np.float32, "classes": np.uint16}


class _Description(BaseModel):
    """The description of the weights in judge.state.

    The bounds are those of params.yaml, labels and images. They limit what `load` builds.
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
        """The arguments of `classifier.build`."""
        outputs = transformations.TASKS if self.task == TRANSFORMATIONS else self.classes
        return self.image_shape, self.widths, self.feature_size, outputs


def save(folder: Path, judge: Judge, splits: Mapping[str, Split]) -> dict[str, Any]:
    """Write the judge into an existing folder, with its features and classes of the real images.

    Returns
    -------
    The content of judge.json: task, image_shape, widths, feature_size, classes, accuracy, counts
    of images by split, and sha256.
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


def _state_of(place: Path) -> Path:
    """The state of a judge, of the folder that holds it or of the file itself, of any name."""
    is_file = place.is_file() or (place.suffix != "" and not place.is_dir())
    return place if is_file else place / STATE


def load(place: Path) -> Judge:
    """Read a judge that `save` wrote, from its folder or from its state's file.

    The network is built only if the file has as many weights as the description says, so that a
    false description cannot fill the memory.

    Raises
    ------
    UserError
        If the judge is missing or damaged.
    """
    source = _state_of(place)
    try:
        arrays, stored = states.read(source)
    except UserError as error:
        raise UserError(f"{error}: {translated(ADVICE)}") from None
    try:
        about = _Description.model_validate(stored)
    except ValidationError as error:
        first = error.errors()[0]
        raise _no_judge(source, f"{first['loc'][0]}: {first['msg']}") from None
    centroids = arrays.pop(_CENTROIDS, None)
    count, found = classifier.parameters(*about.network), sum(a.size for a in arrays.values())
    if count != found:
        raise _no_judge(
            source,
            _("it has {found:,} weights, but its network needs {count:,}").format(
                found=found, count=count
            ),
        )
    network = classifier.build(*about.network)
    ours = {p.name: (p.shape, ms.dtype_to_nptype(p.dtype)) for p in network.get_parameters()}
    if ours != {name: (array.shape, array.dtype) for name, array in arrays.items()}:
        raise _no_judge(source, _("its weights belong to another network"))
    needed = None if about.task == LABELS else ((about.classes, about.feature_size), np.float64)
    if needed != (None if centroids is None else (centroids.shape, centroids.dtype)):
        raise _no_judge(source, _("its centroids do not fit its task"))
    if not all(map(are_finite, [*arrays.values(), *([] if centroids is None else [centroids])])):
        raise _no_judge(source, _("some of its weights or centroids are not finite"))
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


def load_published(place: Path, expected: str | None = None) -> Judge:
    """Read a judge that may come from elsewhere, and check its sha256.

    `place` is a folder with judge.state, and perhaps with judge.json, or such a state's file, of
    any name. The sha256 must be the one that judge.json beside a judge.state has, and `expected`,
    if that is given.

    Raises
    ------
    UserError
        If the judge is missing, damaged, or another one.
    """
    source = _state_of(place)
    description = source.parent / DESCRIPTION
    judge = load(place)
    described = source.name == STATE and description.exists()
    stated = read_json(description, "sha256")["sha256"] if described else None
    for wanted, origin in ((stated, description), (expected, "--sha256")):
        if wanted is not None and judge.sha256 != wanted:
            raise UserError(
                _("{source} has the sha256 {found}, but {place} says {wanted}").format(
                    source=source, found=judge.sha256, place=origin, wanted=wanted
                )
            )
    return judge


def _no_judge(source: Path, reason: str) -> UserError:
    return UserError(
        _("{source} holds no judge ({reason}): {advice}").format(
            source=source, reason=reason, advice=translated(ADVICE)
        )
    )


def seen(folder: Path, judge: Judge, split: str, count: int) -> Seen:
    """The judge's features and classes of the real images of a split, by memory map.

    Parameters
    ----------
    folder : Path
    judge : Judge
        The judge that `load` read from `folder`.
    split : str
        train | test.
    count : int
        The number of images in the split.

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
                _(
                    "{file} does not fit the judge and the {count:,} images of the {split} "
                    "split: its shape is {shape}, valid is {valid}: {advice}"
                ).format(
                    file=sources[kind],
                    count=count,
                    split=split,
                    shape=array.shape,
                    valid=shapes[kind],
                    advice=translated(ADVICE),
                )
            )
    check_values(sources["features"], arrays["features"], are_finite, _("finite numbers"))
    check_values(
        sources["classes"],
        arrays["classes"],
        lambda classes: bool((classes < judge.classes).all()),
        _("whole numbers below {classes}").format(classes=judge.classes),
    )
    return Seen(arrays["features"], arrays["classes"])
