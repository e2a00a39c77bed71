"""The state of another process."""

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs. A zombie (ended, but not yet waited for) does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
