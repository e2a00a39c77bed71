"""Sweeps on clusters: real schedulers and workers, on hosts that share no disk."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psutil
import pytest

from tests.helpers.data import message_of
from tests.helpers.processes import hosts, light
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


class Notes:
    """What the stages of a light project have noted: what, which experiment, at which step."""

    def __init__(self, file):
        self._file = file

    def lines(self) -> list[tuple[str, str, int]]:
        words = [line.split() for line in self._file.read_text().splitlines()]
        return [(what, number, int(step)) for what, number, step in words]

    def count(self, what: str, *numbers: str) -> int:
        return sum(kind == what and number in numbers for kind, number, _ in self.lines())


def wait_for(what: Callable[[], object], told: Callable[[], str], seconds: float = 150) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, told()
        time.sleep(0.1)


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
    wait_for(lambda: notes.count("begin", *numbers) >= 2, lambda: found.text("killed"))
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
    wait_for(lambda: notes.count("begin", *numbers) == 2, lambda: found.text("cut"))
    time.sleep(2)
    found.cut(1)
    wait_for(lambda: notes.count("stopped", *numbers) == 1, lambda: found.text("cut"))
    wait_for(lambda: notes.count("begin", *numbers) == 3, lambda: found.text("cut"))
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
    wait_for(lambda: notes.count("begin", *numbers) == 2, lambda: found.text("asked"))
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
