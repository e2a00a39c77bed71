"""The state of another process, and how a process asks itself to end."""

import os
import signal

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs. A zombie (ended, but not yet waited for) does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_this_process() -> None:
    """Ask this process to end by SIGTERM, so that its main thread can save; from any thread.

    On Windows `os.kill` would end it at once, without its handler.
    """
    if os.name == "nt":
        signal.raise_signal(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)
