import os
import signal
import subprocess
import sys

import pytest
import yaml

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.tools.bundle import environment
from stages.tools.dvc.clones import working_in
from stages.tools.sweep import workers
from stages.tools.upkeep import side_by_side
from stages.tools.upkeep.side_by_side import Halves, both_halves, fit
from tests.helpers.processes import cores
from tests.helpers.processes.kill import wait_until
from tests.helpers.project import make_project, tiny_params

needs_cores = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="no process can be bound to cores here"
)

# What DVC would print, and how it would end: each run notes its arguments and its cores.
PRETENDED = """
import os, pathlib, sys, time
arguments = sys.argv[2:]
with open("ran", "a") as notes:
    notes.write(f"{' '.join(arguments)} on {sorted(os.sched_getaffinity(0))}\\n")
if pathlib.Path("broken").exists() and "train@faces" in arguments:
    sys.exit("ERROR: failed to reproduce 'preprocess@faces'")
print("Running stage 'train@faces':" if "train@faces" in arguments else "Running", flush=True)
if "judge@faces" in arguments:
    pathlib.Path("judged").touch()
for _ in range(6000):  # the training goes on until the judge is made
    if "train@faces" not in arguments or pathlib.Path("judged").exists():
        break
    time.sleep(0.01)
else:
    sys.exit("nothing else was done meanwhile")
sys.exit(pathlib.Path("fail").exists() and pathlib.Path("fail").read_text() in arguments)
"""


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """A folder in which a pretended DVC runs, on cores that this process may use."""
    (tmp_path / "dvc.py").write_text(PRETENDED)
    monkeypatch.setattr(side_by_side, "ATTACHED", (sys.executable, str(tmp_path / "dvc.py")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def halves() -> Halves:
    return Halves([min(cores.AVAILABLE)], [max(cores.AVAILABLE)])


@needs_cores
@pytest.mark.parametrize(
    ("available", "vectors", "expected"),
    [
        ([0], "avx512f", None),
        ([0, 1], "avx512f", ([0], [1])),
        ([3, 5, 6], "avx512f", ([3], [5, 6])),
        ([0, 1], "avx2", None),
        ([0, 1, 2], "avx2", None),
        ([0, 1, 2, 3], "avx2", ([0, 1], [2, 3])),
        (list(range(8)), "unknown", ([0, 1, 2, 3], [4, 5, 6, 7])),
    ],
)
def test_a_half_is_large_enough_to_give_the_same_bits(monkeypatch, available, vectors, expected):
    monkeypatch.setattr(environment, "vectors", lambda: vectors)
    assert both_halves(available) == expected


def test_where_no_process_can_be_bound_there_are_no_halves(monkeypatch):
    monkeypatch.setattr(environment, "vectors", lambda: "avx512f")
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert both_halves([0, 1]) is None


def test_two_at_once_need_the_memory_of_both(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(workers, "memory", lambda: 3_500_000_000)
    assert fit(["mnist", "faces"])
    monkeypatch.setattr(workers, "memory", lambda: 3_400_000_000)
    assert not fit(["mnist", "faces"])
    assert fit(["mnist"])


def test_a_training_in_several_processes_has_all_cores(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(workers, "memory", lambda: 10**12)
    params = project.params
    params["faces"]["train"]["distributed"]["workers"] = 2
    project.write_params(params)
    assert fit(["mnist"])
    assert not fit(["mnist", "faces"])


@needs_cores
def test_the_others_and_the_judge_are_done_while_the_last_is_trained(pretended, capfdbinary):
    halves().run(["mnist", "other", "faces"])
    first, second = [min(cores.AVAILABLE)], [max(cores.AVAILABLE)]
    ran = (pretended / "ran").read_text().splitlines()
    training = f"--wait-for-lock repro train@faces on {second}"
    assert [line for line in ran if line != training] == [
        f"--wait-for-lock repro report@mnist export@mnist play@mnist on {first}",
        f"--wait-for-lock repro report@other export@other play@other on {first}",
        f"--wait-for-lock repro --single-item judge@faces on {first}",
    ]
    assert training in ran
    said = capfdbinary.readouterr().out.decode().splitlines()
    assert said[0] == f"cores {second[0]}: faces is trained; cores {first[0]}: mnist, other"
    assert sorted(said[1:]) == [
        "faces | Running",
        "faces | Running stage 'train@faces':",
        "mnist | Running",
        "other | Running",
    ]


@needs_cores
@pytest.mark.parametrize("failing", ["report@mnist", "train@faces", "judge@faces"])
def test_a_stage_that_fails_is_told_after_the_other_half_is_done(pretended, failing):
    (pretended / "fail").write_text(failing)
    with pytest.raises(UserError, match="a stage has failed; its message is above"):
        halves().run(["mnist", "faces"])
    assert len((pretended / "ran").read_text().splitlines()) == 3


@needs_cores
def test_without_its_data_the_last_has_no_judge(pretended):
    (pretended / "broken").touch()
    with pytest.raises(UserError, match="a stage has failed"):
        halves().run(["mnist", "faces"])
    assert "judge@faces" not in (pretended / "ran").read_text()


@needs_cores
def test_nothing_is_begun_after_the_end(pretended):
    both = halves()
    both._end(0.0)
    with pytest.raises(UserError):
        both.run(["mnist", "faces"])
    assert not (pretended / "ran").exists()


@needs_cores
def test_unless_two_have_no_results_there_is_nothing_to_do(project, monkeypatch):
    ran = []
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(sys, "argv", ["side_by_side"])
    monkeypatch.setattr(workers, "cores", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(workers, "memory", lambda: 10**12)
    monkeypatch.setattr(Halves, "run", lambda self, datasets: ran.append(datasets))
    side_by_side.main()
    paths.models("faces").mkdir(parents=True)
    side_by_side.main()
    assert ran == [["mnist", "faces"]]


@pytest.fixture
def begun(tmp_path):
    """A tiny project in git and DVC, in which nothing has run."""
    project = make_project(tmp_path / "project")
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    return project


def outs(project) -> dict:
    """What dvc.lock holds of each stage's outs."""
    content = yaml.safe_load((project.folder / "dvc.lock").read_text())
    return {name: stage["outs"] for name, stage in content["stages"].items()}


needs_halves = pytest.mark.skipif(
    both_halves(sorted(cores.AVAILABLE)) is None,
    reason="a half of the cores would be too small to give the same bits",
)


@needs_halves
@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.usefixtures("all_cores")
def test_every_out_has_the_bytes_that_one_after_the_other_gives(begun, reproduced):
    result = begun.run("python", "-m", "stages", "side_by_side", fork=False)
    assert "faces is trained" in result.stdout
    last = begun.run("dvc", "repro")
    assert "Running stage 'evaluate@faces'" in last.stdout
    assert "Running stage 'train@" not in last.stdout
    assert outs(begun) == outs(reproduced)
    assert begun.run("python", "-m", "stages", "side_by_side").stdout == ""


@needs_halves
@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.usefixtures("all_cores")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process_and_is_taken_up(begun, number):
    params = tiny_params()
    params["faces"]["train"].update(epochs=60)
    begun.write_params(params)
    with subprocess.Popen(
        [sys.executable, "-m", "stages", "side_by_side"],
        cwd=begun.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert any(line.startswith("faces | epoch 2") for line in process.stdout)
        if number == signal.SIGINT:  # as in a terminal: to all of them
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        process.stdout.read()
    expected = {signal.SIGTERM: 143, signal.SIGINT: 130}.get(number, -number)
    assert process.returncode == expected
    wait_until(lambda: not working_in(begun.folder), lambda: str(working_in(begun.folder)))
    begun.run("python", "-m", "stages", "unlock")
    if number == signal.SIGKILL:  # faces may not have saved yet
        begun.run("python", "-m", "stages", "side_by_side", fork=False)
        assert (begun.folder / paths.report("mnist")).exists()
        begun.run("dvc", "repro")  # it trains, if mnist had its results already
        assert (begun.folder / paths.report("faces")).exists()
    else:
        again = begun.run("dvc", "repro", "train@faces")
        assert "resuming after step " in again.stdout
        assert (begun.folder / paths.models("faces")).exists()
