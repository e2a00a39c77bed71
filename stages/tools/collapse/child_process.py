"""Runs a module of this project as a child process in another folder."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 30.0


def run_module(folder: Path, module: str, *arguments: str) -> int:
    """Run a module of this project in a folder until it ends, and return its exit code.

    If this process is asked to end, the child is asked too, and gets the time to save.
    """
    search = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH")) if part)
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search},
    )
    try:
        return process.wait()
    except BaseException as ended:
        # Ctrl-C in a terminal has reached the child already; a second request would kill it.
        if isinstance(ended, KeyboardInterrupt):
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
        if process.poll() is None:
            process.terminate()
        process.wait()
        raise
