"""The DVC process that started a stage, and the folder of unfinished runs."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil

from stages.gan.common.processes import is_alive

SCRATCH = ".scratch"
# The variable in which a sweep names the project's folder: DVC sets its own DVC_ROOT to the copy's.
PROJECT = "GAN_PROJECT"
_SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "ash")
_PAUSE = 0.5


def project() -> Path:
    """The project's own folder, also for experiments in a copy of it.

    Experiments of sweeps, and queued and temporary ones, run in a folder that is removed when they
    end. The sweep, or DVC, gives their stages the path of the project's own folder.
    """
    return Path(os.environ.get(PROJECT) or os.environ.get("DVC_ROOT", "."))


def scratch() -> Path:
    """The folder of unfinished runs, in the project."""
    return project() / SCRATCH


def end_with_dvc() -> None:
    """From now on, end this process (SIGTERM) when the DVC that started it has ended.

    Otherwise it would run on unseen, and a second `dvc repro` would start another one beside it.
    """
    if "DVC_STAGE" not in os.environ:
        return
    starter = next((p for p in psutil.Process().parents() if p.name() not in _SHELLS), None)
    if starter is None:
        return
    if starter.pid == 1 and not any("dvc" in part for part in starter.cmdline()):
        # DVC has ended already: its children now belong to the system's first process.
        os.kill(os.getpid(), signal.SIGTERM)
        return

    def watch() -> None:
        while is_alive(starter):
            time.sleep(_PAUSE)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="end-with-dvc").start()
