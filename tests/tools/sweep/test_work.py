"""What a worker decides by itself; with real schedulers and workers: test_cluster.py."""

import threading
import time
from pathlib import Path

import pytest

from stages.gan.common.errors import UserError
from stages.gan.common.language import ENGLISH, VARIABLE, spoken
from stages.tools.dvc import clones
from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import runs
from stages.tools.sweep.runs import Outcome
from tests.helpers.processes.server import needs

EXPERIMENT = Experiment("mine", "a" * 40, "b" * 40, (), "make", "why", "k")


@pytest.fixture(scope="module")
def work():
    """The module; without the extra `cluster` the test is skipped."""
    needs("distributed")
    from stages.tools.sweep import work

    return work


@pytest.fixture
def scheduler(work, tmp_path, monkeypatch):
    """A scheduler with a client, in this process."""
    from distributed import Client, LocalCluster

    monkeypatch.chdir(tmp_path)
    options = {"n_workers": 1, "processes": False, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        monkeypatch.setattr(work, "get_client", lambda: client)
        yield client


class Pretended:
    """A run that ends after some looks, unless it is stopped."""

    looks = 3
    pushes = 0
    refusals = 0
    removed = False
    ends = Outcome(runs.DONE, "fine")

    def __init__(self, experiment):
        self.clone, self.started = self, False

    def start(self, core, *options):
        assert options == ("--pull", "--allow-missing")
        self.left = self.looks

    @property
    def is_running(self):
        self.left -= 1
        return self.left > 0

    def last_line(self):
        return f"epoch {self.left}"

    def stop(self):
        self.left, self.looks = 0, 0
        type(self).ends = Outcome(runs.KILLED)

    def outcome(self):
        return self.ends

    def push(self):
        type(self).pushes += 1
        if self.pushes <= self.refusals:
            raise UserError("no network")
        return "mine"

    def remove(self):
        type(self).removed = True


@pytest.fixture
def run(work, scheduler, monkeypatch):
    """Runs the experiment in this thread, with changes of the pretended run."""
    monkeypatch.setattr(work, "_PAUSE", 0.05)
    monkeypatch.setattr(work, "_WORD", 0.1)
    monkeypatch.setattr(work.clones, "fetch_files", lambda experiment: None)
    monkeypatch.setattr(work.clones, "sent_name", lambda experiment: "")
    Path(".dvc").mkdir()

    def of(**changes):
        kind = type("Kind", (Pretended,), changes)
        monkeypatch.setattr(work, "Run", kind)
        return work.work(EXPERIMENT, {**work.about(), "language": ENGLISH}), kind

    return of


def test_results_are_sent_and_sending_is_tried_again(run):
    outcome, kind = run(refusals=2)
    assert (outcome, kind.pushes) == (Outcome(runs.DONE, "fine", name="mine"), 3)
    assert kind.removed


def test_where_results_cannot_be_sent_the_experiment_is_given_back(run):
    outcome, kind = run(refusals=9)
    assert (outcome.state, kind.pushes) == (runs.KILLED, 3)
    assert outcome.why.startswith("could not run on ")
    assert "no network" in outcome.why


def test_the_language_of_a_worker_changes_nothing_that_the_sweep_is_told(run, work, monkeypatch):
    def refuse(experiment):
        clones._git("cat-file", "-e", "nothing")

    here = work.about()
    monkeypatch.setenv(VARIABLE, "zh")
    assert work.about() == {**here, "language": "zh"}
    monkeypatch.setattr(work.clones, "fetch_files", refuse)
    outcome, _kind = run()
    assert outcome.why.startswith("could not run on ")
    assert "git cat-file -e nothing failed: " in outcome.why
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert "is no clone of the project" in work.about()["trouble"]


def test_an_experiment_speaks_the_language_of_its_sweep(run, monkeypatch):
    heard = []
    monkeypatch.setenv(VARIABLE, "zh")
    run(start=lambda self, core, *options: heard.append(spoken()), left=1)
    assert heard == [ENGLISH]


def test_what_the_remote_has_is_not_run(run, work, monkeypatch):
    monkeypatch.setattr(work.clones, "sent_name", lambda experiment: "mine-k")
    outcome, kind = run()
    assert (outcome, kind.pushes) == (Outcome(runs.DONE, name="mine-k"), 0)
    assert kind.removed  # what an earlier try has left here


def test_one_that_failed_by_itself_is_told_and_not_sent(run):
    failed = Outcome(runs.FAILED, "diverged", "why")
    outcome, kind = run(ends=failed)
    assert (outcome, kind.pushes) == (failed, 0)


def test_one_that_is_asked_to_end_is_stopped(run, work, scheduler):
    timer = threading.Timer(0.5, work.stopper(EXPERIMENT.key, scheduler).set)
    timer.start()
    outcome, kind = run(looks=2000)
    timer.join()
    assert (outcome, kind.pushes) == (Outcome(runs.STOPPED), 0)
    assert not kind.removed  # the sweep asks for those that were begun


def test_where_the_scheduler_is_out_of_reach_it_stops_and_goes_back(run, work, monkeypatch):
    from distributed import Reschedule

    stopped = []
    monkeypatch.setattr(Pretended, "stop", lambda self: stopped.append(setattr(self, "left", 0)))
    monkeypatch.setattr(work.Contact, "_talk", lambda self: None)
    monkeypatch.setattr(work, "parse_timedelta", lambda text: 1.0)
    began = time.monotonic()
    with pytest.raises(Reschedule):
        run(looks=2000, ends=Outcome(runs.KILLED))
    assert stopped
    assert time.monotonic() - began >= 0.5


def test_a_lease_is_held_by_one_at_a_time(work, scheduler, monkeypatch):
    monkeypatch.setattr(work, "_WORD", 0.1)
    first, second = work.Contact("one"), work.Contact("one")
    order = []
    with first.lease():
        waiting = threading.Thread(target=lambda: _enter(second, order))
        waiting.start()
        time.sleep(0.5)
        order.append("first ends")
    waiting.join(30)
    assert order == ["first ends", "second"]
    first.close()
    second.close()


def _enter(contact, order):
    with contact.lease():
        order.append("second")


def test_a_worker_that_does_not_fit_leaves_it_to_others(work, tmp_path, monkeypatch):
    from distributed import Reschedule

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, "_WORD", 0.0)
    assert "is no clone of the project" in work.about()["trouble"]
    with pytest.raises(Reschedule):
        work.work(EXPERIMENT, work.about())


def test_experiments_that_were_begun_here_are_named(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert work.kept() == []
    for name in ("k1", "k2"):
        (work.clones.FOLDER / "clones" / name).mkdir(parents=True)
    assert sorted(work.kept()) == ["k1", "k2"]


def test_workers_of_one_folder_take_different_cores(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, "cores", lambda: [3, 5])
    with work._core() as first, work._core() as second:
        assert (first, second) == (3, 5)
        with work._core() as third:
            assert third in (3, 5)
    with work._core() as again:
        assert again == 3
