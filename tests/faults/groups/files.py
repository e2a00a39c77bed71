"""Files and folders that may not be read or written, or that are something else."""

import os
import shutil
import stat
from functools import partial
from pathlib import Path

from tests.faults.groups.archives import remove_any
from tests.faults.trial import EITHER, ERROR, SUCCESS, Fault, Skip, stage_fault
from tests.faults.world import World

GROUP = "files and folders"


def as_anyone(world: World) -> None:
    """Run what follows without root's right to read and write everything."""
    if os.geteuid():
        return
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Skip("root may read everything, and there is no setpriv")
    world.before = (setpriv, "--bounding-set", "-dac_override,-dac_read_search")


def forbid(path: str, mode: int, world: World) -> None:
    """Take away rights on a path of the project."""
    as_anyone(world)
    place = world.project / path
    if mode == 0o555:
        place.mkdir(parents=True, exist_ok=True)
    before = stat.S_IMODE(place.stat().st_mode)
    place.chmod(mode)

    def undo() -> None:
        # It may have been moved aside.
        for path in (place, place.with_name(f".incomplete-{place.name}-before")):
            if path.exists():
                path.chmod(before)

    world.undo.append(undo)


def missing(path: str, world: World) -> None:
    """Remove something."""
    remove_any(world.project / path)


def file_instead(path: str, world: World) -> None:
    """A file where a folder is to be."""
    place = world.project / path
    aside = world.folder / "aside"
    if place.exists():
        place.rename(aside)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file")

    def undo() -> None:
        remove_any(place)
        if aside.exists():
            aside.rename(place)

    world.undo.append(undo)


def folder_instead(path: str, world: World) -> None:
    """A folder where a file is to be."""
    place = world.project / path
    remove_any(place)
    place.mkdir(parents=True)
    (place / "file").write_text("in it")
    world.undo.append(lambda: remove_any(place))


def link_instead(path: str, is_folder: bool, world: World) -> None:
    """A link to a place outside of the project, whose content must stay as it is."""
    place: Path = world.project / path
    remove_any(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    target = world.elsewhere / "precious"
    if is_folder:
        target.mkdir()
        target /= "file"
    target.write_text("precious")
    place.symlink_to(world.elsewhere / "precious")
    world.undo.append(lambda: remove_any(place))


def broken_link_instead(path: str, world: World) -> None:
    """A link to nowhere."""
    place = world.project / path
    remove_any(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(world.elsewhere / "nowhere")
    world.undo.append(lambda: remove_any(place))


def faults() -> list[Fault]:
    """All faults of this kind."""
    found = []

    def add(*arguments, **options) -> None:
        found.append(stage_fault(GROUP, *arguments, **options))

    locked: list[tuple[str, str, str, int, bool]] = [
        ("mnist", "download", "data/mnist", 0o555, False),
        ("mnist", "download", "data", 0o555, False),
        ("mnist", "download", "params.yaml", 0, False),
        ("mnist", "preprocess", "data/mnist", 0o555, False),
        ("mnist", "preprocess", "data/mnist/raw", 0, False),
        ("mnist", "preprocess", "data/mnist/raw/train-images-idx3-ubyte", 0, False),
        ("mnist", "preprocess", "data/mnist/raw/source.json", 0, False),
        ("faces", "preprocess", "data/faces/raw/images.zip", 0, False),
        ("mnist", "train", "models/mnist", 0o555, False),
        ("mnist", "train", "reports/mnist", 0o555, True),
        ("mnist", "train", "metrics/mnist", 0o555, True),
        ("mnist", "train", "data/mnist/prepared/train_images.npy", 0, True),
        ("mnist", "train", "data/mnist/prepared/prepared.json", 0, True),
        ("mnist", "evaluate", "models/mnist/checkpoints/final/generator.safetensors", 0, True),
        ("mnist", "evaluate", "models/mnist/checkpoints/final/checkpoint.json", 0, True),
        ("mnist", "evaluate", "metrics/mnist", 0o555, True),
        ("mnist", "report", "reports/mnist", 0o555, True),
        ("mnist", "report", "reports/mnist/training/verdict.json", 0, True),
        ("mnist", "report", "metrics/mnist/history.csv", 0, True),
    ]
    for dataset, stage, path, mode, full in locked:
        word = "read-only" if mode else "unreadable"
        add(f"{word} {path}", dataset, stage, partial(forbid, path, mode), ERROR, full,
            mention=path.rpartition("/")[2], earlier=path != "data")  # fmt: skip
    add("read-only earlier outs", "mnist", "preprocess",
        partial(forbid, "data/mnist/prepared", 0o555), EITHER)  # fmt: skip
    gone = [
        ("mnist", "preprocess", "data/mnist/raw"),
        ("mnist", "preprocess", "data"),
        ("mnist", "train", "data/mnist/prepared"),
        ("mnist", "evaluate", "models/mnist/checkpoints"),
        ("mnist", "evaluate", "models/mnist/checkpoints/final/discriminator.safetensors"),
        ("mnist", "evaluate", "data/mnist/prepared/test_images.npy"),
        ("mnist", "report", "metrics/mnist/scores.json"),
        ("mnist", "report", "metrics/mnist/history_steps.csv"),
        ("mnist", "report", "reports/mnist/training"),
        ("mnist", "report", "reports/mnist/evaluation/nearest.png"),
        ("mnist", "report", "data/mnist/raw/source.json"),
    ]
    for number, (dataset, stage, path) in enumerate(gone):
        add(f"missing {path}", dataset, stage, partial(missing, path), ERROR, number > 2,
            mention=path)  # fmt: skip
    for dataset, stage, path, full in [
        ("mnist", "download", "data", False),
        ("mnist", "download", "data/mnist", False),
        ("mnist", "preprocess", "data/mnist/raw", False),
        ("mnist", "train", "models", True),
        ("mnist", "train", "reports/mnist", True),
        ("mnist", "train", "metrics/mnist", True),
        ("mnist", "evaluate", "models/mnist/checkpoints", True),
        ("mnist", "evaluate", "metrics", True),
    ]:
        add(f"file for the folder {path}", dataset, stage, partial(file_instead, path), ERROR, full)
    for dataset, stage, path, full in [
        ("mnist", "preprocess", "data/mnist/raw/train-images-idx3-ubyte", False),
        ("mnist", "train", "metrics/mnist/train.json", True),
        ("mnist", "train", "data/mnist/prepared/train_latents.npy", True),
        ("mnist", "evaluate", "metrics/mnist/scores.json", True),
        ("mnist", "report", "reports/mnist/index.html", True),
        ("mnist", "report", "metrics/mnist/train.json", True),
    ]:
        name = f"folder for the file {path}"
        add(name, dataset, stage, partial(folder_instead, path), ERROR, full, earlier=False)
    for stage, path in (
        ("download", "data/mnist/raw"),
        ("download", "data/mnist/.incomplete-raw"),
        ("preprocess", "data/mnist/prepared"),
        ("preprocess", "data/mnist/.incomplete-prepared"),
    ):
        add(f"link at {path}", "mnist", stage, partial(link_instead, path, True), SUCCESS)
        add(f"broken link at {path}", "mnist", stage, partial(broken_link_instead, path), SUCCESS)
    add("file at data/mnist/.incomplete-raw", "mnist", "download",
        partial(file_instead, "data/mnist/.incomplete-raw"), SUCCESS)  # fmt: skip
    add("link at metrics/mnist/train.json", "mnist", "train",
        partial(link_instead, "metrics/mnist/train.json", False), SUCCESS, True)  # fmt: skip
    add("link at reports/mnist/index.html", "mnist", "report",
        partial(link_instead, "reports/mnist/index.html", False), SUCCESS, True)  # fmt: skip
    return found
