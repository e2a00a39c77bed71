"""The fork server of this process of tests, and commands that it runs."""

import atexit
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from tests.helpers.forks import fork_client

_HERE = Path(__file__).parent
# -S and -I: a shim needs no site-packages, and starts in a hundredth of a second.
_SHIM = """#!/bin/sh
exec {python} -IS {client} {name} {real} "$@"
"""


@cache
def bin_folder(**variables: str) -> Path:
    """A folder with `python` and `dvc` for PATH; they ask the server, which is started here.

    DVC starts a stage as `python -m stages.train mnist`, for example: it finds this `python`. The
    server of commands with other variables that libraries read when they are loaded is another one.
    """
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    bins = folder / "bin"
    bins.mkdir()
    for name in ("python", "dvc"):
        text = _SHIM.format(
            python=shlex.quote(sys.executable),
            client=shlex.quote(str(_HERE / "fork_client.py")),
            name=name,
            real=shlex.quote(str(Path(sys.executable).with_name(name))),
        )
        (bins / name).write_text(text)
        (bins / name).chmod(0o755)
    address = folder / "address"
    environment = {k: v for k, v in os.environ.items() if k != fork_client.ADDRESS} | variables
    process = subprocess.Popen(
        [sys.executable, str(_HERE / "fork_server.py"), str(address)],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(_end, process, folder)
    while not address.exists():
        if process.poll() is not None:
            raise AssertionError("the fork server does not start")
        time.sleep(0.02)
    return bins


def served(environment: dict[str, str], **variables: str) -> dict[str, str]:
    """An environment with these variables whose `python` and `dvc` are forks of one server.

    Elsewhere than on Linux they are processes of their own.
    """
    if sys.platform != "linux":
        return {**environment, **variables}
    bins = bin_folder(**variables)
    return {
        **environment,
        **variables,
        "PATH": f"{bins}:{environment['PATH']}",
        fork_client.ADDRESS: str(bins.with_name("address")),
    }


def _end(process: subprocess.Popen, folder: Path) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


def run(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    seconds: float,
    fork: bool = True,
) -> subprocess.CompletedProcess:
    """Run a command to its end, by the fork server if it is wanted and can.

    Forks of MindSpore were measured on Linux alone.
    """
    fork = fork and sys.platform == "linux"
    if fork:
        environment = served(environment)
    with (
        open(os.devnull, "rb") as nothing,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        files = [file.fileno() for file in (nothing, output, errors)]
        code = None
        if fork and fork_client.is_served(command):
            address = environment[fork_client.ADDRESS]
            code = fork_client.run(address, command, str(folder), environment, files, seconds)
        if code is None:
            code = subprocess.run(
                command, cwd=folder, env=environment, stdin=nothing, stdout=output, stderr=errors,
                timeout=seconds,
            ).returncode  # fmt: skip
        texts = []
        for file in (output, errors):
            file.seek(0)
            # as text=True reads it
            texts.append(file.read().decode().replace("\r\n", "\n").replace("\r", "\n"))
    return subprocess.CompletedProcess(command, code, *texts)
