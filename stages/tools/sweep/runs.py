"""One experiment of a sweep, in a private clone, on one core.

A sweep on this machine starts it, and so does a worker of a cluster. The experiment's DVC ends with
the process that started it, and the stage saves and ends with DVC. So the same experiment, started
again, resumes.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json
from stages.gan.common.language import ERROR, beginnings, editions, marked, retold
from stages.gan.training.watch import verdicts
from stages.tools.compare.runs import NO_VERDICT
from stages.tools.dvc.clones import Clone, Experiment
from stages.tools.sweep import facts

DONE, FAILED, KILLED, STOPPED = "done", "failed", "killed", "stopped"
# What an outcome says in English, on whatever machine it was; the sweep says it in its language.
NO_ERROR = marked("its log has no error message")
NOT_THERE = marked("could not run on {host} ({error})")
# Seconds for the processes of an experiment to save and end.
_PATIENCE = 90.0
_EXITED = re.compile(r"failed to run: .*, exited with (-[0-9]+|1(?:2[89]|[3-9][0-9]))")


@dataclass(frozen=True)
class Outcome:
    """How an experiment ended: its state, its last verdict ("" without one), and why it failed.

    `name` is its name at git's remote, if it was sent there.
    State and verdict are those of the code, in English. Why it failed stands in its log, in the
    language in which the experiment ran.
    """

    state: str
    verdict: str = ""
    why: str = ""
    name: str = ""

    @property
    def said(self) -> str:
        """Why it failed, as far as possible in the language now spoken."""
        return retold(self.why, NO_ERROR, NOT_THERE)


class Run:
    """An experiment that runs, or will run, in its clone below this folder."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.clone = Clone(experiment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, core: int, *options: str) -> None:
        """Start it, bound to a core; nothing is started if its clone has finished it already.

        An earlier process of the same experiment that is about to end is waited for.
        """
        _end(self.clone.processes(), _PATIENCE)
        if self.clone.is_finished:
            return
        self.clone.make()
        with bound_to(core):
            self._process = self.clone.start(facts.trailer(), *options)

    @property
    def is_running(self) -> bool:
        """Whether its DVC is alive."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it; its training saves first, so that it can resume."""
        if self._process is not None:
            processes = self.clone.processes()
            # Its stage notices that DVC is gone, saves and ends. Another request would kill it.
            self._process.kill()
            self._process.wait()
            _end(processes, _PATIENCE)

    def outcome(self) -> Outcome:
        """How it ended. Only a failed or killed experiment leaves its log's reason."""
        verdict = self.verdict()
        if self.clone.is_finished:
            return Outcome(DONE, verdict or self._recorded())
        code = self._process.returncode if self._process is not None else 0
        if was_killed(code, self._text()):
            # A stage may have outlived its DVC for a moment.
            _end(self.clone.processes(), _PATIENCE)
            return Outcome(KILLED, verdict)
        return Outcome(FAILED, verdict or NO_VERDICT, reason(self._text()))

    def last_line(self) -> str:
        """The last line that its stages printed."""
        return last_line(self._text())

    def verdict(self) -> str:
        """The last verdict in its log, or ""."""
        return verdict(self._text())

    def _recorded(self) -> str:
        """The verdict in its results. Where DVC had the training in its cache, the log has none."""
        dataset = self.experiment.target.partition("@")[2]
        try:
            results = read_json(self.clone.file(paths.metrics(dataset) / "train.json"), "verdict")
        except UserError:
            return ""
        return str(results["verdict"])

    def _text(self) -> str:
        try:
            text = self.clone.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return text.replace("\r", "\n")


def was_killed(code: int, text: str) -> bool:
    """Whether a signal ended DVC or a stage; then the params are not the reason.

    Parameters
    ----------
    code : int
        DVC's exit code; below 0 for a signal.
    text : str
        What DVC and its stages printed.
    """
    return code < 0 or bool(_EXITED.search(text)) or "\nERROR: " not in f"\n{text}"


def reason(text: str) -> str:
    """Why an experiment failed: the first error message of what it printed."""
    errors = _lines(text, "ERROR: ", *beginnings(ERROR))
    return errors[0] if errors else NO_ERROR


def verdict(text: str) -> str:
    """The last verdict in what an experiment printed, in English whatever it spoke, or ""."""
    told = _lines(text, *beginnings(verdicts.LINE))
    known = {each: name for name in verdicts.VERDICTS for each in editions(name)}
    return known.get(told[-1], told[-1]) if told else ""


def _lines(text: str, *ways: str) -> list[str]:
    """The lines that begin in one of these ways, without their beginnings."""
    return re.findall(f"^(?:{'|'.join(map(re.escape, ways))})(.*)$", text, re.MULTILINE)


def last_line(text: str) -> str:
    """The last line that is not empty, as a terminal would show it; "" if there is none.

    Examples
    --------
    >>> last_line("epoch 1\\nepoch 2\\n\\n")
    'epoch 2'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


@contextmanager
def bound_to(*cores: int) -> Iterator[None]:
    """Processes that this thread starts in the block are bound to cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _end(processes: list[psutil.Process], patience: float) -> None:
    """Wait until processes have ended by themselves, and end those that do not in time."""
    _, remaining = psutil.wait_procs(processes, patience)
    for process in remaining:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(remaining, patience)
