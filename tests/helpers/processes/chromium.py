"""Chromium: opens a page of a file, and prints what its scripts have made of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
needed = pytest.mark.skipif(_PROGRAM is None, reason="there is no Chromium to open the page with")


def dom(file: Path, *options: str) -> tuple[str, list[str]]:
    """The page as HTML after its scripts have run, and the lines of its console.

    Parameters
    ----------
    options : more options of Chromium
    """
    command = [
        str(_PROGRAM), "--headless", "--no-sandbox", "--disable-gpu",
        "--disable-background-networking", "--enable-logging=stderr",
        "--virtual-time-budget=10000", *options, "--dump-dom", file.resolve().as_uri(),
    ]  # fmt: skip
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return ended.stdout, [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]
