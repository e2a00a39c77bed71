import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.params import choices
from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import progress, runs, workers
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.progress import Progress
from stages.tools.sweep.runs import Outcome


@given(st.sampled_from(list(choices.NETWORKS)), st.integers(0, 10**12), st.integers(1, 256))
def test_as_many_as_cores_and_memory_hold_and_never_none(network, memory, cores):
    count = workers.fitting(network, memory, cores)
    needed = choices.NETWORKS[network].memory
    assert 1 <= count <= cores
    assert count == 1 or count * needed <= memory
    if count < cores:
        assert (count + 1) * needed > memory


def test_a_kind_that_there_is_not_names_those_that_there_are():
    with pytest.raises(ValueError, match="network 'another': choose one of "):
        workers.fitting("another", 10**12, 2)


def test_the_machine_has_a_core_and_memory():
    assert workers.cores()
    assert 0 < workers.memory() <= psutil.virtual_memory().total


class Pretended:
    """A run that the test ends."""

    made: list["Pretended"]

    def __init__(self, experiment):
        self.experiment, self.clone = experiment, self
        self.log, self.is_running, self.collects, self.stopped = "log", False, 0, False
        self.ends = Outcome(runs.DONE)
        self.made.append(self)

    def start(self, core):
        self.core, self.is_running = core, True

    def stop(self):
        self.stopped = True

    def outcome(self):
        return self.ends

    def collect(self):
        self.collects += 1

    def remove(self):
        pass

    def last_line(self):
        return f"epoch of {self.experiment.name}"

    def end(self, outcome):
        self.ends, self.is_running = outcome, False


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(Pretended, "made", [], raising=False)
    monkeypatch.setattr(workers, "Run", Pretended)
    monkeypatch.setattr(workers, "cores", lambda: [4, 7])
    return Pretended.made


def several(count):
    return [
        Progress(
            Planned(f"n{number}", {}, {}, "", {}),
            Experiment(f"n{number}", "a", "b", (), "t", "", str(number)),
        )
        for number in range(count)
    ]


def test_each_place_has_a_core_and_no_more_run_than_there_are_places(made):
    pool, experiments = workers.Workers(2), several(3)
    pool.look(experiments)
    assert [run.core for run in made] == [4, 7]
    assert [each.state for each in experiments] == ["running", "running", "queued"]
    pool.look(experiments)
    assert len(made) == 2
    assert experiments[1].line == "epoch of n1"
    made[1].end(Outcome(runs.DONE, "fine"))
    pool.look(experiments)
    assert (experiments[1].result, made[1].collects) == ("n1", 1)
    assert [(run.experiment.name, run.core) for run in made[2:]] == [("n2", 7)]
    assert experiments[2].state == progress.RUNNING


def test_one_that_was_killed_starts_again_and_one_that_failed_does_not(made):
    pool, experiments = workers.Workers(1), several(2)
    pool.look(experiments)
    made[0].end(Outcome(runs.KILLED))
    pool.look(experiments)
    assert [run.experiment.name for run in made] == ["n0", "n0"]
    made[1].end(Outcome(runs.FAILED, "diverged", "why"))
    pool.look(experiments)
    assert [run.experiment.name for run in made] == ["n0", "n0", "n1"]
    assert experiments[0].why == "why"
    assert not any(run.collects for run in made)


def test_the_end_stops_those_that_run(made):
    pool, experiments = workers.Workers(2), several(3)
    pool.end()
    pool.look(experiments)
    made[0].end(Outcome(runs.DONE))
    pool.look(experiments)
    pool.end()
    assert [run.stopped for run in made] == [False, True, True]
