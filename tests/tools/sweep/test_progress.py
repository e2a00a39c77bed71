from dataclasses import replace

import pytest

from stages.tools.dvc import queue
from stages.tools.sweep import progress, workers
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.progress import Progress, counts, look_at
from tests.helpers.processes.queue import KILLED, TOLD, entry


@pytest.fixture
def calls(monkeypatch):
    """What is asked of DVC's queue, instead of asking it."""
    made = []
    monkeypatch.setattr(queue, "look", lambda: [])
    monkeypatch.setattr(queue, "claimed", set)
    monkeypatch.setattr(queue, "discard", lambda entry: made.append(("discard", entry.revision)))
    monkeypatch.setattr(progress.revisions, "free_name", lambda name, taken: name)

    def add(name, options, target, known):
        made.append(("add", name, target))
        return f"again-{len(made)}"

    monkeypatch.setattr(queue, "add", add)
    return made


@pytest.fixture
def one():
    return Progress(Planned("rate-1", {}, {}, "train.learning_rate=1", {}), "a" * 40)


@pytest.fixture
def log(tmp_path):
    def of(text, **changes):
        (tmp_path / "log").write_text(text)
        return entry(tmp_path / "log", **changes)

    return of


AGAIN = [("discard", "a" * 40), ("add", "rate-1", "report@mnist")]


def test_one_that_is_done_is_told_with_its_verdict(calls, one, log, capsys):
    look_at(one, log("verdict: diverged\n", state=queue.DONE, result="rate-1-2"), "mnist")
    assert (one.result, one.is_open) == ("rate-1-2", False)
    assert "rate-1-2 (train.learning_rate=1): done, diverged" in capsys.readouterr().out
    assert calls == []


def test_one_that_never_began_is_told_with_dvcs_reason_and_never_called_killed(
    calls, one, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(workers, "LOGS", tmp_path)
    noted = "[ERROR] Task failed\nTraceback (most recent call last):\n  File x\n"
    (tmp_path / "worker-1.log").write_text(
        f"{noted}scmrepo.exceptions.SCMError: Git failed to push\n[INFO] another\n"
    )
    look_at(one, entry(tmp_path / "none", state=queue.FAILED), "mnist")
    assert not one.is_open
    assert one.why.startswith("it never began: DVC could not set it up: SCMError: Git failed to")
    assert "killed" not in capsys.readouterr().out + one.why
    assert calls == []
    (tmp_path / "worker-1.log").unlink()
    assert "`dvc queue status`" in workers.last_error()


def test_one_that_fails_by_itself_is_not_tried_again(calls, one, log, capsys):
    look_at(one, log(TOLD, state=queue.FAILED), "mnist")
    assert (one.verdict, one.is_open) == ("diverged", False)
    assert "cannot recover" in one.why
    assert "failed, diverged" in capsys.readouterr().out
    assert calls == []


def test_one_that_was_killed_is_queued_again_but_not_for_ever(calls, one, log):
    killed = log(KILLED.format(-9), state=queue.FAILED)
    look_at(one, killed, "mnist")
    assert calls == AGAIN
    assert (one.revision, one.state) == ("again-2", queue.QUEUED)
    look_at(one, killed, "mnist")
    assert one.is_open
    look_at(one, killed, "mnist")
    assert not one.is_open
    assert "was killed, 3 times" in one.why
    assert len(calls) == 4


def test_one_that_nobody_runs_is_queued_again_after_a_few_looks(calls, one, log, monkeypatch):
    running = log("epoch 1\n")
    look_at(one, running, "mnist")
    look_at(one, running, "mnist")
    assert calls == []
    monkeypatch.setattr(queue, "claimed", lambda: {"a" * 40})
    look_at(one, running, "mnist")  # its worker answers
    monkeypatch.setattr(queue, "claimed", set)
    look_at(one, running, "mnist")
    look_at(one, running, "mnist")
    assert calls == []
    look_at(one, running, "mnist")
    assert calls == AGAIN


def test_one_whose_worker_is_gone_is_queued_again_at_once(calls, one, log, monkeypatch):
    monkeypatch.setattr(queue, "has_worker", lambda entry: True)
    look_at(one, log("epoch 1\n"), "mnist")
    assert calls == []
    monkeypatch.setattr(queue, "has_worker", lambda entry: False)
    look_at(one, log("epoch 1\n"), "mnist")
    assert calls == AGAIN


def test_one_that_was_taken_out_of_the_queue_is_queued_again(calls, one):
    for _ in range(3):
        assert calls == []
        look_at(one, None, "mnist")
    assert calls == AGAIN[1:]


def test_they_are_counted_by_state(one):
    ended = replace(one, result="x"), replace(one, why="y"), replace(one, state=queue.RUNNING)
    assert counts([one, *ended, one]) == "2 queued, 1 running, 1 done, 1 failed"
