"""The folders of runs whose results are not safe yet. Each holds all that resumes its run.

    <root>/<dataset>/<run>/lock           held by the process that trains
    <root>/<dataset>/<run>/state-<step>   the newest two whole states
    <root>/<dataset>/<run>/models/        the checkpoints made so far
    <root>/<dataset>/<run>/pictures/      the pictures made so far
    <root>/<dataset>/<run>/finished.json  once the results are written: their files and hashes

A run is named by a hash of all that its result depends on. So only the same run, started again,
resumes it. A finished run stays, because its results may still be lost: whoever has noted them
elsewhere clears it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stages.gan.common.files import md5, remove, write_json
from stages.gan.common.locks import Held, is_held, let_go, lock

# So many runs of one data set stay; older ones are removed.
KEPT = 5
# Seconds to wait for an earlier process that was asked to save and end.
PATIENCE = 20.0
_STATE = "state-"
_DIGITS = 10
_LOCK = "lock"
_FINISHED = "finished.json"


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    folder: Path

    @property
    def dataset(self) -> str:
        """The run's data set."""
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
        """The grids drawn so far."""
        return self.folder / "pictures"

    @property
    def states(self) -> list[Path]:
        """Files of whole states, the newest first."""
        found = self.folder.glob(f"{_STATE}{'[0-9]' * _DIGITS}")
        return sorted(found, reverse=True)

    @property
    def step(self) -> int:
        """The number of steps in the newest state; 0 if there is none."""
        states = self.states
        return int(states[0].name.removeprefix(_STATE)) if states else 0

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    @property
    def is_running(self) -> bool:
        """Whether a living process holds the run's lock."""
        return is_held(self.folder / _LOCK)

    @property
    def results(self) -> dict[str, dict[str, str]]:
        """Of a finished run, path of each result to its files' md5, by path within it.

        The path within is "" for a single file. Empty if the run has not finished.
        """
        try:
            content = json.loads((self.folder / _FINISHED).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def finish(self, results: Iterable[Path]) -> None:
        """Note that these files and folders, the run's results, are written."""
        content = {}
        for result in results:
            files = [result] if result.is_file() else sorted(result.rglob("*"))
            content[result.as_posix()] = {
                "" if file == result else file.relative_to(result).as_posix(): md5(file)
                for file in files
                if file.is_file()
            }
        write_json(self.folder / _FINISHED, content)

    def state(self, step: int) -> Path:
        """The file of the state after `step` steps."""
        return self.folder / f"{_STATE}{step:0{_DIGITS}d}"

    def discard(self) -> None:
        """Remove the folder and everything in it, the lock last."""
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                remove(path)
        let_go(self.folder / _LOCK)


@contextmanager
def opened(
    root: Path, dataset: str, fingerprint: str, announce: Callable[[str], None]
) -> Iterator[Run]:
    """Hold the folder of a run for one process.

    Older runs of the data set are removed, except for the last used KEPT ones.

    Raises
    ------
    UserError
        If another process holds this run and does not end in time.
    """
    run = Run(root / dataset / fingerprint[:16])
    with lock(run.folder / _LOCK, f"this run of {dataset}", PATIENCE, announce):
        for old in runs(root, dataset)[KEPT:]:
            if old != run and clear(old):
                announce(f"{dataset}: removed an older unfinished run ({old.name})")
        if run.results:
            announce(
                f"{dataset}: this run has finished before, and only its results are written again "
                f"(to train again, first: python -m stages scratch clear {dataset})"
            )
        run.models.mkdir(exist_ok=True)
        run.pictures.mkdir(exist_ok=True)
        yield run


def runs(root: Path, dataset: str | None = None) -> list[Run]:
    """All kept runs of one data set, or of all data sets, the last used first."""
    used = {}
    for lock_file in root.glob(f"{dataset or '*'}/*/{_LOCK}"):
        with suppress(FileNotFoundError):  # it has ended and was removed meanwhile
            used[lock_file.parent] = lock_file.parent.stat().st_mtime
    return [Run(folder) for folder in sorted(used, key=lambda f: (-used[f], f.name))]


def clear(run: Run) -> bool:
    """Remove a run; return False and leave it if a living process holds it."""
    try:
        with lock(run.folder / _LOCK, "the run"):
            run.discard()
    except Held:
        return False
    return True
