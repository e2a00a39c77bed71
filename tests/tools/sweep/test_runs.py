import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stages.gan.common import paths
from stages.gan.common.language import ERROR, VARIABLE, translated
from stages.gan.common.processes import is_alive
from stages.gan.training.watch import verdicts
from stages.tools.dvc.clones import Clone, Experiment
from stages.tools.sweep import runs
from stages.tools.sweep.runs import Outcome, Run
from tests.helpers.processes.kill import wait_until
from tests.helpers.processes.printed import DVC_ENDED, KILLED, TOLD


@pytest.mark.parametrize("code", [-9, -15, 137, 143])
def test_a_stage_that_was_killed_says_nothing_of_its_params(code):
    assert runs.was_killed(1, KILLED.format(code))


@pytest.mark.parametrize("code", [1, 2, 13, 100])
def test_a_stage_that_has_ended_by_itself_was_not_killed(code):
    assert not runs.was_killed(1, KILLED.format(code))


def test_where_dvc_itself_was_killed_nobody_is_left_to_tell():
    assert runs.was_killed(1, DVC_ENDED)
    assert runs.was_killed(1, "")
    assert runs.was_killed(-9, TOLD)


def test_what_a_failed_one_has_told():
    assert not runs.was_killed(1, TOLD)
    assert runs.verdict(TOLD) == "diverged"
    assert runs.reason(TOLD) == (
        "mnist: training was stopped at step 60, because it cannot recover"
    )
    assert runs.last_line(TOLD).endswith("exited with 1")


def test_one_that_has_printed_nothing_has_told_nothing():
    assert (runs.verdict(""), runs.last_line("")) == ("", "")
    assert runs.reason("") == "its log has no error message"


@pytest.mark.parametrize("name", verdicts.VERDICTS)
def test_a_log_in_chinese_tells_the_same(name, monkeypatch):
    monkeypatch.setenv(VARIABLE, "zh")
    line = translated(verdicts.LINE).format(name=translated(name))
    text = f"{line}\n{translated(ERROR).format(message='无法恢复')}\n{KILLED.format(1)}"
    assert "verdict" not in text
    assert "error:" not in text
    for language in ("zh", "en"):
        monkeypatch.setenv(VARIABLE, language)
        assert (runs.verdict(text), runs.reason(text)) == (name, "无法恢复")


def test_the_sweep_says_in_its_language_why_one_failed(monkeypatch):
    silent = Outcome(runs.FAILED, "", runs.reason(""))
    away = Outcome(runs.KILLED, "", runs.NOT_THERE.format(host="b", error="no network"))
    assert (silent.said, away.said) == (silent.why, away.why)
    monkeypatch.setenv(VARIABLE, "zh")
    assert (silent.said, away.said) == ("日志中没有错误信息", "无法在 b 上运行（no network）")
    assert runs.reason("") == silent.why


class Pretended(Clone):
    """A clone in which another program runs in DVC's place."""

    program = ""
    finished = False

    def __init__(self, experiment):
        self.experiment = experiment
        self.folder = self._project = Path.cwd() / "clone"
        self.log = Path.cwd() / "log"

    def make(self):
        self.folder.mkdir(exist_ok=True)

    @property
    def is_finished(self):
        return self.finished

    def start(self, made, *options):
        with self.log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-c", self.program, *options], cwd=self.folder, stdout=output
            )


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes a run whose DVC is another program; what it starts is ended with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "Clone", Pretended)
    made = []

    def of(program):
        monkeypatch.setattr(Pretended, "program", program)
        made.append(Run(Experiment("mine", "a" * 40, "b" * 40, (), "report@mnist", "", "k")))
        return made[-1]

    yield of
    for each in made:
        each.stop()


def wait(run, seconds=60):
    wait_until(lambda: not run.is_running, seconds=seconds)


CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"
# As a stage does: it ends when its DVC has ended. It must have looked who that is before DVC ends.
STAGE = """
import os, pathlib, time
start = os.getppid()
pathlib.Path("began").touch()
while os.getppid() == start:
    time.sleep(0.05)
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux keeps to cores")
@pytest.mark.usefixtures("all_cores")
def test_it_keeps_to_its_core_with_all_that_it_starts(make):
    here = os.sched_getaffinity(0)
    run = make(CHILD.format("import os; print(os.sched_getaffinity(0))"))
    run.start(max(here))
    wait(run)
    assert os.sched_getaffinity(0) == here
    assert run.last_line() == str({max(here)})


def test_how_one_ended_is_read_from_its_clone_its_code_and_its_log(make, monkeypatch):
    run = make(f"print({TOLD!r}); raise SystemExit(1)")
    run.start(0)
    wait(run)
    said = "mnist: training was stopped at step 60, because it cannot recover"
    assert run.outcome() == Outcome(runs.FAILED, "diverged", said)
    monkeypatch.setattr(Pretended, "finished", True)
    assert run.outcome() == Outcome(runs.DONE, "diverged")
    run.start(0)  # nothing is started again
    assert not run.is_running
    monkeypatch.setattr(Pretended, "finished", False)
    killed = make("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    killed.start(0)
    wait(killed)
    assert killed.outcome() == Outcome(runs.KILLED)


def test_a_training_from_the_cache_has_the_verdict_of_its_results(make, monkeypatch):
    run = make("")
    monkeypatch.setattr(Pretended, "finished", True)
    assert run.outcome() == Outcome(runs.DONE, "")
    results = run.clone.file(paths.metrics("mnist") / "train.json")
    results.parent.mkdir(parents=True)
    results.write_text('{"verdict": "oscillating"}')
    assert run.outcome() == Outcome(runs.DONE, "oscillating")


def test_stopping_one_ends_all_that_works_in_its_clone(make):
    run = make(CHILD.format(STAGE))
    run.start(0)
    wait_until((run.clone.folder / "began").exists)
    found = run.clone.processes()
    assert len(found) == 2
    began = time.monotonic()
    run.stop()
    assert time.monotonic() - began < runs._PATIENCE
    assert not [each for each in found if is_alive(each)]
    assert run.outcome().state == runs.KILLED


def test_an_earlier_process_of_the_same_experiment_is_waited_for(make, monkeypatch):
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    run = make("print('second')")
    run.clone.make()
    program = "import time; time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=run.clone.folder) as first:
        earlier = psutil.Process(first.pid)
        wait_until(lambda: earlier in run.clone.processes())
        began = time.monotonic()
        run.start(0)
        assert time.monotonic() - began >= 0.5
        assert not is_alive(earlier)
    wait(run)
    assert run.last_line() == "second"
