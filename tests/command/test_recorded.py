"""A finished training is kept until dvc.lock has all its results, and no longer."""

from pathlib import Path

import pytest
import yaml

from stages.command import recorded
from stages.gan.common import unfinished
from stages.gan.common.locks import lock

MODELS, METRICS = Path("models/mnist/checkpoints"), Path("metrics/mnist/train.json")


@pytest.fixture
def run(tmp_path, monkeypatch) -> unfinished.Run:
    """A finished run whose results are written, in a project without dvc.lock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (MODELS / "final").mkdir(parents=True)
    (MODELS / "final/weights").write_text("weights")
    METRICS.parent.mkdir(parents=True)
    METRICS.write_text("{}")
    with unfinished.opened(Path(".scratch"), "mnist", "a" * 64, print) as run:
        run.finish([MODELS, METRICS])
    return run


def note(run: unfinished.Run, **changed: str) -> None:
    """Write a dvc.lock that has the run's results, some with another hash."""
    hashes = {path: recorded.name_of(files) for path, files in run.results.items()} | changed
    outs = [{"path": path, "md5": hashed} for path, hashed in hashes.items()]
    stages = {"download@mnist": {"cmd": "no outs"}, "train@mnist": {"outs": outs}}
    recorded.LOCK.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def test_a_run_that_dvc_lock_has_goes(run):
    note(run)
    assert recorded.clear() == [run]
    assert unfinished.runs(Path(".scratch")) == []
    assert recorded.clear() == []


@pytest.mark.parametrize("out", [MODELS, METRICS])
def test_a_run_stays_while_one_result_is_not_in_dvc_lock(run, out):
    note(run, **{out.as_posix(): "0" * 32})
    assert recorded.clear() == []
    assert run.results


@pytest.mark.parametrize(
    "content", [None, "", "{", "stages: 1", "stages: {a: {outs: [1]}}", "\xff"]
)
def test_a_run_stays_where_dvc_lock_is_missing_or_damaged(run, content):
    if content is not None:
        recorded.LOCK.write_text(content, encoding="latin-1")
    assert recorded.clear() == []
    assert run.results


def test_a_run_that_has_not_finished_stays(run):
    note(run)
    (run.folder / "finished.json").unlink()
    assert recorded.clear() == []
    assert unfinished.runs(Path(".scratch")) == [run]


def test_a_run_that_a_process_uses_stays(run):
    note(run)
    with lock(run.folder / "lock", "the run"):
        assert recorded.clear() == []
    assert recorded.clear() == [run]


def test_experiments_in_a_copy_clear_the_run_in_the_project(run, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(copy)
    note(unfinished.Run(tmp_path / run.folder))
    assert [each.name for each in recorded.clear()] == [run.name]
