"""Real servers of DVC remotes on this machine's loopback, stopped whatever a test does.

Each gives a `Remote`: its address and what `dvc remote modify --local` has to be told. What is not
installed skips the test, with the reason.
"""

import getpass
import http.server
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

# On a busy machine a program may take a minute to start.
_PATIENCE = 180.0
USER, PASSWORD = "colleague", "correct horse"


@dataclass(frozen=True)
class Remote:
    """Where a remote is, and what is to be said of it besides.

    `secrets` is for `dvc remote modify --local`, `wrong` what a mistaken user says there instead,
    and `environment` for the commands that talk with it.
    """

    url: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def needs(*modules: str) -> None:
    """Skip the test where one of DVC's optional packages is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"the package of {module} is not installed: make remotes")


def program(name: str, *places: str) -> str:
    """A program beside Python, on PATH, or in other places; without it the test is skipped."""
    folders = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", ""), *places]
    )
    found = shutil.which(name, path=folders)
    if found is None:
        pytest.skip(f"{name} is not installed: make remotes")
    return found


@contextmanager
def folder(place: Path) -> Iterator[Remote]:
    """A folder on this machine."""
    yield Remote(str(place / "storage"))


@contextmanager
def ssh(place: Path) -> Iterator[Remote]:
    """OpenSSH's server with a host key and a user's key of its own, for whoever runs the tests."""
    needs("dvc_ssh")
    server = program("sshd", "/usr/sbin", "/usr/local/sbin")
    keygen = program("ssh-keygen")
    home = place / "home" / ".ssh"
    home.mkdir(parents=True, mode=0o700)
    for key in (place / "host", home / "id_ed25519", home / "unknown"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    shutil.copy(home / "id_ed25519.pub", place / "authorized_keys")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as its service does
    (place / "sshd_config").write_text(
        f"HostKey {place}/host\nAuthorizedKeysFile {place}/authorized_keys\nPidFile none\n"
        "UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    )

    def command(port: int) -> list[str]:
        address = ["-o", f"ListenAddress=127.0.0.1:{port}"]
        return [server, "-D", "-e", "-f", str(place / "sshd_config"), *address]

    with _running(command, place / "sshd.log") as port:
        # Whose settings and keys the user of this machine has, is of no concern.
        yield Remote(
            f"ssh://{getpass.getuser()}@127.0.0.1:{port}{place}/storage",
            {"keyfile": str(home / "id_ed25519")},
            {"keyfile": str(home / "unknown")},
            {"HOME": str(home.parent), "SSH_AUTH_SOCK": ""},
        )


@contextmanager
def s3(place: Path) -> Iterator[Remote]:
    """rclone's S3 server over a folder, with one bucket."""
    needs("dvc_s3")
    server = program("rclone")
    (place / "root" / "bucket").mkdir(parents=True)
    empty = place / "empty"
    empty.touch()

    def command(port: int) -> list[str]:
        options = ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{USER},{PASSWORD}"]
        return [server, "serve", "s3", *options, "--config", os.devnull, str(place / "root")]

    with _running(command, place / "rclone.log") as port:
        access = {"endpointurl": f"http://127.0.0.1:{port}", "access_key_id": USER}
        yield Remote(
            "s3://bucket/storage",
            {**access, "secret_access_key": PASSWORD},
            {**access, "secret_access_key": "wrong"},
            # Whose settings and keys the user of this machine has, is of no concern.
            {"AWS_CONFIG_FILE": str(empty), "AWS_SHARED_CREDENTIALS_FILE": str(empty)},
        )


@contextmanager
def webdav(place: Path) -> Iterator[Remote]:
    """WsgiDAV over a folder, with one user."""
    needs("dvc_webdav")
    server = program("wsgidav")
    (place / "root" / "storage").mkdir(parents=True)
    (place / "wsgidav.yaml").write_text(
        f"provider_mapping:\n  /: {place}/root\nhttp_authenticator:\n  domain_controller: null\n"
        f"simple_dc:\n  user_mapping:\n    '*':\n      {USER}:\n        password: {PASSWORD}\n"
    )

    def command(port: int) -> list[str]:
        address = ["--host", "127.0.0.1", "--port", str(port)]
        return [server, *address, "--config", str(place / "wsgidav.yaml")]

    with _running(command, place / "wsgidav.log") as port:
        yield Remote(
            f"webdav://127.0.0.1:{port}/storage",
            {"user": USER, "password": PASSWORD},
            {"user": USER, "password": "wrong"},
        )


@contextmanager
def http_over(pushed: Path) -> Iterator[Remote]:
    """Python's web server over a folder that has been pushed to; nothing can be written."""
    handler = partial(_Silent, directory=str(pushed))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Remote(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def _running(command: Callable[[int], list[str]], log: Path) -> Iterator[int]:
    """Run a server on a free port until the block ends, and give the port once it answers there.

    Another program may take the port before the server does, which then ends: it is tried again.
    """
    for _ in range(5):
        port = _free_port()
        with log.open("ab") as output:
            server = subprocess.Popen(
                command(port), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            if _answers(server, port):
                yield port
                return
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    _fail(f"the server does not start: {log.read_text(errors='replace')[-2000:]}")


def _answers(server: subprocess.Popen, port: int) -> bool:
    """Wait until a server takes connections; False if it has ended instead."""
    end = time.monotonic() + _PATIENCE
    while server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 5):
                return server.poll() is None
        except OSError:
            if time.monotonic() > end:
                _fail(f"the server {server.args} does not answer")
            time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _fail(message: str) -> NoReturn:
    raise AssertionError(message)
