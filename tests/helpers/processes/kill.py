"""Stages that end by kill -9 at a certain point, what is left of a project, and waiting for it."""

import hashlib
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.helpers.project import Project

_PAUSE = 0.05

# Runs `stages.<argv[1]> <argv[2]>`; at the argv[4]-th call of the function argv[3] the process
# kills itself before the call, or after it if argv[5] says so.
_KILLED = """
import importlib, os, runpy, signal, sys
stage, dataset, place, count, when = sys.argv[1:]
module, *owner, name = place.split(":")
holder = importlib.import_module(module)
for part in owner:
    holder = getattr(holder, part)
original, calls = getattr(holder, name), 0
def counted(*args, **options):
    global calls
    calls += 1
    if calls == int(count) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*args, **options)
    if calls == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(holder, name, counted)
sys.argv = ["stage", dataset]
runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)
"""


def killed(
    project: Project, stage: str, dataset: str, place: str, count: int = 1, when: str = "before"
) -> None:
    """Run a stage that is killed there; it is an error if it gets to its end."""
    options = (stage, dataset, place, str(count), when)
    done = project.run("python", "-c", _KILLED, *options, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def results(project: Project, *datasets: str) -> dict[str, str]:
    """The hash of every file that the pipeline left, of dvc.lock too."""
    found = [project.folder / "dvc.lock"] if (project.folder / "dvc.lock").exists() else []
    for dataset in datasets:
        for part in ("data", "models", "metrics", "reports"):
            found += (project.folder / part / dataset).rglob("*")
    return {
        file.relative_to(project.folder).as_posix(): hashlib.md5(file.read_bytes()).hexdigest()
        for file in sorted(found)
        if file.is_file()
    }


def wait_until(what: Callable[[], Any], told: Callable[[], str] = str, seconds: float = 60) -> Any:
    """Wait until it is true, and return it; an error that tells more if it takes so many seconds.

    Pauses are counted, and not the seconds of the clock: a machine that stood still for minutes, as
    virtual ones do, has not given other processes the time to do it.
    """
    for _ in range(round(seconds / _PAUSE)):
        if found := what():
            return found
        time.sleep(_PAUSE)
    raise AssertionError(told())
