import os
import sys
import time

import pytest

from stages.gan import threads
from stages.gan.threads import SpinningThreads, waiting_threads

linux = pytest.mark.skipif(sys.platform != "linux", reason="the policy is Linux's")


@pytest.fixture
def watched(monkeypatch):
    """Times and loads as the test says; the policies that were set are recorded."""
    seen = {"now": 100.0, "foreign": 0.0, "set": []}
    monkeypatch.setattr(threads.time, "monotonic", lambda: seen["now"])
    monkeypatch.setattr(threads, "_busy_seconds_of_others", lambda: seen["foreign"])
    monkeypatch.setattr(threads, "waiting_threads", lambda: [11, 12])
    monkeypatch.setattr(
        threads.os, "sched_setscheduler", lambda task, policy, _: seen["set"].append((task, policy))
    )
    return seen


@linux
def test_idle_while_alone_and_usual_beside_a_busy_program(watched):
    spinning = SpinningThreads()
    spinning.after_step()
    assert watched["set"] == []  # one look tells no rate yet
    watched["now"] += 3
    spinning.after_step()
    assert watched["set"] == [(11, os.SCHED_IDLE), (12, os.SCHED_IDLE)]
    watched["now"] += 3
    watched["foreign"] += 3
    spinning.after_step()
    assert watched["set"][2:] == [(11, os.SCHED_OTHER), (12, os.SCHED_OTHER)]
    watched["now"] += 3
    spinning.after_step()
    assert watched["set"][4:] == [(11, os.SCHED_IDLE), (12, os.SCHED_IDLE)]
    spinning.release()
    assert watched["set"][6:] == [(11, os.SCHED_OTHER), (12, os.SCHED_OTHER)]


@linux
def test_looks_are_rare(watched):
    spinning = SpinningThreads()
    spinning.after_step()
    watched["now"] += 0.5
    spinning.after_step()
    assert watched["set"] == []


def test_elsewhere_nothing_happens(watched, monkeypatch):
    monkeypatch.setattr(threads, "_TASKS", threads.Path("/nowhere"))
    spinning = SpinningThreads()
    for _ in range(3):
        watched["now"] += 5
        spinning.after_step()
    spinning.release()
    assert watched["set"] == []


@linux
def test_a_forbidden_call_is_no_error(watched, monkeypatch):
    def refuse(*arguments):
        raise PermissionError

    monkeypatch.setattr(threads.os, "sched_setscheduler", refuse)
    spinning = SpinningThreads()
    for _ in range(3):
        watched["now"] += 5
        spinning.after_step()


@linux
def test_the_load_of_others_is_counted_in_seconds():
    before = threads._busy_seconds_of_others()
    time.sleep(0.05)
    assert threads._busy_seconds_of_others() >= before - 0.1
    assert all(isinstance(task, int) for task in waiting_threads())
