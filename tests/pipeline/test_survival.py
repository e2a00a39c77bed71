"""Runs that are killed, and go on: the stage alone, under DVC, in queues and copies."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stages.gan.common.processes import is_alive
from tests.helpers.processes.kill import killed, results, wait_until
from tests.helpers.project import Project, commit, make_project

pytestmark = pytest.mark.pipeline

EPOCHS = 12  # of 4 steps each, saved after every third


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Project:
    """A project whose training of mnist ran without a break, in git and DVC."""
    project = make_project(tmp_path_factory.mktemp("unbroken") / "project")
    params = project.params
    params["mnist"]["train"].update(epochs=EPOCHS, checkpoint_every=3)
    project.write_params(params)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.run("dvc", "repro", "preprocess@mnist")
    commit(project, "prepared")
    shutil.copytree(project.folder, project.folder.parent / "prepared")
    project.stage("train", "mnist")
    return project


@pytest.fixture
def prepared(unbroken, tmp_path) -> Project:
    """The same before training."""
    copy = Project(tmp_path / "copy")
    shutil.copytree(unbroken.folder.parent / "prepared", copy.folder)
    return copy


def trained(project: Project) -> dict[str, str]:
    """What the stage train left."""
    parts = ("models/", "metrics/mnist/train", "metrics/mnist/history", "reports/mnist/training")
    return {name: number for name, number in results(project, "mnist").items() if
            name.startswith(parts)}  # fmt: skip


STEP = "stages.gan.training.resume.keeper:Keeper:look"
SAVE = "stages.gan.training.resume.keeper:Keeper:save"
LINK = "stages.gan.common.files:link_tree"
WRITE = "stages.gan.common.files:write_csv"


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param([(STEP, 30, "after"), (STEP, 7, "after")], id="between states, twice"),
        pytest.param(
            [("os:replace", 9, "before")],
            id="before a state gets its name",
            marks=pytest.mark.slow,
        ),
        pytest.param([(SAVE, 4, "before")], id="before the last state", marks=pytest.mark.slow),
        pytest.param(
            [(SAVE, 4, "after"), (LINK, 2, "before"), (WRITE, 1, "after")],
            id="after it, while the results are written",
            marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_the_stage_goes_on_after_kill_9_to_the_same_bytes(prepared, unbroken, kills):
    for place, count, when in kills:
        killed(prepared, "train", "mnist", place, count, when)
        assert not (prepared.folder / "metrics/mnist/train.json").exists()
    output = prepared.stage("train", "mnist").stdout
    assert re.search("resuming after step [0-9]+ of 48", output)
    assert trained(prepared) == trained(unbroken)
    (kept,) = (prepared.folder / ".scratch/mnist").iterdir()
    assert (kept / "finished.json").exists()  # until dvc.lock has it
    assert not list(prepared.folder.rglob(".incomplete-*"))


@pytest.mark.slow
def test_changed_params_or_code_go_on_from_nothing(prepared):
    killed(prepared, "train", "mnist", STEP, 30, "after")
    for change in ("params", "code", "data"):
        copy = Project(prepared.folder.parent / change)
        shutil.copytree(prepared.folder, copy.folder)
        if change == "params":
            params = copy.params
            params["mnist"]["train"]["beta1"] = 0.4
            copy.write_params(params)
        elif change == "code":
            with (copy.folder / "stages/gan/losses/__init__.py").open("a") as file:
                file.write("# changed\n")
        else:
            params = copy.params
            params["mnist"]["preprocess"]["seed"] = 2
            copy.write_params(params)
            copy.stage("preprocess", "mnist")
        killed(copy, "train", "mnist", STEP, 1, "before")
        output = copy.stage("train", "mnist").stdout
        assert "resuming" not in output
        assert len(list((copy.folder / ".scratch/mnist").iterdir())) == 2  # the other's, too


# As another dvc holds it, while it reads or writes for more than a few seconds.
_HOLD = """
import sys
from dvc.repo import Repo
lock = Repo().lock
print("ready", flush=True)
sys.stdin.readline()
with lock:
    print("held", flush=True)
    sys.stdin.read()
"""


def run_unnoted(project: Project, stage: str, begun: str) -> str:
    """Run a stage whose end DVC cannot note: another DVC takes its lock when `begun` is printed."""
    # The other DVC is imported before: a tiny stage may end sooner than that takes.
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD], cwd=project.folder, stdin=-1, stdout=-1
    ) as other:
        assert other.stdout.readline() == b"ready\n"
        running = Running(project, "dvc", "repro", "-s", stage)
        running.wait_for(begun)
        other.stdin.write(b"\n")
        other.stdin.flush()
        assert other.stdout.readline() == b"held\n"
        assert running.end() != 0
        other.stdin.close()
    output = running.output.read_text()
    assert "Unable to acquire lock" in output
    assert stage not in (project.folder / "dvc.lock").read_text()
    return output


def test_a_finished_training_that_dvc_could_not_note_is_taken_up(prepared, unbroken):
    repro = ("dvc", "repro", "train@mnist")
    assert "verdict: " in run_unnoted(prepared, repro[-1], "epoch 1:")
    output = prepared.run(*repro).stdout
    assert "mnist: train has finished before" in output
    assert "resuming after step 48 of 48" in output
    assert "epoch 1:" not in output
    assert trained(prepared) == trained(unbroken)
    prepared.run("python", "-m", "stages", "scratch", "tidy")
    assert list((prepared.folder / ".scratch/mnist").iterdir()) == []
    # To train again is still possible: it is asked for in so many words.
    assert "epoch 1:" in prepared.run(*repro[:2], "-f", "-s", repro[2]).stdout
    assert trained(prepared) == trained(unbroken)


@pytest.mark.slow
def test_a_judge_and_scores_that_dvc_could_not_note_are_taken_up(prepared):
    for stage in ("judge", "evaluate"):
        assert "mnist: " in run_unnoted(prepared, f"{stage}@mnist", "Running stage")
        made = results(prepared, "mnist").items()
        output = prepared.run("dvc", "repro", f"{stage}@mnist").stdout
        assert f"mnist: {stage} has finished before" in output
        assert "held-out" not in output  # what it says when it has computed
        assert {name for name, _ in made - results(prepared, "mnist").items()} == {"dvc.lock"}
        prepared.run("python", "-m", "stages", "scratch", "tidy")
        assert list((prepared.folder / ".scratch/mnist").glob(f"{stage}-*")) == []
        prepared.run("dvc", "repro", "train@mnist")


class Running:
    """A command in a process group of its own."""

    def __init__(self, project: Project, *command: str) -> None:
        folder = str(Path(sys.executable).parent)
        self.output = project.folder / "output.txt"
        self._file = self.output.open("w")
        self.process = subprocess.Popen(
            command,
            cwd=project.folder,
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for(self, text: str, seconds: float = 240) -> None:
        def is_printed() -> bool:
            ended = self.process.poll() is not None
            assert text in self.output.read_text() or not ended, self.output.read_text()
            return text in self.output.read_text()

        wait_until(is_printed, self.output.read_text, seconds)

    def trainer(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if "stages.train" in child.cmdline())

    def end(self) -> int:
        self._file.close()
        return self.process.wait(120)


def ended(process: psutil.Process, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def long(project: Project) -> None:
    """Let training go on for minutes, so that it can be stopped in its midst."""
    params = project.params
    params["mnist"]["train"].update(epochs=3000, checkpoint_every=3000)
    project.write_params(params)


def check_it_goes_on_after_dvc_was_killed(project: Project, *command: str) -> None:
    """Kill a command of DVC's while it trains; the trainer saves, and the same command goes on."""
    running = Running(project, *command)
    running.wait_for("epoch 10:")
    trainer = running.trainer()
    os.kill(running.process.pid, signal.SIGKILL)
    running.end()
    assert ended(trainer)
    (state,) = (project.folder / ".scratch/mnist").glob("*/state-*")
    step = int(state.name[-10:])
    assert step >= 40
    again = Running(project, *command)
    again.wait_for(f"resuming after step {step:,} of 12,000")
    trainer = again.trainer()
    os.killpg(again.process.pid, signal.SIGKILL)
    again.end()
    assert ended(trainer)


@pytest.mark.slow
def test_dvc_that_is_killed_takes_the_trainer_with_it_which_saves_first(prepared):
    long(prepared)
    check_it_goes_on_after_dvc_was_killed(prepared, "dvc", "repro", "train@mnist")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_go_on(prepared, number):
    long(prepared)
    running = Running(prepared, "dvc", "repro", "train@mnist")
    running.wait_for("epoch 3:")
    trainer = running.trainer()
    if number == signal.SIGINT:  # a terminal sends it to all
        os.killpg(running.process.pid, signal.SIGINT)
    else:
        trainer.terminate()
    assert running.end() != 0
    assert ended(trainer)
    text = running.output.read_text()
    assert "Traceback" not in text
    step = re.search("error: stopped by .* after step ([0-9,]+) of 12,000, and saved", text)[1]
    assert "the same command resumes the run there" in text
    assert "state-" + step.replace(",", "").zfill(10) in {
        file.name for file in (prepared.folder / ".scratch/mnist").glob("*/state-*")
    }


@pytest.mark.slow
def test_a_second_trainer_is_told_who_holds_the_run(prepared):
    long(prepared)
    running = Running(prepared, "python", "-m", "stages.train", "mnist")
    running.wait_for("epoch 1:")
    second = prepared.stage("train", "mnist", check=False)
    assert second.returncode == 1
    assert re.search(
        f"error: this run of mnist is in use by process {running.process.pid} on .*"
        r"\(stages.train mnist\)",
        second.stderr,
    )
    listed = prepared.run("python", "-m", "stages", "scratch").stdout
    assert "running" in listed
    assert "it is running" in prepared.run("python", "-m", "stages", "scratch", "clear").stdout
    running.process.send_signal(signal.SIGKILL)
    running.end()
    assert len(list((prepared.folder / ".scratch/mnist").iterdir())) == 1


@pytest.mark.slow
def test_an_experiment_in_a_copy_of_the_project_goes_on(prepared):
    long(prepared)
    commit(prepared, "long")
    check_it_goes_on_after_dvc_was_killed(
        prepared, "dvc", "exp", "run", "--temp", "-S", "mnist.train.seed=5", "train@mnist"
    )
