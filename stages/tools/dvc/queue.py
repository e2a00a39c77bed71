"""Reads DVC's queue of experiments, and adds and removes experiments.

Changes use DVC's commands. Reading uses private modules of DVC: `dvc.repo` for the queue, and
`dvc.repo.experiments.executor.base` for the file in which a running experiment notes its folder.
This takes a tenth of a second. `dvc queue status` takes two seconds of a core, prints a table for
people, and gives no process, log or folder.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from stages.gan.common import language
from stages.gan.common.errors import UserError
from stages.gan.common.files import remove
from stages.gan.common.language import _, marked
from stages.gan.common.processes import is_alive
from stages.gan.training.watch import verdicts

QUEUED, RUNNING = marked("queued"), marked("running")
DONE, FAILED = marked("done"), marked("failed")
DVC = (sys.executable, "-m", "dvc")
# Seconds for processes whose DVC is gone to save and end.
_PATIENCE = 60.0
_WORKER = "queue-worker"
_KILLED = re.compile(r"failed to run: .*, exited with (-[0-9]+|1(?:2[89]|[3-9][0-9]))")


@dataclass(frozen=True)
class Entry:
    """An experiment in the queue.

    Parameters
    ----------
    name : str
    revision : str
        The commit that keeps its params until it has run. DVC names the task by it.
    baseline : str
        The commit on which it is based.
    state : str
    result : str or None
        The name of the finished experiment.
    log : Path
        The output of its stages; the file exists once the experiment has started.
    process : int or None
        Number of the process that runs it, if there is one.
    folder : Path or None
        The copy of the project in which it runs, if it has started.
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
        """The last line that its stages printed."""
        lines = [line for line in self._text().splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def verdict(self) -> str:
        """The last verdict in the log, in English whatever the log's language is, or ""."""
        said = _lines(self._text(), *language.beginnings(verdicts.LINE))
        known = {each: name for name in verdicts.VERDICTS for each in language.editions(name)}
        return known.get(said[-1], said[-1]) if said else ""

    def reason(self) -> str:
        """Why it failed: the first error message in the log."""
        errors = _lines(self._text(), "ERROR: ", *language.beginnings(language.ERROR))
        return errors[0] if errors else _("its log has no error message")

    @property
    def has_begun(self) -> bool:
        """Whether DVC could make its copy of the project, and started it there."""
        return self.log.exists()

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it or its DVC; then the params are not the reason."""
        if not self.has_begun:
            return False
        text = self._text()
        return bool(_KILLED.search(text)) or "\nERROR: " not in f"\n{text}"

    def _text(self) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
        except FileNotFoundError:
            return ""


def _lines(text: str, *beginnings: str) -> list[str]:
    """The lines that begin in one of these ways, without their beginnings."""
    ways = "|".join(map(re.escape, beginnings))
    return re.findall(f"^(?:{ways})(.*)$", text, re.MULTILINE)


def look() -> list[Entry]:
    """All experiments in DVC's queue: queued, running, done and failed."""
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        # In the order of an entry's states, so that no entry is missed while its state changes.
        # If an entry is seen twice, the later state counts.
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
    """Queue an experiment, and return its revision; `known` are the entries before.

    Raises
    ------
    UserError
        If DVC refuses; with DVC's message.
    """
    _dvc("exp", "run", "--queue", "--name", name, *options, target)
    before = {entry.revision for entry in known}
    new = [entry for entry in look() if entry.name == name and entry.revision not in before]
    if len(new) != 1:
        raise UserError(
            _(
                "{name} is not in DVC's queue after `dvc exp run --queue`: see `dvc queue status`"
            ).format(name=name)
        )
    return new[0].revision


def discard(entry: Entry) -> None:
    """Remove an entry from the queue; if it still runs without a worker, end its processes first.

    The state that its training saved is kept among the unfinished runs.
    """
    if entry.state == RUNNING:
        end(entry)
    try:
        if entry.state == RUNNING:
            _dvc("queue", "kill", entry.revision)
        _dvc("queue", "remove", entry.revision)
    except UserError:
        # A worker that is killed while it notes the end of a run takes the entry with it.
        if any(each.revision == entry.revision for each in look()):
            raise
    if entry.folder is not None:
        remove(entry.folder)


def end(entry: Entry) -> None:
    """End the process that runs an entry, and wait until its stages have saved and ended."""
    process = _process(entry)
    children = process.children(recursive=True) if process else []
    if process:
        # Its children notice that it is gone, save and end. Another request would kill them.
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _, remaining = psutil.wait_procs(children, _PATIENCE)
    for child in remaining:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def has_worker(entry: Entry) -> bool | None:
    """Whether the worker that runs an entry is alive; None if its process is not there."""
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
    """Remove old messages to workers that have ended; no command of DVC does this."""
    from dvc.repo import Repo

    with Repo() as repo:
        repo.experiments.celery_queue.celery.clean()


def workers() -> Iterator[psutil.Process]:
    """All living workers of this project, no matter who started them."""
    folder = Path.cwd()
    # Not psutil's `process_iter`: it remembers processes, and skips a new process that has the
    # number of one that has ended.
    for number in psutil.pids():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(number)
            is_worker = _WORKER in process.cmdline() and is_alive(process)
            if is_worker and Path(process.cwd()) == folder:
                yield process


def _process(entry: Entry) -> psutil.Process | None:
    """The process that runs an entry, if alive; another process may have its number by now."""
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
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = " ".join(errors or done.stderr.split()[-40:]).removeprefix("ERROR: ")
        raise UserError(
            _("`dvc {command} {subcommand}` failed: {reason}").format(
                command=arguments[0], subcommand=arguments[1], reason=reason
            )
        )
    return done.stdout
