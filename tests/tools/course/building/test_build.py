"""Built files are written whole, and no student's work is overwritten."""

import subprocess
from pathlib import Path

from stages.tools.course.building import build
from stages.tools.course.parts import Part
from tests.helpers.project import ROOT

PART = Part(3, ROOT / "course/3-losses")


def test_students_get_no_teachers_notebook():
    names = {path.name for path in build.contents(PART)}
    assert names == {"checks.json", "student.en.ipynb", "student.zh.ipynb"}
    more = {path.name for path in build.contents(PART, with_teacher=True)} - names
    assert more == {"teacher.en.ipynb", "teacher.zh.ipynb"}


def test_a_notebook_that_was_edited_is_recognised(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = Path("a.ipynb")
    assert not build.was_edited(notebook, "built")
    notebook.write_text("committed")
    assert not build.was_edited(notebook, "built")  # in no repository: nobody can tell
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b.c commit -qm first"):
        subprocess.run(["git", *command.split()], check=True)
    assert not build.was_edited(notebook, "built")
    notebook.write_text("a student's cell that was not run")
    assert build.was_edited(notebook, "built")
    assert not build.was_edited(notebook, "a student's cell that was not run")


def test_a_notebook_that_was_run_is_recognised(tmp_path):
    fresh = PART.notebook("student", "en").read_text(encoding="utf-8")
    notebook = tmp_path / "a.ipynb"
    assert not build.was_run(notebook)
    notebook.write_text(fresh, encoding="utf-8")
    assert not build.was_run(notebook)
    notebook.write_text(fresh.replace('"execution_count": null', '"execution_count": 2', 1))
    assert build.was_run(notebook)
    notebook.write_text("{")
    assert build.was_run(notebook)
    assert not build.was_run(PART.checks)
