"""Commands of this package, run in a folder of their own."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 30.0


def run_module(folder: Path, module: str, *arguments: str) -> int:
    """Run a module of this project in a folder, to its end; its exit code.

    If this process is asked to end, so is that one, and it is given the time it needs to save.
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
        # A terminal's Ctrl-C has reached it already, and a second request would end it at once.
        if isinstance(ended, KeyboardInterrupt):
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
        if process.poll() is None:
            process.terminate()
        process.wait()
        raise
