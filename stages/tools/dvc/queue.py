"""DVC's queue of experiments: what is in it, in which state, and how to add and remove.

What changes the queue is done by DVC's commands. What reads it uses private modules of DVC:
`dvc.repo` for the queue, and `dvc.repo.experiments.executor.base` for the file in which a running
experiment notes its folder. A look takes a tenth of a second so. `dvc queue status` takes two
seconds of a core, prints a table for people alone, and tells neither process, nor log, nor folder.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from stages.gan.common.errors import UserError
from stages.gan.common.files import remove
from stages.gan.common.processes import is_alive

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
DVC = (sys.executable, "-m", "dvc")
# How long processes that lost their DVC may take to save and end.
_PATIENCE = 60.0
_WORKER = "queue-worker"
_KILLED = re.compile(r"failed to run: .*, exited with (-[0-9]+|1(?:2[89]|[3-9][0-9]))")
_TOLD = re.compile(r"^(?:ERROR|error): (.*)$", re.MULTILINE)
_VERDICT = re.compile(r"^verdict: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """An experiment in the queue.

    Parameters
    ----------
    name : str
    revision : str
        The commit that keeps its params until it has run: DVC's name of the task.
    baseline : str
        The commit it begins with.
    state : str
    result : str or None
        The name that the finished experiment has.
    log : Path
        What its stages print, once it has begun.
    process : int or None
        Number of the process that runs it, once there is one.
    folder : Path or None
        The copy of the project in which it runs.
    """

    name: str
    revision: str
    baseline: str
    state: str
    result: str | None
    log: Path
    process: int | None
    folder: Path | None

    def last_line(self) -> str:
        """What its stages printed last."""
        lines = [line for line in self._text().splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def verdict(self) -> str:
        """The verdict that was told last, or ""."""
        told = _VERDICT.findall(self._text())
        return told[-1] if told else ""

    def reason(self) -> str:
        """Why it failed, as it was told."""
        told = _TOLD.findall(self._text())
        return told[0] if told else "it left no word why"

    @property
    def was_killed(self) -> bool:
        """Whether it was ended by a signal, or DVC was, which says nothing of its params."""
        text = self._text()
        return bool(_KILLED.search(text)) or "\nERROR: " not in f"\n{text}"

    def _text(self) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
        except FileNotFoundError:
            return ""


def look() -> list[Entry]:
    """All that DVC knows of: queued, running, done and failed ones."""
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        # In the order in which an entry goes through them, so that none is missed while it moves
        # on; what is seen twice is in the later state.
        found = {entry.stash_rev: (entry, QUEUED, None) for entry in queue.iter_queued()}
        for entry in queue.iter_active():
            found[entry.stash_rev] = (entry, RUNNING, None)
        for done in queue.iter_done():
            reference = done.result.ref_info if done.result else None
            state = DONE if reference else FAILED
            found[done.entry.stash_rev] = (done.entry, state, reference and reference.name)
        return [_entry(queue, *each) for each in found.values()]


def _entry(queue, entry, state: str, result: str | None) -> Entry:
    from dvc.repo.experiments.executor.base import ExecutorInfo

    process = queue.proc.get(entry.stash_rev)
    about = Path(queue.get_infofile_path(entry.stash_rev))
    folder = None
    with suppress(FileNotFoundError, ValueError):  # it has not begun yet
        folder = Path(ExecutorInfo.load_json(str(about)).root_dir)
    return Entry(
        entry.name or "",
        entry.stash_rev,
        entry.baseline_rev,
        state,
        result,
        about.with_suffix(".out"),
        process.pid if process else None,
        folder,
    )


def add(name: str, options: Sequence[str], target: str, known: Sequence[Entry]) -> str:
    """Queue an experiment of that name, and give its revision; `known` are the entries before.

    Raises
    ------
    UserError
        If DVC refuses, with its words.
    """
    _dvc("exp", "run", "--queue", "--name", name, *options, target)
    before = {entry.revision for entry in known}
    new = [entry for entry in look() if entry.name == name and entry.revision not in before]
    if len(new) != 1:
        raise UserError(f"DVC has queued {name}, but it is not in its queue: see dvc queue status")
    return new[0].revision


def discard(entry: Entry) -> None:
    """Remove an entry from the queue; if it runs, without a worker, end its processes first.

    What its training has saved stays where unfinished runs are kept.
    """
    if entry.state == RUNNING:
        end(entry)
        _dvc("queue", "kill", entry.revision)
    _dvc("queue", "remove", entry.revision)
    if entry.folder is not None:
        remove(entry.folder)


def end(entry: Entry) -> None:
    """End the process that runs an entry, and wait until its stages have saved and ended too."""
    process = _process(entry)
    children = process.children(recursive=True) if process else []
    if process:
        # They notice when it is gone. A request to them as well would be the second, and end them
        # at once.
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _, remaining = psutil.wait_procs(children, _PATIENCE)
    for child in remaining:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def has_worker(entry: Entry) -> bool | None:
    """Whether the worker that runs an entry is alive; None if its process tells nothing."""
    process = _process(entry)
    if process is None:
        return None
    try:
        parent = process.parent()
        return parent is not None and is_alive(parent) and _WORKER in parent.cmdline()
    except psutil.NoSuchProcess:
        return None


def claimed() -> set[str]:
    """The revisions that living workers say they run; it takes a second or two.

    Only the queue's own class asks the workers; no command of DVC prints the answers.
    """
    from dvc.repo import Repo

    with Repo() as repo:
        status = repo.experiments.celery_queue.worker_status()
    tasks = [task for tasks in status.values() for task in tasks]
    return {task["args"][0]["stash_rev"] for task in tasks if task.get("args")}


def clean() -> None:
    """Remove the messages to workers that have ended since, which no command of DVC does."""
    from dvc.repo import Repo

    with Repo() as repo:
        repo.experiments.celery_queue.celery.clean()


def workers() -> Iterator[psutil.Process]:
    """All living workers of this project, whoever started them."""
    folder = Path.cwd()
    # Not by psutil's `process_iter`: it keeps the processes of its last look, and skips a new one
    # that was given the number of one that has ended since.
    for number in psutil.pids():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(number)
            is_worker = _WORKER in process.cmdline() and is_alive(process)
            if is_worker and Path(process.cwd()) == folder:
                yield process


def _process(entry: Entry) -> psutil.Process | None:
    """The process that runs an entry, if it is alive; numbers of dead ones are given anew."""
    if entry.process is None:
        return None
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(entry.process)
        if is_alive(process) and any(entry.revision in part for part in process.cmdline()):
            return process
    return None


def _dvc(*arguments: str) -> str:
    done = subprocess.run([*DVC, *arguments], capture_output=True, text=True)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = " ".join(told or done.stderr.split()[-40:]).removeprefix("ERROR: ")
        raise UserError(f"dvc {arguments[0]} {arguments[1]} was refused: {reason}")
    return done.stdout
