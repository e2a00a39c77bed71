"""Runs one experiment of a sweep on a worker of a cluster: dask.distributed calls `work` there.

The worker's folder is a clone of the project. The experiment's files come by git, its data by DVC's
remote, and its results go back the same ways. Nothing else passes between a worker and the sweep
but a few lines of text.

An experiment must not run to its end twice, even if a worker is cut off while it runs. So whoever
runs it holds a lease at the scheduler, which the scheduler gives up `lease` seconds after the
worker's last word. A worker that has not reached the scheduler for half of that time stops its
experiment. So the experiment is stopped here before it can begin elsewhere.
"""

import asyncio
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import dask
from dask.utils import parse_timedelta
from distributed import Client, Event, Reschedule, Semaphore, get_client  # extra `cluster`

from stages.gan.common import locks
from stages.gan.common.errors import UserError
from stages.gan.common.language import marked, speaking, spoken
from stages.tools.dvc import clones
from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import facts, runs
from stages.tools.sweep.runs import KILLED, STOPPED, Outcome, Run
from stages.tools.sweep.workers import cores

# Under this name the scheduler passes on what workers say of their experiments.
TOPIC = "sweep"
# Seconds between two looks at an experiment, and between two words with the scheduler.
_PAUSE = 0.5
_WORD = 2.0
# How often results are sent before the experiment is given back.
_TRIES = 3
# What it says in English; the sweep says it in its own language.
NO_CLONE = marked("{folder} is no clone of the project")
_BEGINS = marked("begins")
_SENDING = marked("sending its results")
# Data come from DVC's remote; what the experiment does not need stays there.
_OPTIONS = ("--pull", "--allow-missing")


def about() -> dict[str, str]:
    """What the sweep is told of this worker; a worker is told the same of the sweep."""
    return {
        "host": platform.node(),
        "code": facts.code(),
        "mindspore": facts.mindspore(),
        "machine": facts.machine(),
        "trouble": "" if Path(".dvc").is_dir() else NO_CLONE.format(folder=Path.cwd()),
        "language": spoken(),
    }


def kept() -> list[str]:
    """The keys of the experiments that were begun in this folder, and neither finished nor failed.

    Their states are here, so they go on here.
    """
    return [folder.name for folder in (clones.FOLDER / "clones").glob("*")]


def fits(worker: dict[str, str], here: dict[str, str]) -> bool:
    """Whether a worker may run experiments of a sweep: by code, MindSpore's version and folder."""
    same = all(worker[name] == here[name] for name in ("code", "mindspore"))
    return same and not worker["trouble"]


def stopper(key: str, client: Client) -> Event:
    """The event that asks for an experiment's end."""
    return Event(f"stop-{key}", client=client)


def work(experiment: Experiment, here: dict[str, str]) -> Outcome:
    """Run an experiment, and send its results. `here` is what `about` says of the sweep itself.

    The worker's language does not matter. The experiment speaks the sweep's language, because the
    sweep shows its lines. What the worker says itself is in English.

    Raises
    ------
    Reschedule
        If another worker should run it.
    """
    if not fits(about(), here):
        time.sleep(_WORD)
        raise Reschedule
    contact = Contact(experiment.key)
    try:
        with speaking(here["language"]), contact.lease(), _core() as core:
            if contact.is_over:
                return contact.give_up()
            return _work(experiment, contact, core)
    except UserError as error:
        return Outcome(KILLED, "", runs.NOT_THERE.format(host=platform.node(), error=error))
    finally:
        contact.close()


def _work(experiment: Experiment, contact: "Contact", core: int) -> Outcome:
    run = Run(experiment)
    if name := clones.sent_name(experiment):
        run.clone.remove()  # what is left of an earlier try here
        return Outcome(runs.DONE, name=name)
    clones.fetch_files(experiment)
    run.start(core, *_OPTIONS)
    while run.is_running and not contact.is_over:
        contact.line = run.last_line()
        time.sleep(_PAUSE)
    if run.is_running:
        run.stop()
    outcome = run.outcome()
    if outcome.state == runs.DONE:
        outcome = replace(outcome, name=_send(run, contact))
    if outcome.state != KILLED:
        run.clone.remove()
    return contact.give_up() if outcome.state == KILLED and contact.is_over else outcome


def _send(run: Run, contact: "Contact") -> str:
    """Send the results; the name that the experiment has at git's remote."""
    contact.line = _SENDING
    for _try in range(_TRIES - 1):
        try:
            return run.clone.push()
        except UserError:
            time.sleep(_WORD)
    return run.clone.push()


class Contact:
    """Words with the scheduler while an experiment runs.

    Attributes
    ----------
    line : str
        What the sweep shows of the experiment.
    """

    def __init__(self, key: str) -> None:
        self.line = _BEGINS
        self._key = key
        self._client = get_client()
        self._patience = parse_timedelta(
            dask.config.get("distributed.scheduler.locks.lease-timeout")
        )
        self._last = time.monotonic()
        self._is_asked = False
        self._closed = threading.Event()
        threading.Thread(target=self._talk, daemon=True, name="contact").start()

    @property
    def is_over(self) -> bool:
        """Whether the experiment should end: it is asked to, or the scheduler is out of reach."""
        return self._is_asked or self._is_lost

    @property
    def _is_lost(self) -> bool:
        return time.monotonic() - self._last > self._patience / 2

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the experiment's lease; wait until nobody else holds it, or the experiment is over.

        If the scheduler is out of reach at the end, the lease ends by its time.
        """
        lease = Semaphore(max_leases=1, name=f"sweep-{self._key}")
        is_held = False
        while not is_held and not self.is_over:
            is_held = lease.acquire(timeout=_WORD)
        try:
            yield
        finally:
            lease.refresh_leases = False
            if is_held and not self._is_lost:
                lease.release()

    def give_up(self) -> Outcome:
        """How an experiment ends that was ended from outside.

        Raises
        ------
        Reschedule
            If nobody has asked for its end: then it should go on elsewhere.
        """
        if not self._is_asked:
            raise Reschedule
        return Outcome(STOPPED)

    def close(self) -> None:
        """End the words."""
        self._closed.set()

    def _talk(self) -> None:
        stop, said = stopper(self._key, self._client), ""
        while not self._closed.is_set():
            try:
                self._is_asked = bool(stop.is_set())
                if self.line != said:
                    said = self.line
                    message = {"key": self._key, "host": platform.node(), "line": said}
                    self._client.log_event(TOPIC, message)
                self._last = time.monotonic()
            except (OSError, TimeoutError, asyncio.TimeoutError, RuntimeError, ValueError):
                pass  # the scheduler is out of reach: `_last` stays behind
            self._closed.wait(_WORD)


@contextmanager
def _core() -> Iterator[int]:
    """Hold one of this machine's cores, which no other worker in this folder holds.

    If there are more workers than cores, they share them.
    """
    available = cores()
    with ExitStack() as held:
        for core in available:
            try:
                held.enter_context(locks.lock(clones.FOLDER / f"core-{core}", f"core {core}"))
            except locks.Held:
                continue
            break
        else:
            core = available[os.getpid() % len(available)]
        yield core
