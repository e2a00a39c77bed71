import os
import sys
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.common.processes import is_alive
from stages.gan.params import choices
from stages.tools.dvc import queue
from stages.tools.sweep import workers


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


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """Workers that are programs of another kind, with the same last words."""
    monkeypatch.chdir(tmp_path)
    script = "import subprocess, sys, time; "
    script += "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    monkeypatch.setattr(queue, "DVC", (sys.executable, "-c", script))
    made = []

    def make(count):
        made.append(workers.Workers(count))
        return made[-1]

    yield make
    for each in made:
        each.end()


def children_of(process, seconds=30):
    end = time.monotonic() + seconds
    while not (found := process.children()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def living():
    return list(queue.workers())


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux keeps to cores")
@pytest.mark.usefixtures("all_cores")
def test_each_keeps_to_a_core_of_its_own_with_all_that_it_starts(pretended):
    here = os.sched_getaffinity(0)
    pool = pretended(len(workers.cores()))
    lines = pool.fill(len(workers.cores()))
    assert os.sched_getaffinity(0) == here
    found = living()
    assert len(found) == len(lines) == len(pool) == len(here)
    kept = [os.sched_getaffinity(process.pid) for process in found]
    assert sorted(kept) == [{core} for core in sorted(here)]
    for process, own in zip(found, kept, strict=True):
        (child,) = children_of(process)
        assert os.sched_getaffinity(child.pid) == own


@pytest.mark.parametrize("asked", [True, False])
def test_one_that_was_killed_is_told_and_replaced(pretended, asked):
    pool = pretended(1)
    pool.fill(1)
    assert pool.fill(1) == []
    (process,) = living()
    (child,) = children_of(process)
    process.kill()
    end = time.monotonic() + 30
    while len(pool):
        assert time.monotonic() < end
        time.sleep(0.05)
    lines = pool.failed() if asked else pool.fill(1)
    assert lines[0] == "worker 1 was killed by SIGKILL"
    assert pool.failures == 1
    assert pool.failed() == []
    assert len(lines) + len(pool.fill(1)) == 2
    assert len(pool) == 1
    child.kill()


def test_the_end_leaves_no_process_behind(pretended):
    pool = pretended(2)
    pool.fill(2)
    found = living()
    children = [child for process in found for child in children_of(process)]
    pool.end()
    assert len(pool) == 0
    assert not [each for each in (*found, *children) if is_alive(each)]


def test_those_of_a_sweep_that_was_killed_are_taken_over(pretended):
    first = pretended(2)
    first.fill(1)
    second = workers.Workers(2)
    assert second.numbers == [0]
    (line,) = second.fill(2)
    assert "worker 2 started" in line
    second.end()
    assert first.numbers == []


def test_one_that_has_no_command_line_yet_is_waited_for(pretended, monkeypatch):
    # As for a moment after each start: `exec` gives a process its arguments last.
    of, looks = psutil.Process.cmdline, []

    def late(process):
        if process.ppid() != os.getpid() or len(looks) == 3:
            return of(process)
        looks.append(process.pid)
        return []

    monkeypatch.setattr(psutil.Process, "cmdline", late)
    pretended(1).fill(1)
    assert len(looks) == 3
    assert workers.Workers(1).numbers == [0]


def test_one_that_fell_before_it_had_a_command_line_is_not_waited_for(pretended, monkeypatch):
    monkeypatch.setattr(psutil.Process, "cmdline", lambda process: [])
    monkeypatch.setattr(queue, "DVC", (sys.executable, "-c", "raise SystemExit(3)"))
    pool = pretended(1)
    pool.fill(1)
    assert pool.failed() == ["worker 1 ended with 3"]
