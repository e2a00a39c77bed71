"""The paths of all files and folders, relative to the project's folder."""

from pathlib import Path

PARAMS = Path("params.yaml")
# The shares of the classes, in evaluation_pictures. Only a file name: while evaluate writes, that
# folder has another name.
CLASSES = "classes.json"

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


def failure(dataset: str) -> Path:
    """The page about a training run that failed. It is no stage's out, so DVC leaves it alone."""
    return Path("reports") / dataset / "failure.html"


def collapse(dataset: str) -> Path:
    """The folder of the failing run and its fixed forms, apart from the project's own results."""
    return Path("reports") / "collapse" / dataset


def from_project(path: str) -> Path:
    """A path that a user gave: absolute, from the home folder, or from the project's folder."""
    return Path(path).expanduser()
