"""DVC's commands, each in a process of its own."""

import subprocess
import sys

from stages.gan.common.errors import UserError

DVC = (sys.executable, "-m", "dvc")


def run(*arguments: str) -> str:
    """Run one of DVC's commands, and give what it printed.

    Raises
    ------
    UserError
        If DVC refuses, with its words.
    """
    done = subprocess.run([*DVC, *arguments], capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = " ".join(errors or done.stderr.split()[-40:]).removeprefix("ERROR: ")
        raise UserError(f"dvc {arguments[0]} {arguments[1]} was refused: {reason}")
    return done.stdout
