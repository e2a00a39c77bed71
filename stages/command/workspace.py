"""The DVC process that started a stage, and the folder of unfinished runs."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from stages.gan.common.processes import end_this_process, is_alive

SCRATCH = ".scratch"
# The variable in which a sweep names the project's folder: DVC sets its own DVC_ROOT to the copy's.
PROJECT = "GAN_PROJECT"
_SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "ash", "cmd", "powershell", "pwsh")
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


def downloads(dataset: str = "") -> Path:
    """The folder of a data set's files that have not arrived whole yet; without name, of all."""
    return scratch() / ".downloads" / dataset


def end_with_dvc() -> None:
    """From now on, end this process (SIGTERM) when the DVC that started it has ended.

    Otherwise it would run on unseen, and a second `dvc repro` would start another one beside it.
    """
    if "DVC_STAGE" not in os.environ:
        return
    own = psutil.Process()
    starter = next((each for each in own.parents() if not _only_starts(each, own)), None)
    if starter is None:
        if os.name == "nt":  # where a process whose parent has ended has none
            end_this_process()
        return
    if starter.pid == 1 and not any("dvc" in part for part in starter.cmdline()):
        # DVC has ended already: its children now belong to the system's first process.
        end_this_process()
        return

    def watch() -> None:
        while is_alive(starter):
            time.sleep(_PAUSE)
        end_this_process()

    threading.Thread(target=watch, daemon=True, name="end-with-dvc").start()


def _only_starts(process: psutil.Process, own: psutil.Process) -> bool:
    """Whether a process is a shell, or the `python` of a virtual environment on Windows.

    That one starts the real `python` with the same arguments, and waits for it.
    """
    with suppress(psutil.Error):  # Windows may not tell of another user's process
        if process.name().lower().removesuffix(".exe") in _SHELLS:
            return True
        return os.name == "nt" and process.cmdline()[1:] == own.cmdline()[1:]
    return False
