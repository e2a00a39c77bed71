"""The code on systems that we do not have, as far as Linux pretends them: docs/systems.md."""

import ast
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import elsewhere
from tests.helpers.project import ROOT, make_project

PROGRAM = Path(elsewhere.__file__)
ALL = ("download", "preprocess", "judge", "train", "evaluate", "report", "export", "play")
SYSTEMS = tuple(elsewhere.SYSTEMS)

linux = pytest.mark.skipif(sys.platform != "linux", reason="it pretends another system on Linux")


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Be that system in a process of its own; `linux` pretends nothing."""
    variables = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    return subprocess.run(
        [sys.executable, str(PROGRAM), *words],
        cwd=folder,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


def made(folder: Path) -> dict[str, str]:
    """The sha256 of each file that stages have written."""
    found = {}
    for top in ("data", "metrics", "models", "reports"):
        for file in sorted((folder / top).rglob("*")):
            if file.is_file():
                name = file.relative_to(folder).as_posix()
                found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def stages(dataset: str, *names: str) -> list[str]:
    return [word for name in names for word in (name, dataset)]


@linux
@pytest.mark.pipeline
@pytest.mark.parametrize("system", SYSTEMS)
def test_all_modules_are_imported_and_data_prepared_there(tmp_path, system):
    project = make_project(tmp_path / "project")
    ended = run(project.folder, system, *stages("mnist", "download", "preprocess"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    count = len(list(elsewhere.all_modules(ROOT)))
    assert f"{count} modules were imported" in ended.stdout
    texts = (project.folder / "data").rglob("*.json")
    assert all(b"\r" not in text.read_bytes() for text in texts)


@linux
@pytest.mark.pipeline
@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_the_pipeline_runs_there_to_the_same_bytes(tmp_path, dataset):
    """Linux without kernels, as there: MindSpore takes ours on Linux alone."""
    bytes_of = {}
    for system in ("linux", *SYSTEMS):
        project = make_project(tmp_path / system)
        kernels = "pure" if system == "linux" else ""
        ended = run(project.folder, system, *stages(dataset, *ALL), GAN_KERNELS=kernels)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "without compiled kernels" in ended.stdout
        bytes_of[system] = made(project.folder)
    assert len(bytes_of["linux"]) > 20
    for system in SYSTEMS:
        assert bytes_of[system] == bytes_of["linux"]


@linux
@pytest.mark.parametrize("system", SYSTEMS)
def test_what_a_system_lacks_is_refused(tmp_path, system):
    """A module that asks for it at its top ends the test above."""
    lines = ["import os", "os.sched_getaffinity(0)"]
    if system == "windows":
        lines = ["import fcntl"]
    for text, told in [("\n".join(lines), ended_by(system)), ("import json", None)]:
        folder = tmp_path / str(told is None)
        (folder / "stages").mkdir(parents=True)
        (folder / "stages" / "__init__.py").write_text("")
        (folder / "stages" / "module.py").write_text(text)
        ended = run(folder, system, "import")
        assert (ended.returncode == 0) == (told is None), ended.stderr
        assert told is None or told in ended.stderr


def ended_by(system: str) -> str:
    if system == "windows":
        return "ModuleNotFoundError: No module named 'fcntl'"
    return "module 'os' has no attribute 'sched_getaffinity'"


WINDOWS_FILES = """
import os, sys, tempfile
from pathlib import Path
from tests.helpers.processes import elsewhere
folder = Path.cwd()
elsewhere._windows_files(folder)
file, other, inner = folder / "a", folder / "b", folder / "c"
inner.mkdir()
def refused(kind, work, *arguments):
    try:
        work(*arguments)
    except OSError as error:
        assert type(error) is kind, error
    else:
        raise AssertionError((work, arguments))
file.write_text("1\\n2")
assert file.read_bytes() == b"1\\r\\n2"
file.write_text("\\u4e2d", newline="\\n")
assert file.read_bytes() == "\\u4e2d".encode("cp936")
file.write_text("\\u4e2d\\n", encoding="utf-8", newline="\\n")
assert file.read_bytes() == "\\u4e2d\\n".encode()
(inner / "d").write_bytes(b"x")
with (inner / "d").open("rb"), file.open("rb"):
    refused(PermissionError, file.unlink)
    refused(PermissionError, os.replace, file, other)
    refused(PermissionError, os.rename, inner, other)
other.write_bytes(b"x")
refused(FileExistsError, os.rename, file, other)
refused(PermissionError, os.open, folder / "c", os.O_RDONLY)
with file.open("rb") as opened:
    refused(OSError, os.fsync, opened.fileno())
with file.open("ab") as opened:
    os.fsync(opened.fileno())
file.chmod(0o444)
refused(PermissionError, file.unlink)
file.chmod(0o644)
os.replace(file, other)
other.unlink()
with tempfile.TemporaryFile(dir=folder) as scratch:
    scratch.write(b"x")
"""


@linux
def test_files_are_those_of_windows(tmp_path):
    subprocess.run(
        [sys.executable, "-c", WINDOWS_FILES],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )


def calls(tree: ast.AST):
    """Each call with the name of what is called and of its arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            yield node, name, {keyword.arg: keyword.value for keyword in node.keywords}


def text_mode(node: ast.Call, name: str) -> str | None:
    """The mode in which `open(file, mode)` or `file.open(mode)` opens text; None for all else."""
    place = {True: 0, False: 1}[isinstance(node.func, ast.Attribute)]
    if name != "open" or len(node.args) <= place or not isinstance(node.args[place], ast.Constant):
        return None
    mode = str(node.args[place].value)
    return mode if re.fullmatch("[rwax+t]+", mode) else None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "stages").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_text_has_the_same_bytes_on_each_system(path):
    """Text is written with encoding and line ends, and read with its encoding."""
    for node, name, keywords in calls(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.name}:{node.lineno}: {name}"
        mode = text_mode(node, name)
        if name == "write_text" or (mode and "r" not in mode):
            assert keywords.keys() >= {"encoding", "newline"}, where
        if name == "read_text" or mode == "r":
            assert "encoding" in keywords or (name == "read_text" and node.args), where


def test_the_page_lists_what_was_blocked():
    """Each name of the tables stands in docs/systems.md, in `code`."""
    text = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([^`]+)`", re.sub("```.*?```", "", text, flags=re.DOTALL)))
    for system in elsewhere.SYSTEMS.values():
        names = {*system.modules, *system.folders}
        for module, attributes in system.attributes.items():
            if module != "_signal":
                names |= {f"{module}.{attribute}" for attribute in attributes}
        assert not names - told


PARTS = r"""
import os, signal, sys, threading, time
from pathlib import Path
from types import SimpleNamespace
from tests.helpers.processes import elsewhere
sys.orig_argv[:] = [sys.executable, "-m", "stages.download"]
elsewhere.pretend("windows")
import stages
os.kill(os.getpid(), signal.SIGTERM)  # arrives while modules are imported
from stages import command
from stages.command import workspace
from stages.gan.common import files, locks, processes
from stages.gan.common.errors import UserError
from stages.gan.data.raw.images.reader import workers
from stages.gan.training.processes import job
from stages.gan.training.processes.stops import Stops
here = Path.cwd()

def refused(kind, work, *arguments):
    try:
        work(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError((work, arguments))

assert stages.noted == [signal.SIGTERM]
try:
    command.guarded(lambda: print("it must not begin"))
except SystemExit as end:
    assert end.code == 143
stages.noted.clear()

with Stops() as stops:
    assert not stops.requested
    threading.Thread(target=processes.end_this_process).start()
    while not stops.requested:
        time.sleep(0.01)
    assert stops.number == signal.SIGTERM
with Stops() as stops:
    signal.raise_signal(elsewhere.BREAK)
    assert "Ctrl-Break" in str(stops.error("stopped by {reason}"))

with locks.lock(here / "run/lock", "the run"):
    assert locks.is_held(here / "run/lock")
    assert f"process {os.getpid()} on " in refused(
        locks.Held, locks.lock(here / "run/lock", "the run").__enter__
    )
    locks.let_go(here / "run/lock")
    assert (here / "run/lock").exists()  # it is open
assert not (here / "run").exists()

file = here / "file"
file.write_bytes(b"old")
opened = file.open("rb")
threading.Timer(0.5, opened.close).start()
with files.whole_file(file, through_to_disk=True) as scratch:
    scratch.write_bytes(b"new")
assert file.read_bytes() == b"new"
files._PATIENCE = 0.3
with file.open("rb"):
    (here / "newer").write_bytes(b"newer")
    refused(PermissionError, files.move, here / "newer", file)
folder = here / "folder"
(folder / "inner").mkdir(parents=True)
(folder / "inner/protected").write_bytes(b"x")
(folder / "inner/protected").chmod(0o444)
files.remove(folder)
assert not folder.exists()

told = refused(UserError, job.run, ["-m", "x"], 2, here, print)
assert told.endswith("on Linux alone: valid is 1")
with workers.crew(8) as each:
    assert each(lambda piece: (piece, os.getpid()), [1, 2]) == [(n, os.getpid()) for n in (1, 2)]

def process(name, *words):
    return SimpleNamespace(name=lambda: name, cmdline=lambda: list(words))

own = process("python.exe", r"C:\Python\python.exe", "-m", "stages.train", "mnist")
launcher = process("python.exe", r".venv\Scripts\python.exe", "-m", "stages.train", "mnist")
dvc = process("python.exe", r"C:\Python\python.exe", r".venv\Scripts\dvc.exe", "repro")
shells = [process(name, name, "/c") for name in ("cmd.exe", "PowerShell.exe", "pwsh.exe")]
assert all(workspace._only_starts(each, own) for each in (*shells, launcher))
assert not workspace._only_starts(dvc, own)
print("all parts work")
"""


@linux
def test_each_part_does_there_what_it_can(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", PARTS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "all parts work\n"
    assert ended.stderr == "error: ended by SIGTERM\n"
