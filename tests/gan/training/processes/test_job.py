"""Runs of several processes: killed, stopped, two at once, by msrun itself, across hosts."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stages.gan.common import paths
from stages.gan.common.processes import is_alive
from tests.helpers.processes.distributed import Running, of_workers
from tests.helpers.processes.kill import results, wait_until
from tests.helpers.project import Project, make_project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.usefixtures("all_cores")]

EPOCHS = 60  # of 4 steps
TRAIN = ("python", "-m", "stages.train", "mnist")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    """A project before its training by two workers."""
    project = make_project(tmp_path_factory.mktemp("prepared") / "project")
    for stage in ("download", "preprocess"):
        project.stage(stage, "mnist")
    return of_workers(project, 2, epochs=EPOCHS, checkpoint_every=2)


@pytest.fixture(scope="module")
def at_once(prepared) -> list[Project]:
    """Two jobs that ran without a break at the same time, as others may on this machine."""
    projects = [clone(prepared, f"at once {number}") for number in (1, 2)]
    jobs = [Running(project, *TRAIN) for project in projects]
    for job in jobs:
        assert job.end(400) == 0, job.text
    return projects


@pytest.fixture(scope="module")
def unbroken(at_once) -> dict[str, str]:
    """What an unbroken run by two workers leaves."""
    return results(at_once[0], "mnist")


def clone(project: Project, name: str) -> Project:
    copy = Project(project.folder.parent / name)
    shutil.copytree(project.folder, copy.folder)
    return copy


def left_over(project: Project) -> list[str]:
    """What a job should not leave in the project's folder."""
    shipped = {"LICENSE", "params.yaml", "dvc.yaml", "recipes", "stages"}
    known = shipped | {"data", "models", "metrics", "reports"}
    found = {path.name for path in project.folder.iterdir() if not path.name.startswith(".")}
    jobs = {path.name for path in (project.folder / ".scratch").glob("job-*")}
    return sorted((found | jobs) - known)


def end_by(running: Running, how: str | signal.Signals) -> int:
    """End a job by kill -9 of one of its processes, or by a signal to its stage; the exit code."""
    if how == signal.SIGINT:  # a terminal sends it to the whole group
        os.killpg(running.process.pid, how)
    elif isinstance(how, signal.Signals):
        running.members["stage"].send_signal(how)
    elif how == "dvc":
        running.process.kill()
    else:
        running.members[how].kill()
    return running.end()


def test_a_job_that_is_ended_in_any_way_goes_on_to_the_same_bytes(prepared, unbroken):
    """One run, ended again and again in another way, and taken up by the next command."""
    project = clone(prepared, "ended")
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    killed = ["rank 1", "scheduler", "rank 0", "msrun"]
    asked = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    before = 0
    for number, how in enumerate([*killed, "stage", *asked, "dvc"]):
        by_dvc = ("dvc", "repro", "--single-item", "train@mnist")
        running = Running(project, *(by_dvc if how == "dvc" else TRAIN))
        running.wait_for("\nepoch " if number else "epoch 3:")
        assert running.members.keys() >= {"msrun", "scheduler", "rank 0", "rank 1", "stage"}
        code = end_by(running, how)
        assert "Traceback" not in running.text, how
        errors = [line for line in running.text.splitlines() if line.startswith("error: ")]
        (state, *_) = sorted((project.folder / ".scratch/mnist").glob("*/state-*"), reverse=True)
        step = int(state.name[-10:])
        if how in killed:
            assert code == 1
            (error,) = errors
            assert how in error
            assert "the same command resumes" in error
        elif how in asked:
            assert code == 128 + how
            (error,) = errors
            assert f"after step {step} of 240, and saved: the same command resumes" in error
        if number:
            assert f"resuming after step {before} of 240" in running.text
        if how not in killed:  # it was saved when it ended
            assert step > before
        before = step
        if how != "stage":  # kill -9 of who would tidy up; the next one does
            assert left_over(project) == [], how
    project.run(*TRAIN)
    assert left_over(project) == []
    assert results(project, "mnist") == unbroken


@pytest.mark.parametrize("joining", [False, True])
@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_a_stage_that_is_killed_before_its_processes_have_joined_leaves_none(
    prepared, joining, seconds
):
    """MindSpore lets no other thread look after them while they join."""
    project = clone(prepared, f"killed-{joining}-{seconds}")
    running = Running(project, "python", "-m", "stages.train", "mnist")
    stage = psutil.Process(running.process.pid)
    wait_until(lambda: len(roles(stage)) >= 3, lambda: running.text)
    if joining:
        wait_until(lambda: are_joining(stage), lambda: running.text)
    time.sleep(seconds)
    processes = stage.children(recursive=True)
    stage.kill()
    running.process.wait(60)
    wait_until(lambda: not any(is_alive(each) for each in processes), seconds=30)
    assert not (project.folder / paths.models("mnist")).exists()


def are_joining(stage: psutil.Process) -> bool:
    """Whether a process of a job has a connection to another: to the scheduler, at first."""
    for each in stage.children(recursive=True):
        with suppress(psutil.Error):
            if any(one.raddr for one in each.net_connections("tcp")):
                return True
    return False


def roles(stage: psutil.Process) -> list[str]:
    """What the processes of a job are to MindSpore, as far as they have begun."""
    found = []
    for each in stage.children(recursive=True):
        with suppress(psutil.Error):
            found.append(each.environ().get("MS_ROLE", ""))
    return [role for role in found if role]


def test_two_jobs_at_once_do_not_meet(at_once, unbroken):
    """Jobs that run alone have the same results: those of the tests before and after this one."""
    for project in at_once:
        assert left_over(project) == []
        assert results(project, "mnist") == unbroken


def test_a_failed_run_is_told_once(prepared):
    project = clone(prepared, "failed")
    of_workers(project, 2, learning_rate=10.0, epochs=200, max_steps=None)
    done = project.run(*TRAIN, check=False)
    assert done.returncode == 1
    assert done.stderr.count("training was stopped at step") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert (project.folder / "reports/mnist/failure.html").exists()
    assert left_over(project) == []
    assert not list((project.folder / ".scratch/mnist").glob("*/state-*"))


def msrun(*options: str) -> list[str]:
    return [
        sys.executable, "-m", "mindspore.parallel.cluster.run", *options, "--join=True", *TRAIN
    ]  # fmt: skip


def test_msrun_itself_may_start_the_ranks(prepared, unbroken):
    project = clone(prepared, "by hand")
    logs = f"--log_dir={project.folder.parent / 'logs'}"
    port = "--master_port=8417"
    done = project.run(*msrun("--worker_num=2", "--local_worker_num=2", port, logs))
    assert "error" not in done.stdout + done.stderr
    assert results(project, "mnist") == unbroken
    other = project.run(*msrun("--worker_num=3", "--local_worker_num=3", port, logs), check=False)
    assert other.returncode != 0
    said = "".join(file.read_text() for file in (project.folder.parent / "logs").iterdir())
    assert "workers is 2, but msrun starts 3 workers" in said


def _can_make_namespaces() -> str:
    if sys.platform != "linux" or not shutil.which("ip"):
        return "there is no command `ip`"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    made = subprocess.run(["ip", "netns", "add", "ranks-try"], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", "ranks-try"], check=True)
    return ""


@pytest.fixture
def two_hosts():
    """Names and addresses of two network namespaces that see each other and nothing else."""
    if reason := _can_make_namespaces():
        pytest.skip(reason)
    names = [f"ranks-{os.getpid()}-{number}" for number in (0, 1)]
    addresses = ["10.213.7.1", "10.213.7.2"]

    def ip(*command: str) -> None:
        subprocess.run(["ip", *command], check=True)

    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "v0", "netns", names[0], "type", "veth", "peer", "v1", "netns", names[1])
        for number, (name, address) in enumerate(zip(names, addresses, strict=True)):
            ip("-n", name, "address", "add", f"{address}/24", "dev", f"v{number}")
            ip("-n", name, "link", "set", f"v{number}", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names, addresses
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def on_both(two_hosts, projects: list[Project]) -> list[Running]:
    """One msrun on each host, with one rank each."""
    names, addresses = two_hosts
    return [
        Running(
            project,
            *["ip", "netns", "exec", name],
            *msrun(
                "--worker_num=2", "--local_worker_num=1", f"--node_rank={number}",
                f"--master_addr={addresses[0]}", "--master_port=8418",
                f"--log_dir={project.folder.parent / f'{project.folder.name} logs'}",
            ),
        )
        for number, (name, project) in enumerate(zip(names, projects, strict=True))
    ]  # fmt: skip


def test_two_hosts_train_what_one_does(prepared, unbroken, two_hosts):
    projects = [clone(prepared, f"host {number}") for number in (0, 1)]
    for job in on_both(two_hosts, projects):
        assert job.end(400) == 0, job.text
    assert results(projects[0], "mnist") == unbroken
    assert not (projects[1].folder / "models").exists()  # rank 0's host has what was made


def test_hosts_that_would_train_different_networks_are_told_so(prepared, two_hosts):
    projects = [clone(prepared, f"other {number}") for number in (0, 1)]
    of_workers(projects[1], 2, epochs=EPOCHS, checkpoint_every=2, seed=5)
    for number, job in enumerate(on_both(two_hosts, projects)):
        assert job.end(400) != 0
        log = projects[number].folder.parent / f"other {number} logs/worker_{number}.log"
        assert (
            "their params, data, code, libraries and compiled kernels must be the same"
            in log.read_text()
        )
    assert not list(Path(projects[0].folder / ".scratch").glob("mnist/*/state-*"))
