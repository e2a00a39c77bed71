import pytest

from stages.tools.dvc import git
from tests.helpers.data import message_of
from tests.helpers.project import Project

NO_REPOSITORY = "not a git repository"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Project:
    """An empty folder, without the settings of the machine's git; the working directory."""
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def of_another_user(folder, monkeypatch) -> Project:
    """A repository that seems to be another user's: git has this variable for its own tests."""
    folder.run("git", "init", "-q")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    return folder


def test_git_has_nothing_to_complain_of_in_a_repository(folder):
    folder.run("git", "init", "-q")
    assert git.refusal() == ""
    git.complain_if_refused()


def test_a_folder_without_a_repository_is_refused(folder):
    assert git.refusal().startswith(NO_REPOSITORY)
    assert NO_REPOSITORY in message_of(git.complain_if_refused)


def test_another_users_repository_is_refused_with_what_to_do(of_another_user):
    reason = git.refusal()
    assert reason.startswith("detected dubious ownership in repository at ")
    assert reason.endswith(f"git config --global --add safe.directory {of_another_user.folder}")
    assert "\n" not in reason


def test_what_git_advises_is_enough(of_another_user, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(of_another_user.folder / "gitconfig"))
    of_another_user.run("sh", "-c", "git config" + git.refusal().partition("git config")[2])
    assert git.refusal() == ""


def test_without_git_it_is_named(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert git.refusal() == "git was not found"
    assert git.git("status").returncode != 0
