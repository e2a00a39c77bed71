"""Runs DVC's commands, and says why one failed."""

import os
import subprocess
import sys
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

DVC = (sys.executable, "-m", "dvc")
# DVC that ends with the process that started it, whose number comes next: see `attached`.
ATTACHED = (sys.executable, "-m", "stages.tools.dvc.attached")


def dvc(*arguments: str, folder: Path | None = None) -> str:
    """Run one of DVC's commands, in this folder or another, and return what it prints.

    Raises
    ------
    UserError
        If the command fails; with DVC's own message.
    """
    command = [*ATTACHED, str(os.getpid()), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        # Windows would take the encoding of its own language. A path may have any bytes.
        encoding="utf-8",
        errors="surrogateescape",
        env={**os.environ, "PYTHONIOENCODING": "utf-8:surrogateescape"},
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = " ".join(errors or done.stderr.split()[-40:]).removeprefix("ERROR: ")
        named = " ".join(word for word in arguments[:2] if word.isalpha())
        raise UserError(_("`dvc {command}` failed: {reason}").format(command=named, reason=reason))
    return done.stdout
