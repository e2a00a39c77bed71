"""Ask a fork server to run a command; it imports little, as a shim does so at every start."""

import json
import os
import signal
import socket
import struct
import sys
from contextlib import suppress

ADDRESS = "TESTS_FORK_SERVER"


def is_served(command: list[str]) -> bool:
    """Whether a fork server can run this command: a module of the project's, code, or DVC."""
    if command[0] == "dvc":
        return True
    if command[0] != "python" or len(command) < 3:
        return False
    return command[1] == "-c" or (command[1] == "-m" and f"{command[2]}.".startswith("stages."))


def run(
    address: str,
    command: list[str],
    folder: str,
    environment: dict[str, str],
    files: list[int],
    seconds: float | None = None,
) -> int | None:
    """Run it there and give its exit code; None if it has to be a process of the usual kind.

    The code is minus the number of the signal, if one ended it.
    """
    umask = os.umask(0)
    os.umask(umask)
    request = {
        "command": command,
        "folder": folder,
        "environment": environment,
        "umask": umask,
        "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
    }
    content = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [struct.pack("I", len(content))], files)
        connection.sendall(content)
        connection.settimeout(seconds)
        answer = connection.recv(16)
    if not answer:
        raise ConnectionError("the fork server has gone")
    return None if answer == b"refused" else int(answer)


def shim(program: str, real: str, *words: str) -> None:
    """Be that program: by the fork server if it can, otherwise the real one."""
    command = [program, *words]
    address = os.environ.get(ADDRESS)
    code = None
    if address is not None and is_served(command):
        code = run(address, command, os.getcwd(), dict(os.environ), [0, 1, 2])
    if code is None:
        os.execv(real, [real, *words])
    if code < 0:
        with suppress(OSError):  # SIGKILL cannot be handled anyway
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    shim(*sys.argv[1:])
