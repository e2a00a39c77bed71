"""Hosts of a cluster, as network namespaces of this machine, with real servers and workers.

Each host has an address, a home and a clone of its own. Nothing else connects them but a virtual
cable, and an SSH server on the first host, which holds the remotes of git and DVC.
"""

import getpass
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.helpers.processes.server import needs, program
from tests.helpers.project import Project, commit

_PATIENCE = 120.0
SCHEDULER = 8786
_SSH = 2222


def refusal() -> str:
    """Why namespaces cannot be made here; "" if they can."""
    if sys.platform != "linux" or not shutil.which("ip"):
        return "there is no command `ip`"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return ""


@dataclass
class Host:
    """One host: its namespace, address, home, and the clone in which its commands run."""

    name: str
    address: str
    home: Path
    project: Path
    environment: dict[str, str]

    def words(self, *command: str) -> list[str]:
        """A command as it runs on this host."""
        return ["ip", "netns", "exec", self.name, *command]

    def variables(self) -> dict[str, str]:
        """The environment of this host's commands."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"HOME": str(self.home), "PATH": path, "SSH_AUTH_SOCK": ""}
        return {**os.environ, **own, **self.environment}

    def run(self, *command: str, folder: Path | None = None) -> str:
        """Run a command to its end, and return what it prints."""
        done = subprocess.run(
            self.words(*command), cwd=folder or self.project, env=self.variables(),
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, log: Path, *command: str, cores: Sequence[int] = ()) -> subprocess.Popen:
        """Start a command in a session of its own, if wanted on some cores."""
        bound = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
        with log.open("ab") as output:
            return subprocess.Popen(
                self.words(*bound, *command), cwd=self.project, env=self.variables(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip


class Cluster:
    """Hosts with a scheduler on the first; each has a clone. Workers and sweeps are started."""

    def __init__(self, place: Path, hosts: list[Host]) -> None:
        self.place, self.hosts = place, hosts
        self.address = f"tcp://{hosts[0].address}:{SCHEDULER}"
        self.workers: dict[int, subprocess.Popen] = {}
        self._began: list[subprocess.Popen] = []

    def log(self, name: str) -> Path:
        """The output of a program that was started."""
        return self.place / f"{name}.log"

    def text(self, name: str) -> str:
        """What a program has printed."""
        return self.log(name).read_text() if self.log(name).exists() else ""

    def scheduler(self) -> subprocess.Popen:
        """Start a scheduler on the first host."""
        host = self.hosts[0]
        return self._start(
            host, "scheduler", "dask", "scheduler", "--host", host.address, "--port",
            str(SCHEDULER), "--dashboard-address", "127.0.0.1:8787",
        )  # fmt: skip

    def worker(self, number: int, cores: Sequence[int] = ()) -> subprocess.Popen:
        """Start a worker on a host."""
        host = self.hosts[number]
        self.workers[number] = self._start(
            host, f"worker-{number}", "dask", "worker", self.address, "--host", host.address,
            "--nworkers", "1", "--nthreads", "1", "--dashboard-address", "127.0.0.1:0",
            "--local-directory", str(host.home), cores=cores,
        )  # fmt: skip
        return self.workers[number]

    def start(self, log: str, *command: str) -> subprocess.Popen:
        """Start a command on the first host, whose output has this name."""
        return self._start(self.hosts[0], log, *command)

    def cut(self, number: int) -> None:
        """Pull the cable of a host."""
        subprocess.run(["ip", "-n", self.hosts[number].name, "link", "set", f"v{number}", "down"])

    def mend(self, number: int) -> None:
        """Put the cable back."""
        subprocess.run(["ip", "-n", self.hosts[number].name, "link", "set", f"v{number}", "up"])

    def end(self) -> None:
        """Kill all that was started, with its children."""
        for process in self._began:
            kill(process)
            process.wait()

    def _start(self, host: Host, name: str, *command: str, cores=()) -> subprocess.Popen:
        process = host.start(self.log(name), *command, cores=cores)
        self._began.append(process)
        return process


def kill(process: subprocess.Popen) -> None:
    """Kill a process that leads a session, and all processes of its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def two_hosts(
    place: Path, original: Project, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Cluster]:
    """Two hosts with clones of a project, whose results are at the remotes on the first."""
    needs("dvc_ssh", "distributed")
    if reason := refusal():
        pytest.skip(reason)
    names = [f"sweep-{os.getpid()}-{number}" for number in (0, 1)]
    hosts = [
        Host(name, f"10.214.7.{number + 1}", place / f"home-{number}", place, dict(environment))
        for number, name in enumerate(names)
    ]
    with ExitStack() as stack:
        _connect(hosts, stack)
        _serve(place, hosts, stack)
        remote = _publish(place, original, hosts)
        for host in hosts:
            host.project = host.home / "project"
            host.run("git", "clone", "-q", remote, str(host.project), folder=host.home)
            host.run("git", "config", "user.name", "t")
            host.run("git", "config", "user.email", "t@t")
            host.run(
                "dvc",
                "remote",
                "modify",
                "--local",
                "shared",
                "keyfile",
                str(host.home / ".ssh/id_ed25519"),
            )
        cluster = Cluster(place, hosts)
        stack.callback(cluster.end)
        cluster.scheduler()
        yield cluster


def _connect(hosts: list[Host], stack: ExitStack) -> None:
    def ip(*command: str) -> None:
        subprocess.run(["ip", *command], check=True)

    for host in hosts:
        ip("netns", "add", host.name)
        stack.callback(subprocess.run, ["ip", "netns", "delete", host.name], check=False)
    first, second = (host.name for host in hosts)
    ip("link", "add", "v0", "netns", first, "type", "veth", "peer", "v1", "netns", second)
    for number, host in enumerate(hosts):
        ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", f"v{number}")
        ip("-n", host.name, "link", "set", f"v{number}", "up")
        ip("-n", host.name, "link", "set", "lo", "up")


def _serve(place: Path, hosts: list[Host], stack: ExitStack) -> None:
    """An SSH server on the first host, at which each host has a key of its own."""
    server, keygen = program("sshd", "/usr/sbin", "/usr/local/sbin"), program("ssh-keygen")
    first = hosts[0]
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(place / "host")], check=True)
    keys = []
    for host in hosts:
        ssh = host.home / ".ssh"
        ssh.mkdir(parents=True, mode=0o700)
        key = ssh / "id_ed25519"
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        keys.append(key.with_suffix(".pub").read_text())
        known = (place / "host.pub").read_text().split()[:2]
        (ssh / "known_hosts").write_text(f"[{first.address}]:{_SSH} {' '.join(known)}\n")
        (ssh / "config").write_text(
            f"Host *\n  IdentityFile {key}\n  UserKnownHostsFile {ssh}/known_hosts\n"
        )
        # OpenSSH looks for its settings in the home that the system knows, DVC in $HOME.
        (host.home / ".gitconfig").write_text(
            f"[core]\n  sshCommand = ssh -F {ssh}/config\n[user]\n  name = t\n  email = t@t\n"
        )
    (place / "authorized_keys").write_text("".join(keys))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as its service does
    (place / "sshd_config").write_text(
        f"HostKey {place}/host\nAuthorizedKeysFile {place}/authorized_keys\nPidFile none\n"
        f"ListenAddress {first.address}:{_SSH}\nUsePAM no\nStrictModes no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    )
    log = place / "sshd.log"
    process = first.start(log, server, "-D", "-e", "-f", str(place / "sshd_config"))
    stack.callback(process.wait)
    stack.callback(process.kill)
    end = time.monotonic() + _PATIENCE
    while "Server listening" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def _publish(place: Path, original: Project, hosts: list[Host]) -> str:
    """Put a project and its results on the server; return the address of git's remote."""
    base = f"ssh://{getpass.getuser()}@{hosts[0].address}:{_SSH}{place}"
    bare, folder = place / "git", place / "published"
    shutil.copytree(original.folder, folder, symlinks=True)
    (folder / ".dvc/config.local").unlink(missing_ok=True)
    published = Project(folder)
    published.run("dvc", "remote", "add", "-q", "-d", "shared", f"{base}/storage")
    published.run("dvc", "remote", "add", "-q", "--local", "near", str(place / "storage"))
    commit(published, "where the results are")
    published.run("git", "init", "-q", "--bare", str(bare))
    published.run("git", "push", "-q", str(bare), "HEAD:refs/heads/master")
    published.run("git", "-C", str(bare), "symbolic-ref", "HEAD", "refs/heads/master")
    published.run("dvc", "push", "-q", "-r", "near")
    return f"{base}/git"
