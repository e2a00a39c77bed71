"""Saves the whole state of a run at intervals, and resumes the run from the newest sound state.

A state holds both networks with their running statistics, all moving averages, and both
optimizers with their step counts. It also holds every step's measures, the supervisor's state, and
the hashes of the pictures, checkpoints and pages made so far. Random numbers need no state: they
depend only on the params' seeds and the number of the epoch or step.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import flush, link_tree, remove, sha256, whole_file
from stages.gan.common.language import _
from stages.gan.common.unfinished import Run
from stages.gan.trained import checkpoints, states
from stages.gan.training import results
from stages.gan.training.history import History
from stages.gan.training.preparation import Setup
from stages.gan.training.processes.stops import Stops
from stages.gan.training.watch.supervisor import Supervisor

# Seconds between two states within an epoch: a run loses at most so much.
SAVE_EVERY = 120.0
_STATES = 2


class Keeper:
    """Saves and resumes one run.

    Parameters
    ----------
    run : Run
        The run's folder; this process holds its lock.
    setup : Setup
    history : History
    supervisor : Supervisor
    stops : Stops
        Asked after every step.
    agree : callable
        Takes whether this process wishes to end, and returns whether any rank does. It is called
        once after every step.
    """

    def __init__(
        self,
        run: Run,
        setup: Setup,
        history: History,
        supervisor: Supervisor,
        stops: Stops,
        agree: Callable[[bool], bool] = bool,
    ) -> None:
        self._agree = agree
        self._run = run
        self._setup = setup
        self._players = setup.players
        self._history = history
        self._supervisor = supervisor
        self._stops = stops
        self._total = setup.total
        self._made: dict[str, str] = {}
        self._saved = time.monotonic()

    def restore(self, announce: Callable[[str], None]) -> None:
        """Restore the newest sound state, if there is one. Call it before the first step.

        Pictures, checkpoints and pages made after that state are removed. The page about a failure
        that has been reported is written again.
        """
        for file in self._run.states:
            try:
                arrays, values = states.read(file)
                self._verify(values["made"])
            except UserError as error:
                announce(_("not used: {error}").format(error=error))
                remove(file)
                continue
            for part, parameters in self._players.state.items():
                checkpoints.put(_part(arrays, part), parameters)
            self._history.restore(_part(arrays, "history"))
            self._supervisor.restore(values["supervisor"])
            self._made = values["made"]
            if self._page.exists():
                with whole_file(paths.failure(self._setup.dataset)) as scratch:
                    shutil.copyfile(self._page, scratch)
            announce(
                _("resuming after step {done:,} of {total:,}").format(
                    done=len(self._history), total=self._total
                )
            )
            break
        for name in self._files() - self._made.keys():
            remove(self._run.folder / name)
        for folder in self._run.parts:
            for inner in folder.iterdir():
                if inner.is_dir() and not any(inner.iterdir()):
                    inner.rmdir()

    def look(self, step: int, row: NDArray[np.float32]) -> None:
        """Call it after a step: it watches the step, saves when due, and ends the run on request.

        A snapshot of the averages that is due is stored before the state that knows of it.

        Raises
        ------
        Stopped
            If the run was asked to end. It has been saved before.
        """
        try:
            self._supervisor.look(step, row)
        except BaseException:
            self._agree(True)
            raise
        results.keep_snapshot(self._setup, self._run, step)
        if self._agree(self._stops.requested):
            self.save()
            raise self._stops.error(
                _(
                    "stopped by {reason} after step {done:,} of {total:,}, and saved: the same "
                    "command resumes the run there"
                ),
                done=len(self._history),
                total=self._total,
            )
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the present state. The newest two states stay; older ones are removed."""
        written = paths.failure(self._setup.dataset)
        if self._supervisor.failures and written.exists() and not self._page.exists():
            link_tree(written, self._page)
        for name in sorted(self._files() - self._made.keys()):
            file = self._run.folder / name
            flush(file)
            self._made[name] = sha256(file)
        state = self._players.state
        arrays = {
            f"{part}/{name}": array
            for part, found in (
                *((part, checkpoints.values(p, copied=False)) for part, p in state.items()),
                ("history", self._history.state()),
            )
            for name, array in found.items()
        }
        values = {"made": self._made, "supervisor": self._supervisor.state()}
        states.write(self._run.state(len(self._history)), arrays, values)
        for old in self._run.states[_STATES:]:
            remove(old)
        self._saved = time.monotonic()

    @property
    def _page(self) -> Path:
        """Where the page about the last failure is kept."""
        return self._run.pages / f"{self._supervisor.failures}.html"

    def _files(self) -> set[str]:
        folder = self._run.folder
        return {
            file.relative_to(folder).as_posix()
            for part in self._run.parts
            for file in part.rglob("*")
            if file.is_file()
        }

    def _verify(self, made: dict[str, str]) -> None:
        for name, expected in made.items():
            file = self._run.folder / name
            if not file.is_file() or sha256(file) != expected:
                raise UserError(
                    _("{file}, which belongs to a saved state, is missing or damaged").format(
                        file=file
                    )
                )


def _part(arrays: dict[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    start = f"{name}/"
    return {
        key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)
    }
