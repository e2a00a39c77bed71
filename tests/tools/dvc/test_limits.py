"""What DVC cannot do in a clone or at a path is said before anything trains, with what helps."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from stages.tools.dvc import limits
from tests.helpers.data import message_of

CACHE_FOLDER = limits.cache_folder


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes a git repository with two commits in a folder, which becomes the working directory."""

    def made(name: str = "project"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        git("init", "-q")
        for number in range(2):
            git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty",
                "-m", str(number))  # fmt: skip
        return folder

    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    # It takes a second, and matters where the path is not ASCII.
    monkeypatch.setattr(limits, "cache_folder", lambda: "/cache")
    return made


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("name", ["plain", "a b", "it's", "a%4", "100%zz", "a[1];b&c", "~a", "a,b"])
def test_where_copies_work_nothing_is_said(make, name):
    make(name)
    limits.complain_if_no_copies()


def test_a_detached_commit_works(make):
    make()
    git("checkout", "-q", "--detach")
    limits.complain_if_no_copies()


def test_a_shallow_clone_is_told_and_the_command_mends_it(make, tmp_path, monkeypatch):
    folder = make()
    git("clone", "-q", "--depth", "1", f"file://{folder}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    told = message_of(limits.complain_if_no_copies)
    assert told.startswith("this clone is shallow (`git clone --depth`)")
    (command,) = re.findall("first run `(.*)`", told)
    git(*shlex.split(command)[1:])
    limits.complain_if_no_copies()


@pytest.mark.parametrize("name", ["a#b", "why?", "été #1/project", "#/数据", "a%41b", "a%20b/c"])
def test_a_path_at_which_copies_fail_is_told_and_the_project_can_be_moved(make, monkeypatch, name):
    make(name)
    told = message_of(limits.complain_if_no_copies)
    assert told.startswith("the project's path has a ")
    (command,) = re.findall(r"move the project \(`(.*)`\)", told)
    moved = command.removesuffix(" && make clean-venv setup")
    assert moved != command
    shell = ["sh", "-c", f"{moved} && pwd"]
    shown = subprocess.run(shell, capture_output=True, text=True, check=True)
    monkeypatch.chdir(shown.stdout.strip())
    limits.complain_if_no_copies()


@pytest.mark.parametrize("filled", [True, False])
def test_a_cache_at_a_path_that_is_not_ascii_is_told_and_can_be_moved(make, monkeypatch, filled):
    folder = make("数据")
    monkeypatch.setattr(limits, "cache_folder", CACHE_FOLDER)
    subprocess.run(["dvc", "init", "-q"], check=True)
    if filled:
        (folder / ".dvc/cache/files").mkdir(parents=True)
    told = message_of(limits.complain_if_no_copies)
    assert told.startswith(f"the path of DVC's cache is {folder}/.dvc/cache")
    (command,) = re.findall(r"move the cache \(`(.*)`\)", told)
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    limits.complain_if_no_copies()
    cache = Path(limits.cache_folder())
    assert cache.is_dir()
    assert (cache / "files").is_dir() == filled


@pytest.mark.parametrize(
    ("key", "value"),
    [("user.name", "张 三"), ("remote.origin.url", "/数据/x"), ("branch.新功能.remote", "origin")],
)
def test_a_setting_of_git_that_is_not_ascii_is_told_and_can_be_moved(make, key, value):
    make()
    git("config", key, value)
    told = message_of(limits.complain_if_no_copies)
    assert told.startswith(f"{key} of this clone's git is {value}")
    (command,) = re.findall(r"for all clones \(`(.*)`\)", told)
    subprocess.run(["sh", "-c", command], check=True)
    limits.complain_if_no_copies()
    asked = subprocess.run(["git", "config", key], capture_output=True, check=True)
    assert asked.stdout.decode().strip() == value


def test_dvcs_own_local_settings_must_be_ascii(make):
    folder = make()
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config.local").write_text("[remote x]\n    url = /数据\n", encoding="utf-8")
    assert "move these settings to .dvc/config" in message_of(limits.complain_if_no_copies)


def test_no_commit_and_no_repository_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in message_of(limits.complain_if_no_copies)
    git("init", "-q")
    assert "there is no commit here" in message_of(limits.complain_if_no_copies)


@pytest.mark.parametrize("option", ["--queue", "--temp", "--run-all", "-j", "-j2", "--jobs=2"])
def test_only_options_that_ask_for_a_copy_are_checked(make, option):
    make("a#b")
    limits.complain_if_copies_are_asked_for(["-S", "a=--temp", "--force"])
    assert "the project's path" in message_of(
        limits.complain_if_copies_are_asked_for, ["-S", "a=1", option]
    )


def test_a_param_that_dvc_cannot_set_is_told():
    limits.complain_if_not_settable("mnist", ["mnist.train.epochs", "datasets.my-set.network"])
    told = message_of(limits.complain_if_not_settable, "数字", ["a.b", "数字.train.epochs"])
    assert "cannot set 数字.train.epochs" in told
    assert "`dvc exp run report@数字`" in told


def test_an_emptied_configuration_is_told_and_the_command_brings_it_back(make):
    folder = make()
    config = folder / ".dvc/config"
    config.parent.mkdir()
    assert limits.emptied_configuration() == ""
    config.touch()  # as `dvc init` leaves it
    git("add", "-A")
    git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "init")
    assert limits.emptied_configuration() == ""
    config.write_text("[core]\n    remote = shared\n")
    assert limits.emptied_configuration() == ""
    git("add", "-A")
    git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "remote")
    config.write_text("")
    told = limits.emptied_configuration()
    assert told.startswith(".dvc/config is empty, but not in the last commit")
    git(*shlex.split(re.findall("`(git [^`]*)`", told)[0])[1:])
    assert limits.emptied_configuration() == ""
    assert config.read_text()
