"""What the stages know of the DVC that started them."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil

from stages.gan.common.processes import is_alive

SCRATCH = ".scratch"
_SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "ash")
_PAUSE = 0.5


def scratch() -> Path:
    """Where unfinished runs are kept: in the project, also for experiments in a copy of it.

    DVC names the project's folder to the stages of queued and temporary experiments, whose
    own folder is gone when they end.
    """
    return Path(os.environ.get("DVC_ROOT", ".")) / SCRATCH


def end_with_dvc() -> None:
    """Ask this process to end (SIGTERM) when the DVC that started it has; see to it from now on.

    Else it would go on unseen, and a second `dvc repro` would start another beside it.
    """
    if "DVC_STAGE" not in os.environ:
        return
    starter = next((p for p in psutil.Process().parents() if p.name() not in _SHELLS), None)
    if starter is None:
        return
    if starter.pid == 1 and not any("dvc" in part for part in starter.cmdline()):
        # DVC has ended since, and its children were handed on to the system's first process.
        os.kill(os.getpid(), signal.SIGTERM)
        return

    def watch() -> None:
        while is_alive(starter):
            time.sleep(_PAUSE)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="end-with-dvc").start()
