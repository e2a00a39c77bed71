"""A question answered by one command, as a user runs it, with what may go wrong on the way."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stages.gan.common.processes import is_alive
from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import __main__ as command
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.progress import Progress
from tests.helpers.processes.kill import wait_until
from tests.helpers.project import ROOT, Project, commit

QUESTION = "# How fast?\ngrid:\n  train: {learning_rate: [0.0002, 0.0005, 0.0007]}\n"
# Short enough for a test, and long enough to be met in its midst.
LONGER = ("-S", "mnist.train.epochs=250", "-S", "mnist.train.checkpoint_every=250")


def sweep(folder, *arguments):
    words = [sys.executable, "-m", "stages", "sweep", *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True)


def test_without_a_name_all_questions_are_listed():
    lines = sweep(ROOT).stdout.splitlines()
    names = sorted(file.stem for file in (ROOT / "sweeps").glob("*.yaml"))
    assert [line.split(":")[0] for line in lines] == names
    assert "learning_rate: What if the learning rate is very large, or small?" in "\n".join(lines)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["learning_rat"], "no sweep 'learning_rat', did you mean learning_rate?"),
        (["beta1", "--dataset", "mnits"], "no data set 'mnits', did you mean mnist?"),
        (["beta1", "-S", "mnist.train.epochs=0"], "params.yaml: mnist.train.epochs is 0: valid"),
        (["beta1", "-S", "mnist.train.epoch=3"], "sweep beta1: params.yaml has no mnist.train"),
        (
            ["beta1", "-S", "mnist.train.beta1=0.1"],
            "sweep beta1 varies mnist.train.beta1 itself",
        ),
        (["beta1", "-S", "epochs"], "-S epochs should be KEY=VALUE"),
        (["beta1", "--workers", "0"], "--workers is 0: valid is 1 or more"),
        (["beta1", "--seeds", "1,x"], "--seeds is '1,x': valid are different whole numbers"),
    ],
)
def test_mistakes_end_in_one_line_before_anything_is_queued(arguments, told):
    result = sweep(ROOT, *arguments)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {told}")
    assert result.stdout == ""


@pytest.mark.parametrize(
    "words",
    [["sweep", "beta1"], ["recipe", "mnist-best", "--temp"], ["recipe", "mnist-best", "-j2"]],
)
def test_a_shallow_clone_is_told_before_anything_trains(tmp_path, words):
    """DVC would train there, and lose the results."""
    project = Project(tmp_path / "project")
    project.folder.mkdir()
    for name in ("sweeps", "recipes"):
        shutil.copytree(ROOT / name, project.folder / name)
    shutil.copy(ROOT / "params.yaml", project.folder)
    project.run("git", "init", "-q")
    commit(project, "one")
    (project.folder / "more").touch()
    commit(project, "two")
    clone = tmp_path / "clone"
    project.run("git", "clone", "-q", "--depth", "1", f"file://{project.folder}", str(clone))
    ended = Project(clone).run("python", "-m", "stages", *words, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: this clone is shallow")
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("count", "left", "told"),
    [
        (2, ["judge@mnist"], "no results here of judge@mnist: each experiment makes its own; `dvc"),
        (2, [], ""),
        (1, ["judge@mnist"], ""),
    ],
)
def test_stages_that_each_would_make_for_itself_are_told(monkeypatch, capsys, count, left, told):
    monkeypatch.setattr(command.clones, "unmade", lambda stages: left)
    experiment = Experiment("mine", "a" * 40, "b" * 40, (), "make", "why", "k")
    queued = Progress(Planned("mine", {}, {}, "a=1", {}), experiment)
    done = replace(queued, result="mine")
    command.tell_of_unmade([*[queued] * count, done], ["judge@mnist"])
    printed = capsys.readouterr().out
    assert told in printed
    assert bool(printed) == bool(told)


class Running:
    """A sweep in a session of its own, as in a terminal."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.folder = project.folder
        self.output = project.folder.parent / "output.txt"
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stages", "sweep", *arguments],
                cwd=project.folder,
                env={**os.environ, "PATH": path},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, what, seconds=300):
        def found():
            seen = what()
            assert seen or self.process.poll() is None, self.text()
            return seen

        return wait_until(found, self.text, seconds)

    def stages(self, name: str) -> list[psutil.Process]:
        """The stages of that name that run in clones of this project."""
        return working(self.folder, f"stages.{name}")


def working(folder: Path, word: str = "") -> list[psutil.Process]:
    """All living processes that work in private clones of a project, with a word if wanted."""
    clones, found = folder / ".dvc/tmp/sweep/clones", []
    for number in psutil.pids():
        try:
            process = psutil.Process(number)
            command = process.cmdline()
            is_there = clones in Path(process.cwd()).parents and is_alive(process)
            if is_there and command and (not word or word in command):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture
def start(copied):
    """Begins a sweep; what still runs when the test ends, as it should not, is ended."""
    began = []

    def run(*arguments: str) -> Running:
        began.append(Running(copied, *arguments))
        return began[-1]

    yield run
    for running in began:
        running.process.kill()
        running.process.wait()
    for each in working(copied.folder):
        each.kill()


@pytest.mark.slow
@pytest.mark.pipeline
def test_it_goes_on_after_kills_and_ctrl_c_and_runs_nothing_twice(copied, start):
    (copied.folder / "sweeps").mkdir()
    (copied.folder / "sweeps/rate.yaml").write_text(QUESTION)

    running = start("rate", *LONGER)
    running.wait_for(lambda: running.stages("train"))
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not working(copied.folder))
    running = start("rate", *LONGER)
    running.wait_for(lambda: running.stages("train"))
    everything = working(copied.folder)
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(200) == 130
    assert not [each for each in everything if is_alive(each)]
    assert not working(copied.folder)
    assert "to resume: python -m stages sweep rate -S mnist.train.epochs=250" in running.text()
    assert running.text().endswith("error: interrupted\n")

    # Without the changes the workspace itself has the answer to the first.
    running = start("rate")
    running.wait_for(lambda: running.stages("train"))[0].kill()
    running.wait_for(lambda: "was killed: queued again" in running.text())
    victim = running.wait_for(lambda: running.stages("train"))[0]
    next(each for each in victim.parents() if "exp" in each.cmdline()).kill()
    assert running.process.wait(600) == 0, running.text()
    text = running.text()
    assert "rate-0.0002 (train.learning_rate=0.0002): the workspace has its results" in text
    assert text.count("was killed: queued again; training resumes") == 2
    assert "0 queued, 0 running, 3 done, 0 failed" in text
    names = set(copied.run("dvc", "exp", "list", "--name-only").stdout.split())
    assert len(names) == 2
    page = (copied.folder / "reports/compare/index.html").read_text()
    assert re.findall("<h3>(.*)</h3>", page)[0] == "workspace"
    assert set(re.findall("<h3>(.*)</h3>", page)[1:]) == names
    assert "<h1>How fast?</h1>" in page
    assert page.count('src="data:image/png') == 3 + 2

    again = sweep(copied.folder, "rate")
    assert again.returncode == 0
    assert again.stdout.count("already finished as experiment") == 2
    assert "queued" not in again.stdout
    assert (copied.folder / "reports/compare/index.html").read_text() == page
    assert not working(copied.folder)
    assert not list((copied.folder / ".dvc/tmp/sweep/clones").iterdir())


@pytest.mark.pipeline
def test_one_at_a_time_in_a_project(copied):
    (copied.folder / "sweeps").mkdir()
    (copied.folder / "sweeps/rate.yaml").write_text(QUESTION)
    holder = "import fcntl, time; f = open('.dvc/tmp/sweep/lock', 'w'); "
    holder += "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
    (copied.folder / ".dvc/tmp/sweep").mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=copied.folder, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        result = sweep(copied.folder, "rate")
        other.kill()
    assert result.returncode == 1
    assert "the sweep of this project is in use by another process" in result.stderr
