"""Runs of several processes: killed, stopped, two at once, by msrun itself, across hosts."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project, make_project
from distributed_helpers import Running, of_workers
from kill_helpers import results

pytestmark = pytest.mark.pipeline

TRAIN = ("python", "-m", "stages.train", "mnist")
MODULES = ("msrun", "scheduler", "rank 0", "rank 1", "stage")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    """A project before its training by two workers."""
    project = make_project(tmp_path_factory.mktemp("prepared") / "project")
    for stage in ("download", "preprocess"):
        project.stage(stage, "mnist")
    return of_workers(project, 2, epochs=12, checkpoint_every=3)


@pytest.fixture(scope="module")
def unbroken(prepared) -> dict[str, str]:
    """What an unbroken run by two workers leaves."""
    copy = clone(prepared, "unbroken")
    copy.run(*TRAIN)
    assert left_over(copy) == []
    return results(copy, "mnist")


def clone(project: Project, name: str) -> Project:
    copy = Project(project.folder.parent / name)
    shutil.copytree(project.folder, copy.folder)
    return copy


def left_over(project: Project) -> list[str]:
    """What a job should not leave in the project's folder."""
    known = {"params.yaml", "dvc.yaml", "stages", "data", "models", "metrics", "reports"}
    found = {path.name for path in project.folder.iterdir() if not path.name.startswith(".")}
    jobs = {path.name for path in (project.folder / ".scratch").glob("job-*")}
    return sorted((found | jobs) - known)


@pytest.mark.parametrize("who", ["rank 1", "rank 0", "scheduler", "msrun"])
def test_a_killed_process_ends_the_job_and_the_next_run_goes_on_to_the_same_bytes(
    prepared, unbroken, who
):
    project = clone(prepared, f"killed {who}")
    running = Running(project, *TRAIN)
    running.wait_for("epoch 7:")
    assert running.members.keys() >= set(MODULES)
    running.members[who].kill()
    assert running.end() == 1
    errors = [line for line in running.text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, running.text
    assert who.removesuffix(" 1").removesuffix(" 0") in errors[0]
    assert "the same command goes on" in errors[0]
    assert "Traceback" not in running.text
    assert left_over(project) == []
    output = project.run(*TRAIN).stdout
    assert re.search("going on after step [0-9]+ of 48", output)
    assert results(project, "mnist") == unbroken


def test_the_job_ends_with_its_stage_and_rank_0_saves_first(prepared):
    project = of_workers(clone(prepared, "stage killed"), 2, epochs=3000, checkpoint_every=3000)
    running = Running(project, *TRAIN)
    running.wait_for("epoch 3:")
    running.process.kill()
    running.end()
    (state,) = (project.folder / ".scratch/mnist").glob("*/state-*")
    step = int(state.name[-10:])
    assert step >= 12
    again = Running(project, *TRAIN)
    again.wait_for(f"going on after step {step:,} of 12,000")
    assert len(list((project.folder / ".scratch").glob("job-*"))) == 1  # the dead one's is gone
    again.process.send_signal(signal.SIGTERM)
    again.end()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_request_to_end_saves_first(prepared, number):
    project = clone(prepared, number.name)
    of_workers(project, 2, epochs=3000, checkpoint_every=3000)
    running = Running(project, *TRAIN)
    running.wait_for("epoch 3:")
    if number == signal.SIGINT:  # a terminal sends it to the whole group
        os.killpg(running.process.pid, number)
    else:
        running.process.send_signal(number)
    assert running.end() == 128 + number
    step = re.search(
        "error: stopped by .* after step ([0-9,]+) of 12,000, and saved: the same command goes on",
        running.text,
    )[1]
    (state,) = (project.folder / ".scratch/mnist").glob("*/state-*")
    assert int(state.name[-10:]) == int(step.replace(",", ""))
    assert "Traceback" not in running.text
    assert left_over(project) == []


def test_a_killed_dvc_takes_the_job_with_it_which_saves_first(prepared):
    project = of_workers(clone(prepared, "dvc"), 2, epochs=3000, checkpoint_every=3000)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    running = Running(project, "dvc", "repro", "--single-item", "train@mnist")
    running.wait_for("epoch 3:")
    running.process.kill()
    running.end()
    assert list((project.folder / ".scratch/mnist").glob("*/state-*"))
    assert left_over(project) == []


def test_two_jobs_at_once_do_not_meet(prepared, unbroken):
    projects = [clone(prepared, f"at once {number}") for number in (1, 2)]
    jobs = [Running(project, *TRAIN) for project in projects]
    for job, project in zip(jobs, projects, strict=True):
        assert job.end(400) == 0, job.text
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
    assert "workers is 2, but msrun was told to start 3 workers" in said


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
    of_workers(projects[1], 2, epochs=12, checkpoint_every=3, seed=5)
    for number, job in enumerate(on_both(two_hosts, projects)):
        assert job.end(400) != 0
        log = projects[number].folder.parent / f"other {number} logs/worker_{number}.log"
        assert "do not have the same params, data, code" in log.read_text()
    assert not list(Path(projects[0].folder / ".scratch").glob("mnist/*/state-*"))
