"""Where one fault happens: a project among watched folders, and the processes started in it."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_MARK = "FAULTS_WORLD"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, what it printed, and whether it had to be killed."""

    command: str
    code: int
    output: str
    errors: str
    hung: bool


@dataclass
class World:
    """A project with neighbours, in a folder of its own.

    `project` is the working directory; `home` and `temporary` are HOME and TMPDIR; `elsewhere`
    holds what a fault needs outside of the project. All but the project must not change.
    `undo` takes away what a fault did, last first; `kept` stays, and is closed at the end.
    """

    folder: Path
    draw: random.Random
    shared: Path
    undo: list[Callable[[], Any]] = field(default_factory=list)
    aliases: dict[bytes, bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mark = uuid.uuid4().hex
        for folder in (self.project, self.home, self.temporary, self.elsewhere, self._logs):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.folder / "around" / "project"

    @property
    def home(self) -> Path:
        """HOME of every command."""
        return self.folder / "around" / "home"

    @property
    def temporary(self) -> Path:
        """TMPDIR of every command."""
        return self.folder / "around" / "temporary"

    @property
    def elsewhere(self) -> Path:
        """For what lies outside of the project."""
        return self.folder / "around" / "elsewhere"

    @property
    def _logs(self) -> Path:
        return self.folder / "logs"

    def params(self, **changes: Any) -> None:
        """Change params.yaml, `__` standing for a dot."""
        file = self.project / "params.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for place, value in changes.items():
            *sections, key = place.split("__")
            section = content
            for name in sections:
                section = section[name]
            section[key] = value
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        file.write_text(text, encoding="utf-8")

    def start(self, *command: str, **environment: str) -> "Running":
        """Start a command in a session of its own."""
        number = len(list(self._logs.iterdir())) // 2
        out, err = (self._logs / f"{number:03d}.{name}" for name in ("out", "err"))
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.lower() not in _PROXIES and not name.startswith(("PYTHON", "DVC", "GIT"))
        }
        all_environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "NO_PROXY": "127.0.0.1",
            # Caches of other programs, which they may write wherever a person has them.
            "MPLCONFIGDIR": str(self.shared / "matplotlib"),
            "DVC_SITE_CACHE_DIR": str(self.shared / "dvc"),
            "DVC_NO_ANALYTICS": "1",
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@t",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@t",
            **self.environment,
            **environment,
            _MARK: self.mark,
        }
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen(
                [*self.before, *command],
                cwd=self.project,
                env=all_environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        return Running(" ".join([*self.before, *command]), process, out, err)

    def run(self, *command: str, seconds: float, **environment: str) -> Ended:
        """Run a command to its end, or kill it and what it started after so many seconds."""
        return self.start(*command, **environment).end(seconds)

    def processes(self) -> list[int]:
        """The living processes that were started here."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
                    marked = f"{_MARK}={self.mark}".encode() in (entry / "environ").read_bytes()
                    if alive and marked:
                        found.append(int(entry.name))
        return found

    def left_alive(self, seconds: float) -> list[int]:
        """Processes that have not ended after a while; they are killed then."""
        end = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.1)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return left

    def lift(self) -> None:
        """Take the fault away."""
        while self.undo:
            self.undo.pop()()

    def snapshot(self, *paths: str) -> dict[str, str]:
        """What lies at or below paths of the project: path to a hash of its content."""
        found: dict[str, str] = {}
        for path in paths:
            found.update(tree(self.project / path, self.project, self.aliases))
        return found

    def surroundings(self) -> dict[str, str]:
        """All around the project."""
        around = self.folder / "around"
        return {
            path: kind
            for entry in around.iterdir()
            if entry != self.project
            for path, kind in tree(entry, around, {}).items()
        }

    def close(self) -> None:
        """Remove all of it."""
        self.lift()
        for thing in self.kept.values():
            thing.close()
        self.left_alive(0)
        shutil.rmtree(self.folder)


@dataclass
class Running:
    """A command on its way."""

    command: str
    process: subprocess.Popen
    out: Path
    err: Path

    def send(self, number: int) -> None:
        """Send a signal to it and all of its session that is in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self, seconds: float) -> Ended:
        """Wait for its end, or kill it."""
        hung = False
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            hung = True
            self.send(signal.SIGKILL)
            self.process.wait()
        return Ended(
            self.command,
            self.process.returncode,
            self.out.read_text(encoding="utf-8", errors="replace"),
            self.err.read_text(encoding="utf-8", errors="replace"),
            hung,
        )


def tree(path: Path, root: Path, aliases: dict[bytes, bytes]) -> dict[str, str]:
    """Every file and link at or below a path: its place to what it is."""
    if path.is_symlink():
        return {str(path.relative_to(root)): f"link to {os.readlink(path)}"}
    if path.is_dir():
        found: dict[str, str] = {}
        for entry in path.iterdir():
            found.update(tree(entry, root, aliases))
        return found
    if not path.exists():
        return {}
    if not path.is_file():
        return {str(path.relative_to(root)): "special"}
    content = path.read_bytes()
    for text, alias in aliases.items():
        content = content.replace(text, alias)
    return {str(path.relative_to(root)): hashlib.sha256(content).hexdigest()}
