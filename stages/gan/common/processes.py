"""What is known of another process."""

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs: one that ended, but was not yet asked for how, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
