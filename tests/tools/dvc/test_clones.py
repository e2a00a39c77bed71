"""Private clones of small projects, at the paths at which DVC's own copies fail."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from stages.gan.common.errors import UserError
from stages.gan.common.language import speaking
from stages.tools.dvc import clones, revisions
from stages.tools.dvc.clones import Clone, Experiment
from tests.helpers.data import message_of

PIPELINE = """stages:
  make:
    cmd: >-
      pwd > where && echo $GAN_PROJECT >> where && echo $GAN_LANGUAGE >> where &&
      cat tracked untracked > out
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
    with speaking("zh"):
        assert clone.start("Made-on: here").wait() == 0, clone.log.read_text()
    assert clone.is_finished
    assert [each.name for each in revisions.experiments()] == []
    clone.collect()
    where = (clone.folder / "where").read_text().splitlines()
    assert where == [str(clone.folder), str(folder), "zh"]
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


def test_stages_whose_outs_the_cache_does_not_have_are_named(make):
    make("project")
    Path("untracked").write_text("three")
    assert clones.unmade(["make"]) == ["make"]
    run("dvc", "repro", "-q")
    assert clones.unmade(["make"]) == []
    Path("out").unlink()
    assert clones.unmade(["make"]) == []
    shutil.rmtree(".dvc/cache")
    assert clones.unmade(["make", "other"]) == ["make", "other"]


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


@pytest.fixture
def shared(make, tmp_path):
    """A project with remotes of git and DVC."""
    make("project")
    run("git", "init", "-q", "--bare", str(tmp_path / "remote"))
    run("git", "remote", "add", "origin", str(tmp_path / "remote"))
    run("dvc", "remote", "add", "-q", "-d", "shared", str(tmp_path / "storage"))
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "remote")
    return tmp_path


def finished(untracked: str, **changes) -> Clone:
    """A clone whose experiment has run."""
    clone = Clone(experiment(**changes))
    clone.make()
    (clone.folder / "untracked").write_text(untracked)
    assert clone.start("Made-on: here").wait() == 0, clone.log.read_text()
    return clone


def test_a_finished_one_is_sent_with_its_data_first(shared):
    clone = finished("three")
    assert clones.sent_name(clone.experiment) == ""
    assert [clone.push(), clone.push()] == ["mine", "mine"]  # again is no error
    listed = run("git", "ls-remote", "origin")
    assert clone.experiment.reference in listed
    assert len([each for each in (shared / "storage").rglob("*") if each.is_file()]) == 2
    assert clones.sent_name(clone.experiment) == "mine"
    assert revisions.experiments() == []  # the project keeps no name of it
    clones.fetch_finished(revisions.head())
    (found,) = revisions.experiments()
    assert revisions.find(found.name).made_on() == "here"


def test_another_one_of_the_same_name_is_told_apart_and_sent_too(shared):
    first = finished("three")
    assert first.push() == "mine"
    head = revisions.head()
    changes = {"options": ("--set-param=a=3",), "key": clones.key(head, head, "make", {"a": 3})}
    assert clones.sent_name(experiment(**changes)) == ""  # the name is there, for another one
    second = finished("four", **changes)
    other = f"mine-{second.experiment.key[:8]}"
    assert second.push() == second.push() == other == clones.sent_name(second.experiment)
    assert clones.sent_name(first.experiment) == "mine"
    clones.fetch_finished(head)
    contents = {
        each.name: revisions.find(each.name).content(Path("params.yaml"))
        for each in revisions.experiments()
    }
    assert contents == {"mine": b"a: 2  # a comment\n", other: b"a: 3  # a comment\n"}
    # A worker's own experiment of the name, which the remote has no more, is in nobody's way.
    run("git", "push", "-q", "origin", f":{first.experiment.reference}")
    run("git", "push", "-q", "origin", f":{first.experiment.reference}-{second.experiment.key[:8]}")
    assert second.push() == "mine"
    assert revisions.find("mine").content(Path("params.yaml")) == b"a: 2  # a comment\n"


def test_a_project_without_dvc_is_told(make):
    make("project")
    run("git", "rm", "-rq", "--cached", ".dvc")
    run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "no dvc")
    assert "`git add .dvc`" in message_of(Clone(experiment()).make)
    with pytest.raises(UserError, match="git -C"):
        Clone(experiment(baseline="f" * 40)).make()
