"""The Makefile's set-up, up to the point where it would install."""

import shutil

import pytest

from tests.helpers.project import ROOT, Project

# It stands for Python: nothing is installed.
PYTHON = '#!/bin/sh\ncase "$*" in *venv*) echo installing; exit 9;; esac\n'
NO_REPOSITORY = "this folder is no git repository, but DVC needs one: "


@pytest.fixture
def download(tmp_path, monkeypatch) -> Project:
    """A ZIP download, which has no .git."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    folder = tmp_path / "download"
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    return Project(folder)


def set_up(project: Project, *options: str, **environment: str):
    command = ("make", *options, "setup", f"PYTHON={project.folder}/python")
    return project.run(*command, check=False, **environment)


def test_without_a_git_repository_it_ends_before_it_installs(download):
    result = set_up(download, LC_ALL="zh_CN.UTF-8", LANGUAGE="zh_CN")
    assert result.returncode != 0
    assert "installing" not in result.stdout
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert NO_REPOSITORY in line


def test_what_it_advises_is_enough(download):
    advised = set_up(download).stderr.partition(": run ")[2].splitlines()[0]
    author = {
        f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    download.run("sh", "-c", advised, **author)
    assert download.run("git", "status", "--porcelain").stdout == ""
    result = set_up(download)
    assert "installing" in result.stdout
    assert NO_REPOSITORY not in result.stderr


@pytest.mark.parametrize("place", [".dvc/config", ".dvc/config.local"])
def test_dvc_may_be_set_to_do_without_git(download, place):
    with (download.folder / place).open("a") as file:
        file.write("[core]\n    no_scm = true\n")
    assert "installing" in set_up(download).stdout


def test_a_subfolder_of_a_repository_is_enough(download):
    Project(download.folder.parent).run("git", "init", "-q")
    assert "installing" in set_up(download).stdout


def test_make_shows_what_it_would_do(download):
    shown = set_up(download, "-n")
    assert shown.returncode == 0
    assert NO_REPOSITORY in shown.stdout
    assert not (download.folder / ".venv").exists()
