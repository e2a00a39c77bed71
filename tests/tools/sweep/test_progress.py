from dataclasses import replace

import pytest

from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import progress, runs
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.progress import Progress, counts
from stages.tools.sweep.runs import Outcome

KILLED = Outcome(runs.KILLED)


@pytest.fixture
def one():
    planned = Planned("rate-1", {}, {}, "train.learning_rate=1", {})
    return Progress(planned, Experiment("rate-1-2", "a" * 40, "b" * 40, (), "t", "", "k"))


def test_one_that_is_done_is_told_with_its_verdict(one, capsys):
    one.settle(Outcome(runs.DONE, "diverged"))
    assert (one.result, one.is_open) == ("rate-1-2", False)
    assert "rate-1-2 (train.learning_rate=1): done, diverged" in capsys.readouterr().out


def test_one_that_was_sent_under_another_name_is_found_under_it(one, capsys):
    one.settle(Outcome(runs.DONE, "healthy", name="rate-1-2-abc"))
    assert one.result == "rate-1-2-abc"
    assert "rate-1-2-abc (train.learning_rate=1): done" in capsys.readouterr().out


def test_one_that_another_sweep_has_finished_is_told_without_a_verdict(one, capsys):
    one.settle(Outcome(runs.DONE, name="rate-1-2"))
    assert capsys.readouterr().out == "rate-1-2 (train.learning_rate=1): done\n"


def test_one_that_fails_by_itself_is_not_tried_again(one, capsys):
    one.settle(Outcome(runs.FAILED, "diverged", "it cannot recover"))
    assert (one.verdict, one.why, one.is_open) == ("diverged", "it cannot recover", False)
    assert "failed, diverged: it cannot recover" in capsys.readouterr().out


def test_one_that_was_killed_is_queued_again_but_not_for_ever(one, capsys):
    for _ in range(2):
        one.state = progress.RUNNING
        one.settle(KILLED)
        assert (one.state, one.is_open) == (progress.QUEUED, True)
        assert "rate-1-2 was killed: queued again" in capsys.readouterr().out
    one.settle(KILLED)
    assert not one.is_open
    assert "it was killed, 3 times" in one.why


def test_they_are_counted_by_state(one):
    ended = replace(one, result="x"), replace(one, why="y"), replace(one, state=progress.RUNNING)
    assert counts([one, *ended, one]) == "2 queued, 1 running, 1 done, 1 failed"


def test_what_exists_is_not_run_and_names_are_free(one, monkeypatch, capsys):
    planned = [replace(one.planned, name=name) for name in ("here", "there", "new", "new")]
    monkeypatch.setattr(progress.clones, "files_now", lambda: "b" * 40)
    monkeypatch.setattr(progress.clones, "key", lambda *parts: "k")
    monkeypatch.setattr(progress.plan, "is_in_workspace", lambda each, _: each.name == "here")
    monkeypatch.setattr(
        progress.plan, "finished", lambda each, *_: "old" if each.name == "there" else None
    )
    monkeypatch.setattr(progress.revisions, "experiments", list)
    found = progress.begin(planned, "mnist", "a" * 40, "report@mnist")
    assert [each.result for each in found] == ["workspace", "old", "", ""]
    assert [each.experiment.name for each in found[2:]] == ["new", "new-2"]
    assert found[2].experiment.target == "report@mnist"
    assert found[2].experiment.message == "train.learning_rate=1"
    assert "already finished as experiment old" in capsys.readouterr().out
