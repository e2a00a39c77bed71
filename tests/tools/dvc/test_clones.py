"""Private clones of small projects, at the paths at which DVC's own copies fail."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from stages.gan.common.errors import UserError
from stages.tools.dvc import clones, revisions
from stages.tools.dvc.clones import Clone, Experiment
from tests.helpers.data import message_of

PIPELINE = """stages:
  make:
    cmd: pwd > where && echo $GAN_PROJECT >> where && cat tracked untracked > out
    params: [a]
    outs: [out, where]
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes a project of DVC in a folder, which becomes the working directory."""

    def made(name):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        run("git", "init", "-q")
        run("dvc", "init", "-q")
        Path("dvc.yaml").write_text(PIPELINE)
        Path("params.yaml").write_text("a: 1  # a comment\n")
        Path("tracked").write_text("one")
        run("git", "add", "-A")
        run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "first")
        return folder

    return made


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def experiment(**changes) -> Experiment:
    head, files = revisions.head(), clones.files_now()
    given = {
        "name": "mine", "baseline": head, "files": files, "options": ("--set-param=a=2",),
        "target": "make", "message": "why",
        "key": clones.key(head, files, "make", {"a": 2}),
    }  # fmt: skip
    return Experiment(**{**given, **changes})


@pytest.mark.parametrize("name", ["plain", "a#b %41 it's 数据?/deeper"])
def test_an_experiment_runs_apart_and_comes_back_whole(make, name):
    folder = make(name)
    run("git", "config", "user.name", "张 三")
    run("git", "config", "user.email", "z@t")
    run("git", "config", "remote.origin.url", "/数据/x")
    Path(".dvc/config.local").write_text("['remote \"x\"']\n    url = /数据\n", encoding="utf-8")
    Path("tracked").write_text("two")  # an edit that is not committed
    clone = Clone(experiment(options=("--set-param=a=2",)))
    clone.make()
    (clone.folder / "untracked").write_text("three")
    assert clone.start("Made-on: here").wait() == 0, clone.log.read_text()
    assert clone.is_finished
    assert [each.name for each in revisions.experiments()] == []
    clone.collect()
    where = (clone.folder / "where").read_text().splitlines()
    assert where == [str(clone.folder), str(folder)]
    clone.remove()
    (found,) = revisions.experiments()
    assert (found.name, found.baseline) == ("mine", revisions.head())
    revision = revisions.find("mine")
    assert revision.content(Path("params.yaml")) == b"a: 2  # a comment\n"
    assert revision.content(Path("tracked")) == b"two"
    shown = run("git", "show", "-s", "--format=%an%n%B", found.commit)
    assert shown.splitlines()[:4] == ["张 三", "why", "", "Made-on: here"]
    assert Path("params.yaml").read_text() == "a: 1  # a comment\n"
    assert run("git", "status", "--porcelain").strip() == "M tracked"
    md5 = hashlib.md5(b"twothree", usedforsecurity=False).hexdigest()
    assert Path(".dvc/cache/files/md5", md5[:2], md5[2:]).read_bytes() == b"twothree"


def test_a_key_names_all_that_a_result_depends_on(make):
    make("project")
    first = experiment().key
    assert experiment().key == first
    head = revisions.head()
    keys = {first, clones.key(head, head, "make", {"a": 3}), clones.key(head, head, "b", {"a": 2})}
    Path("tracked").write_text("two")
    keys |= {experiment().key}
    assert len(keys) == 4
    assert experiment().key in keys  # `git stash create` makes another commit each second


def test_processes_are_those_that_work_in_the_clone(make):
    make("project")
    clone = Clone(experiment())
    clone.make()
    assert clone.processes() == []
    (clone.folder / "deeper").mkdir()
    with subprocess.Popen(["sleep", "600"], cwd=clone.folder / "deeper") as there:
        assert [each.pid for each in clone.processes()] == [there.pid]
        there.kill()
    assert clone.processes() == []


def test_a_finished_one_is_sent_with_its_data_first(make, tmp_path):
    make("project")
    run("git", "init", "-q", "--bare", str(tmp_path / "remote"))
    run("git", "remote", "add", "origin", str(tmp_path / "remote"))
    run("dvc", "remote", "add", "-q", "-d", "shared", str(tmp_path / "storage"))
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "remote")
    clone = Clone(experiment())
    clone.make()
    (clone.folder / "untracked").write_text("three")
    assert clone.start("Made-on: here").wait() == 0, clone.log.read_text()
    clone.push()
    clone.push()  # again is no error
    listed = run("git", "ls-remote", "origin")
    assert f"refs/exps/{revisions.head()[:2]}/{revisions.head()[2:]}/mine" in listed
    assert len([each for each in (tmp_path / "storage").rglob("*") if each.is_file()]) == 2


def test_a_project_without_dvc_is_told(make):
    make("project")
    run("git", "rm", "-rq", "--cached", ".dvc")
    run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "no dvc")
    assert "`git add .dvc`" in message_of(Clone(experiment()).make)
    with pytest.raises(UserError, match="git -C"):
        Clone(experiment(baseline="f" * 40)).make()
