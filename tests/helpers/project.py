"""A small project in a temporary folder: the shipped code and dvc.yaml, tiny params."""

import os
import shutil
import sys
from pathlib import Path

import yaml

from stages.tools.recipe import recipes
from tests.helpers.forks import commands

ROOT = Path(__file__).parents[2]


def lecture_params() -> dict:
    """The shipped params with the recipe `lecture`."""
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    return recipes.load(recipes.LECTURE, ROOT / recipes.FOLDER).applied(content)


def tiny_params() -> dict:
    """The lecture's params, cut down to what trains in seconds on bundled data."""
    params = lecture_params()
    for name in ("mnist", "faces"):
        section = params[name]
        section["download"]["sources"] = [section["download"]["sources"][-1]]
        section["train"].update(epochs=2, max_steps=None, checkpoint_every=1, batch_size=16)
        section["judge"].update(epochs=2, batch_size=16, widths=[4, 8], feature_size=8, classes=3)
        section["evaluate"].update(samples=64, interpolation_steps=3, nearest=4)
        section["evaluate"]["critic"].update(epochs=2, batch_size=16, widths=[4, 8])
    params["mnist"]["preprocess"]["maximum_images"] = 64
    params["mnist"]["train"]["generator"]["widths"] = [16, 24]
    params["mnist"]["train"]["discriminator"]["widths"] = [24, 16]
    params["faces"]["download"]["bundled_count"] = 40
    params["faces"]["preprocess"].update(image_size=16, latent_size=8)
    params["faces"]["train"]["generator"]["widths"] = [8, 4]
    params["faces"]["train"]["discriminator"]["widths"] = [4, 8]
    return params


class Project:
    """A copy of the project with tiny params, in which commands run as a user runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def params(self) -> dict:
        """params.yaml as it stands."""
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def write_params(self, params: dict) -> None:
        """Replace params.yaml."""
        text = yaml.safe_dump(params, sort_keys=False)
        (self.folder / "params.yaml").write_text(text)

    def run(self, *command: str, check: bool = True, fork: bool = True, **environment: str):
        """Run a command there; `python` and `dvc` are those that run the tests.

        It is a process of its own. If `fork` is true, a fork server starts it if it can; it has
        then imported the libraries before it begins.
        """
        search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        variables = {**os.environ, "PATH": search, **environment}
        result = commands.run(list(command), self.folder, variables, 900, fork)
        if check and result.returncode:
            raise AssertionError(
                f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}"
            )
        return result

    def stage(self, name: str, dataset: str, check: bool = True):
        """Run one stage."""
        return self.run("python", "-m", f"stages.{name}", dataset, check=check)


def make_project(folder: Path) -> Project:
    """Copy the shipped files into a new folder, with tiny params."""
    folder.mkdir(parents=True, exist_ok=True)
    # Compiled modules are copied, too; not one that another process is just writing.
    ignore = shutil.ignore_patterns("*.pyc.*")
    for name in ("stages", "recipes"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("dvc.yaml", ".dvcignore", ".gitattributes", ".gitignore", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    project = Project(folder)
    project.write_params(tiny_params())
    return project


def commit(project: Project, message: str) -> None:
    """Commit everything there is."""
    project.run("git", "add", "-A")
    project.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", message)


# Python imports it at every start; at its end a stage writes down which modules it had imported.
_LISTING = """
import atexit, pathlib, sys

def write():
    program = pathlib.Path(sys.argv[0])
    if program.parent.name == "stages":
        modules = sorted(name for name in sys.modules if name.split(".")[0] == "stages")
        lists = pathlib.Path(__file__).parent
        (lists / f"{program.stem}@{sys.argv[1]}.txt").write_text("\\n".join(modules))

atexit.register(write)
"""


def imported_modules(reproduced: Project, stage: str, dataset: str) -> set[str]:
    """Which of this package a stage had imported when it ended."""
    return set((reproduced.folder.parent / f"{stage}@{dataset}.txt").read_text().split())


def reproduce(home: Path) -> Project:
    """Make a tiny project in git and DVC, and run its whole pipeline once."""
    project = make_project(home / "project")
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    (home / "sitecustomize.py").write_text(_LISTING)
    project.run("dvc", "repro", PYTHONPATH=str(home))
    commit(project, "first run")
    return project
