"""Where everything lies, in one place. All paths are relative to the project's folder."""

from pathlib import Path

PARAMS = Path("params.yaml")
# The shares of the classes, in evaluation_pictures. Just a name: while evaluate writes, that folder
# has another one.
CLASSES = "classes.json"

# The grids of single epochs, in training_pictures: 1.png, 2.png and so on. DVC's extension of VS
# Code shows such a folder, listed under `plots:` in dvc.yaml, as one picture with a slider.
EPOCHS = "epochs"


def raw(dataset: str) -> Path:
    """What was downloaded, in its original form."""
    return Path("data") / dataset / "raw"


def prepared(dataset: str) -> Path:
    """The arrays that training reads."""
    return Path("data") / dataset / "prepared"


def judge(dataset: str) -> Path:
    """The network that measures images, and what it sees in the real ones."""
    return Path("data") / dataset / "judge"


def models(dataset: str) -> Path:
    """Checkpoints of both networks."""
    return Path("models") / dataset / "checkpoints"


def export(dataset: str) -> Path:
    """The trained networks in forms that need nothing of this project."""
    return Path("models") / dataset / "export"


def metrics(dataset: str) -> Path:
    """Small JSON and CSV files, kept in git."""
    return Path("metrics") / dataset


def training_pictures(dataset: str) -> Path:
    """The grid of each epoch and the animation of them all."""
    return Path("reports") / dataset / "training"


def evaluation_pictures(dataset: str) -> Path:
    """The grids that evaluate draws."""
    return Path("reports") / dataset / "evaluation"


def report(dataset: str) -> Path:
    """The page."""
    return Path("reports") / dataset / "index.html"


def failure(dataset: str) -> Path:
    """The page about a training run that failed; no stage's out, so DVC leaves it alone."""
    return Path("reports") / dataset / "failure.html"


def collapse(dataset: str) -> Path:
    """Where the failing run and its fixed forms happen, apart from the project's own results."""
    return Path("reports") / "collapse" / dataset


def from_project(path: str) -> Path:
    """A path that a user gave: absolute, from the home folder, or from the project's folder."""
    return Path(path).expanduser()
