import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stages.command import workspace

# Starts a stage as DVC does, with a shell in between if asked, and waits.
START = """
import os, subprocess, sys
work = [sys.executable, "-c", sys.argv[1]]
if sys.argv[2] == "shell":
    work = ["/bin/sh", "-c", f"{work[0]} -c '{work[2]}'; true"]
subprocess.run(work, env={**os.environ, "DVC_STAGE": sys.argv[3]} if sys.argv[3] else None)
"""
WORK = """
import os, time
from stages.command import workspace
workspace.end_with_dvc()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def start(between: str, stage: str):
    """A process that plays DVC, and the number of the one it started."""
    dvc = subprocess.Popen(
        [sys.executable, "-c", START, WORK, between, stage], stdout=subprocess.PIPE, text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("DVC_")},
    )  # fmt: skip
    return dvc, int(dvc.stdout.readline())


@pytest.mark.parametrize("between", ["shell", "nothing"])
@pytest.mark.parametrize("reaped", [True, False])
def test_a_stage_ends_when_dvc_was_killed(between, reaped):
    dvc, stage = start(between, "train@mnist")
    assert workspace.is_alive(psutil.Process(stage))
    dvc.kill()
    if reaped:
        dvc.wait()
    assert _ends(stage, 20)
    dvc.communicate()


def test_one_that_a_person_started_goes_on():
    shell, stage = start("nothing", "")
    shell.kill()
    shell.wait()
    assert not _ends(stage, 2)
    os.kill(stage, signal.SIGKILL)
    shell.communicate()


def _ends(process: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if not workspace.is_alive(psutil.Process(process)):
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def test_what_is_saved_lies_in_the_project_of_an_experiments_copy(monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert workspace.scratch() == Path(".scratch")
    monkeypatch.setenv("DVC_ROOT", "/project")
    assert workspace.scratch() == Path("/project/.scratch")
