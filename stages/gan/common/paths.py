"""The paths of all files and folders, relative to the project's folder."""

import os
import shlex
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

PARAMS = Path("params.yaml")
# All that `evaluate` measures, in `metrics`. evaluate.json has only what runs are compared by.
SCORES = "scores.json"
# The shares of the classes, in evaluation_pictures. Only a file name: while evaluate writes, that
# folder has another name.
CLASSES = "classes.json"

# The quick score of each epoch, beside the checkpoints and in training_pictures; only a file name.
QUICK_SCORES = "quick_score.csv"

# The grids of single epochs, in training_pictures: 1.png, 2.png and so on. dvc.yaml lists the
# folder under `plots:`, and DVC's extension of VS Code shows it as one picture with a slider.
EPOCHS = "epochs"


def raw(dataset: str) -> Path:
    """The downloaded files, in their original form."""
    return Path("data") / dataset / "raw"


def prepared(dataset: str) -> Path:
    """The arrays that training reads."""
    return Path("data") / dataset / "prepared"


def judge(dataset: str) -> Path:
    """The judge (the network that measures images), and its features of the real images."""
    return Path("data") / dataset / "judge"


def models(dataset: str) -> Path:
    """Checkpoints of both networks."""
    return Path("models") / dataset / "checkpoints"


def export(dataset: str) -> Path:
    """The trained networks in formats that need no code of this project."""
    return Path("models") / dataset / "export"


def metrics(dataset: str) -> Path:
    """Small JSON and CSV files, tracked by git."""
    return Path("metrics") / dataset


def training_pictures(dataset: str) -> Path:
    """The grid of each epoch and the animation of all grids."""
    return Path("reports") / dataset / "training"


def evaluation_pictures(dataset: str) -> Path:
    """The grids that evaluate draws."""
    return Path("reports") / dataset / "evaluation"


def report(dataset: str) -> Path:
    """The report page."""
    return Path("reports") / dataset / "index.html"


def play(dataset: str) -> Path:
    """The page in which the networks run."""
    return Path("reports") / dataset / "play.html"


def failure(dataset: str) -> Path:
    """The page about a training run that failed. It is no stage's out, so DVC leaves it alone."""
    return Path("reports") / dataset / "failure.html"


def collapse(dataset: str) -> Path:
    """The folder of the failing run and its fixed forms, apart from the project's own results."""
    return Path("reports") / "collapse" / dataset


_project = Path()


def set_project(folder: Path) -> None:
    """Name the user's own folder of the project, where stages run in a copy of it."""
    global _project
    _project = folder


def from_project(path: str) -> Path:
    """A path that a user gave: absolute, from the home folder, or from the project's folder.

    A copy of the project has only what git knows, so what it lacks is looked for in the project.
    """
    given = Path(path).expanduser()
    return given if os.path.lexists(given) else _project / given


def refuse_own_result(given: str, own: Path, param: str) -> None:
    """Raise UserError if a path lies in `own`, the out of the stage that is to read the path.

    DVC removes a stage's outs before the stage runs. So the message says how to copy them first.
    """
    try:
        folders = [Path(os.path.realpath(place)) for place in (from_project(given), own)]
    except (OSError, RuntimeError, ValueError):
        return  # no such path: who reads it says so
    if folders[1] not in (folders[0], *folders[0].parents):
        return
    copy = Path(f"earlier-{own.parts[1]}")
    while copy.exists():
        copy = copy.with_name(f"{copy.name}-2")
    words = [shlex.quote(place.as_posix()) for place in (own, copy)]
    restore = "" if own.exists() else f"dvc checkout {words[0]} && "
    inner = folders[0].relative_to(folders[1])
    raise UserError(
        _(
            "{param} is {given}, which this stage makes itself, and DVC removes it before "
            "the stage runs: copy it (`{restore}cp -r {source} {copy}`), then set {param} "
            "to {path}"
        ).format(
            param=param,
            given=given,
            restore=restore,
            source=words[0],
            copy=words[1],
            path=(copy / inner).as_posix(),
        )
    )
