"""Sweeps on clusters: real schedulers and workers, on hosts that share no disk."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import psutil
import pytest

from stages.gan.common.language import VARIABLE
from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import __main__ as command
from stages.tools.sweep import facts
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.progress import Progress
from tests.helpers.data import message_of
from tests.helpers.processes import hosts, light
from tests.helpers.processes.kill import wait_until
from tests.helpers.processes.server import needs

HERE = {"host": "a", "code": "1", "mindspore": "2", "machine": "x", "trouble": ""}
# The scheduler gives up a lease after this time, and a worker after twice as long.
SHORT = {
    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT": "10s",
    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_VALIDATION_INTERVAL": "1s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s",
}
STEPS = 60


@pytest.fixture(scope="module")
def cluster():
    """The module; without the extra `cluster` the test is skipped."""
    needs("distributed")
    from stages.tools.sweep import cluster

    return cluster


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"code": "9"}, ["a has another version of this project's code: it runs nothing"]),
        ({"mindspore": "1"}, ["a has MindSpore 1, here 2: it runs nothing"]),
        ({"machine": "y"}, ["a is another kind of machine, so its results may differ in their"]),
        ({"trouble": "/x is no clone"}, ["a runs nothing: /x is no clone"]),
    ],
)
def test_what_is_different_on_a_worker_is_told(cluster, changes, told):
    worker = {**HERE, **changes}
    lines = cluster.differences(worker, HERE)
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told, strict=True))
    assert cluster.work.fits(worker, HERE) == (not told or "machine" in changes)


def test_a_sweep_tells_of_a_worker_in_its_own_language(cluster, monkeypatch):
    monkeypatch.setenv(VARIABLE, "zh")
    trouble = cluster.work.NO_CLONE.format(folder="/x")
    worker = {**HERE, "trouble": trouble, "mindspore": facts.NOT_INSTALLED}
    assert cluster.differences(worker, HERE) == [
        "a 不会运行任何实验：/x 不是本项目的克隆",
        "a 的 MindSpore 版本：未安装，本机：2；它不会运行任何实验",
    ]


def test_a_worker_that_cannot_import_the_project_is_told(cluster):
    (line,) = cluster.differences(ModuleNotFoundError("stages"), HERE)
    assert "it cannot import this project there" in line


@pytest.mark.pipeline
def test_without_remotes_or_a_scheduler_it_ends_in_a_line(cluster, copied):
    def told() -> str:
        return message_of(cluster.Cluster, "tcp://127.0.0.1:9")

    assert "`git remote add origin URL`" in told()
    copied.run("git", "remote", "add", "origin", str(copied.folder.parent / "git"))
    assert "`dvc remote add -d NAME URL`" in told()
    copied.run("dvc", "remote", "add", "-q", "-d", "shared", str(copied.folder.parent / "storage"))
    cluster._PATIENCE = 1.0
    assert told().startswith("no scheduler answers at tcp://127.0.0.1:9: ")
    assert message_of(cluster.Cluster, "nonsense://x").startswith("no scheduler answers at nonse")


# A scheduler in a process of its own. At a line of input it ends; at none it is killed.
SCHEDULER = """
import asyncio, sys
from distributed import Scheduler
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0") as scheduler:
        print(scheduler.address, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


@contextmanager
def scheduler():
    """A scheduler's process and address."""
    with subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.fixture
def waiting(cluster, monkeypatch):
    """An experiment that waits for workers; dask is patient for two seconds."""
    monkeypatch.setattr(cluster, "_complain_without_remotes", lambda: None)
    monkeypatch.setattr(cluster, "_PATIENCE", 2.0)
    experiment = Experiment("mine", "a" * 40, "b" * 40, (), "make", "why", "k")
    return Progress(Planned("mine", {}, {}, "a=1", {}), experiment)


def test_a_connection_that_was_lost_is_made_again(cluster, waiting, capsys):
    with scheduler() as (_process, address):
        places = cluster.Cluster(address)
        places.look([waiting])
        client, (first,) = places._client, places._futures.values()
        client.loop.add_callback(client.scheduler_comm.comm.abort)
        wait_until(lambda: first.cancelled(), lambda: client.status, 10)
        places.look([waiting])
        wait_until(lambda: places._futures or places.look([waiting]), lambda: client.status, 10)
        places.look([waiting])
        assert [each.status for each in places._futures.values()] == ["pending"]
        assert waiting.is_open
        client.close()


@pytest.mark.parametrize("way", ["ends", "is killed"])
def test_a_scheduler_that_is_gone_ends_the_sweep_in_a_line(
    cluster, waiting, monkeypatch, capsys, way
):
    monkeypatch.setattr(command, "_PAUSE", 0.1)
    monkeypatch.setattr(command.sys, "argv", ["sweep", "beta1", "--cluster", "tcp://x"])
    with scheduler() as (process, address):
        places = cluster.Cluster(address)
        places.look([waiting])
        end = process.kill if way == "is killed" else lambda: process.communicate("\n")
        threading.Timer(0.5, end).start()
        told = message_of(command.follow, [waiting], places, "there")
    assert told.startswith(f"the scheduler at {address} is gone: ")
    assert "to resume: python -m stages sweep beta1 --cluster tcp://x" in capsys.readouterr().out
    assert waiting.is_open
    assert waiting.tries == 1
    places._client.close()


class Notes:
    """What the stages of a light project have noted: what, which experiment, at which step."""

    def __init__(self, file):
        self._file = file

    def lines(self) -> list[tuple[str, str, int]]:
        words = [line.split() for line in self._file.read_text().splitlines()]
        return [(what, number, int(step)) for what, number, step in words]

    def count(self, what: str, *numbers: str) -> int:
        return sum(kind == what and number in numbers for kind, number, _ in self.lines())


@pytest.fixture(scope="module")
def light_cluster(tmp_path_factory):
    """Two hosts with a worker each, and the notes of their light project."""
    place = tmp_path_factory.mktemp("light")
    project = light.make(place / "original", place / "notes", STEPS)
    with hosts.two_hosts(place, project, SHORT) as found:
        yield found, Notes(place / "notes")


def drive(found: hosts.Cluster, log: str, *numbers: str):
    """Start a sweep; a worker that has ended, as one that was cut off does, is started again."""
    for number in (0, 1):
        if number not in found.workers or found.workers[number].poll() is not None:
            found.worker(number)
    return found.start(log, "python", "drive.py", found.address, *numbers)


def expect_all(found: hosts.Cluster, notes: Notes, numbers: list[str]) -> None:
    """Each has run to its end once, and the first host has it with its data."""
    ends = Counter(number for what, number, _ in notes.lines() if what == "end")
    assert [ends[number] for number in numbers] == [1] * len(numbers), notes.lines()
    first = found.hosts[0]
    names = first.run("git", "for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").split()
    assert {f"n{number}" for number in numbers} <= set(names)
    assert "refs/sweep/" not in first.run("git", "ls-remote", "origin")


@pytest.mark.slow
@pytest.mark.pipeline
def test_workers_and_the_sweep_are_killed_at_random_and_nothing_runs_twice(light_cluster):
    found, notes = light_cluster
    numbers = [str(number) for number in range(1, 6)]
    chance = random.Random(7)
    sweep = drive(found, "killed", *numbers)
    wait_until(lambda: notes.count("begin", *numbers) >= 2, lambda: found.text("killed"), 150)
    time.sleep(chance.uniform(1, 3))
    workers(found)[chance.randrange(2)].kill()  # its nanny starts another
    time.sleep(chance.uniform(2, 5))
    hosts.kill(sweep)
    assert sweep.wait() == -signal.SIGKILL
    hosts.kill(found.workers[1])  # the nanny, too: as when a host is switched off
    found.workers[1].wait()
    time.sleep(chance.uniform(1, 3))
    sweep = drive(found, "again", *numbers)
    assert sweep.wait(170) == 0, found.text("again")
    assert "all done" in found.text("again")
    expect_all(found, notes, numbers)
    assert notes.count("stopped", *numbers) >= 1


def workers(found: hosts.Cluster) -> list[psutil.Process]:
    """dask's worker processes, which their nannies have started."""
    return [
        child
        for nanny in found.workers.values()
        for child in psutil.Process(nanny.pid).children(recursive=True)
        if any("spawn_main" in word for word in child.cmdline())
    ]


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_host_that_is_cut_off_stops_before_another_begins(light_cluster):
    found, notes = light_cluster
    numbers = ["11", "12"]
    sweep = drive(found, "cut", *numbers)
    wait_until(lambda: notes.count("begin", *numbers) == 2, lambda: found.text("cut"), 150)
    time.sleep(2)
    found.cut(1)
    wait_until(lambda: notes.count("stopped", *numbers) == 1, lambda: found.text("cut"), 150)
    wait_until(lambda: notes.count("begin", *numbers) == 3, lambda: found.text("cut"), 150)
    found.mend(1)
    assert sweep.wait(150) == 0, found.text("cut")
    expect_all(found, notes, numbers)
    kinds = [what for what, number, _ in notes.lines() if number in numbers]
    assert kinds.index("stopped") < [n for n, kind in enumerate(kinds) if kind == "begin"][2]


@pytest.mark.slow
@pytest.mark.pipeline
def test_ctrl_c_saves_and_the_same_command_goes_on(light_cluster):
    found, notes = light_cluster
    numbers = ["21", "22"]
    sweep = drive(found, "asked", *numbers)
    wait_until(lambda: notes.count("begin", *numbers) == 2, lambda: found.text("asked"), 150)
    time.sleep(3)
    os.killpg(sweep.pid, signal.SIGINT)
    assert sweep.wait(60) == 130, found.text("asked")
    assert notes.count("stopped", *numbers) == 2
    sweep = drive(found, "asked again", *numbers)
    assert sweep.wait(120) == 0, found.text("asked again")
    expect_all(found, notes, numbers)
    resumed = [
        step for what, number, step in notes.lines() if what == "begin" and number in numbers
    ]
    assert sorted(resumed)[-1] > 0
