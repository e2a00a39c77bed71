"""Runs the course's notebooks in a copy of the project, as a student's Jupyter does."""

import gc
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbclient import NotebookClient

from stages.tools.course.building import editions
from stages.tools.course.parts import Part
from tests.helpers.project import ROOT, Project, commit

# No notebook's cell takes as long as this: no task may take a student over ten minutes.
_SECONDS = 600
_SHIPPED = ("stages", "recipes", "sweeps", "course", "docs")
_FILES = (
    "dvc.yaml", "params.yaml", ".dvcignore", ".gitattributes", ".gitignore", "LICENSE",
)  # fmt: skip


def student_project(folder: Path, changes: Mapping[str, Any]) -> Project:
    """A clone as a student has it, in git and DVC, with the bundled data alone.

    Parameters
    ----------
    folder : Path
    changes : dotted names of params to their values
    """
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("*.pyc.*", "answers", "teacher.*", ".ipynb_checkpoints")
    for name in _SHIPPED:
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    project = Project(folder)
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    for dataset in params["datasets"]:
        section = params[dataset]["download"]
        section["sources"] = [section["sources"][-1]]
    for name, value in changes.items():
        *path, last = name.split(".")
        section = params
        for key in path:
            section = section[key]
        section[last] = value
    project.write_params(params)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.run("git", "config", "user.name", "student")
    project.run("git", "config", "user.email", "student@example.com")
    commit(project, "a student's clone")
    return project


def run_notebook(
    project: Project,
    part: Part,
    edition: str = editions.TEACHER,
    language: str = "en",
    changes: Mapping[str, Any] | None = None,
) -> nbformat.NotebookNode:
    """Run a part's notebook to its end, in that project.

    Parameters
    ----------
    project : Project
    part : Part
        Its folder is that of the project which is tested.
    edition : str
        student or teacher.
    language : str
        en or zh.
    changes : mapping
        Names of the cell that is tagged `parameters` to other values.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = editions.notebook_of(part, edition, language)
    if changes:
        tagged = [
            index
            for index, cell in enumerate(notebook.cells)
            if "parameters" in cell.metadata.get("tags", [])
        ]
        assert tagged, f"{part.source} has no cell that is tagged `parameters`"
        lines = "\n".join(f"{name} = {value!r}" for name, value in changes.items())
        notebook.cells.insert(tagged[0] + 1, nbformat.v4.new_code_cell(lines, id="changed"))
    where = project.folder / "course" / part.folder.name
    # Sockets and the event loop that nbclient leaves to Python's collector are collected here: else
    # their warnings end another test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            NotebookClient(
                notebook, timeout=_SECONDS, resources={"metadata": {"path": str(where)}}
            ).execute()
        finally:
            gc.collect()
    return notebook
