"""Where runs of training keep what they would need to go on, until their results are written.

    <root>/<dataset>/<run>/lock           held by the process that trains
    <root>/<dataset>/<run>/state-<step>   the newest two whole states
    <root>/<dataset>/<run>/models/        what will be the results, as far as they are made
    <root>/<dataset>/<run>/pictures/

A run is named by what its result depends on, so it can be taken up by whoever does the same
again, and by nobody else.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stages.gan.common.files import remove
from stages.gan.training.processes.locks import Held, is_held, let_go, lock

# Runs of one data set that are kept although nobody has gone on with them.
KEPT = 5
# Seconds that an earlier process gets to save and end, when it has been asked to.
PATIENCE = 20.0
_STATE = "state-"
_DIGITS = 10
_LOCK = "lock"


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    folder: Path

    @property
    def dataset(self) -> str:
        """Of which data set it is a run."""
        return self.folder.parent.name

    @property
    def name(self) -> str:
        """The first digits of its fingerprint."""
        return self.folder.name

    @property
    def used(self) -> float:
        """When something was last saved, in seconds since 1970."""
        return self.folder.stat().st_mtime

    @property
    def models(self) -> Path:
        """Checkpoints."""
        return self.folder / "models"

    @property
    def pictures(self) -> Path:
        """What was drawn."""
        return self.folder / "pictures"

    @property
    def states(self) -> list[Path]:
        """Files of whole states, the newest first."""
        found = self.folder.glob(f"{_STATE}{'[0-9]' * _DIGITS}")
        return sorted(found, reverse=True)

    @property
    def step(self) -> int:
        """How many steps the newest state has; 0 if there is none."""
        states = self.states
        return int(states[0].name.removeprefix(_STATE)) if states else 0

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    @property
    def is_running(self) -> bool:
        """Whether a living process works in it."""
        return is_held(self.folder / _LOCK)

    def state(self, step: int) -> Path:
        """The file of the state after that step."""
        return self.folder / f"{_STATE}{step:0{_DIGITS}d}"

    def discard(self) -> None:
        """Remove it with all that is in it, the lock last."""
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                remove(path)
        let_go(self.folder / _LOCK)


@contextmanager
def opened(
    root: Path, dataset: str, fingerprint: str, announce: Callable[[str], None]
) -> Iterator[Run]:
    """The folder of a run, which no other process uses meanwhile; it goes if the block ends well.

    Older runs of the data set beyond a number are removed.

    Raises
    ------
    UserError
        If another process works at that very run, and goes on doing so.
    """
    run = Run(root / dataset / fingerprint[:16])
    with lock(run.folder / _LOCK, f"this run of {dataset}", PATIENCE, announce):
        for old in runs(root, dataset)[KEPT:]:
            if old != run and clear(old):
                announce(f"{dataset}: removed what an older run had saved ({old.name})")
        run.models.mkdir(exist_ok=True)
        run.pictures.mkdir(exist_ok=True)
        yield run
        run.discard()


def runs(root: Path, dataset: str | None = None) -> list[Run]:
    """All runs that are kept, of one data set or of all, the last used first."""
    used = {}
    for lock_file in root.glob(f"{dataset or '*'}/*/{_LOCK}"):
        with suppress(FileNotFoundError):  # it has ended, and been removed, meanwhile
            used[lock_file.parent] = lock_file.parent.stat().st_mtime
    return [Run(folder) for folder in sorted(used, key=lambda f: (-used[f], f.name))]


def clear(run: Run) -> bool:
    """Remove a run, unless a living process works at it: then False."""
    try:
        with lock(run.folder / _LOCK, "the run"):
            run.discard()
    except Held:
        return False
    return True
