"""The folders of runs whose results are not safe yet. Each holds all that resumes its run.

    <root>/<dataset>/<run>/lock           held by the process that trains
    <root>/<dataset>/<run>/state-<step>   the newest two whole states
    <root>/<dataset>/<run>/models/        the checkpoints made so far
    <root>/<dataset>/<run>/pictures/      the pictures made so far
    <root>/<dataset>/<run>/pages/         the pages about failures written so far
    <root>/<dataset>/<run>/results/       of a run without states: its results
    <root>/<dataset>/<run>/finished.json  once the results are written: their files and hashes

A run is named by its stage and a hash of all that its result depends on. So only the same run,
started again, resumes it. A finished run stays, because its results may still be lost: whoever has
noted them elsewhere clears it.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stages.gan.common.files import link_tree, md5, remove, whole_file, whole_folder, write_json
from stages.gan.common.language import _
from stages.gan.common.locks import Held, is_held, let_go, lock

# So many runs of one stage and data set stay; older ones are removed.
KEPT = 5
# Seconds to wait for an earlier process that was asked to save and end.
PATIENCE = 20.0
_STATE = "state-"
_DIGITS = 10
_LOCK = "lock"
_FINISHED = "finished.json"
_RESULTS = "results"


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
        """Its stage, and the first digits of its fingerprint."""
        return self.folder.name

    @property
    def stage(self) -> str:
        """The run's stage."""
        return self.name.rpartition("-")[0]

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
    def pages(self) -> Path:
        """Pages about failures, by their number."""
        return self.folder / "pages"

    @property
    def parts(self) -> tuple[Path, ...]:
        """The folders of what was made so far."""
        return self.models, self.pictures, self.pages

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
        content = {result.as_posix(): _hashes(result) for result in results}
        write_json(self.folder / _FINISHED, content)

    def keep(self, results: Iterable[Path]) -> None:
        """Keep these files and folders, the results of a run without states, and `finish` it."""
        remove(self.folder / _RESULTS)
        for result in results:
            kept = self.folder / _RESULTS / result
            (kept.parent if result.is_file() else kept).mkdir(parents=True, exist_ok=True)
            link_tree(result, kept)
        self.finish(results)

    def put_back(self) -> bool:
        """Write the results again that `keep` has kept; False if they are missing or damaged.

        They are copies: DVC may have moved what was kept into its cache, and write-protected it.
        """
        kept = {Path(path): self.folder / _RESULTS / path for path in self.results}
        if not kept or any(_hashes(kept[Path(p)]) != files for p, files in self.results.items()):
            return False
        for target, result in kept.items():
            if result.is_file():
                with whole_file(target) as scratch:
                    shutil.copyfile(result, scratch)
            else:
                with whole_folder(target) as scratch:
                    shutil.copytree(
                        result, scratch, copy_function=shutil.copyfile, dirs_exist_ok=True
                    )
        return True

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
    root: Path, dataset: str, stage: str, fingerprint: str, announce: Callable[[str], None]
) -> Iterator[Run]:
    """Hold the folder of a run for one process.

    Older runs of the stage and data set are removed, except for the last used KEPT ones.

    Raises
    ------
    UserError
        If another process holds this run and does not end in time.
    """
    run = named(root, dataset, stage, fingerprint)
    with lock(
        run.folder / _LOCK, _("this run of {dataset}").format(dataset=dataset), PATIENCE, announce
    ):
        # A run of a former version has no stage in its name, and is one of train.
        same = [each for each in runs(root, dataset) if (each.stage or "train") == stage]
        for old in same[KEPT:]:
            if old != run and clear(old):
                announce(
                    _("{dataset}: removed an older unfinished run ({name})").format(
                        dataset=dataset, name=old.name
                    )
                )
        if run.results:
            announce(
                _(
                    "{dataset}: {stage} has finished before, and only its results are "
                    "written again (to make them anew, first: python -m stages scratch "
                    "clear {dataset})"
                ).format(dataset=dataset, stage=stage)
            )
        for part in run.parts:
            part.mkdir(exist_ok=True)
        yield run


def named(root: Path, dataset: str, stage: str, fingerprint: str) -> Run:
    """The run of this name, which need not be there."""
    return Run(root / dataset / f"{stage}-{fingerprint[:16]}")


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
        with lock(run.folder / _LOCK, _("the run")):
            run.discard()
    except Held:
        return False
    return True


def _hashes(result: Path) -> dict[str, str]:
    """The md5 of each file of a result, by its path within it; "" for a single file."""
    files = [result] if result.is_file() else sorted(result.rglob("*"))
    return {
        "" if file == result else file.relative_to(result).as_posix(): md5(file)
        for file in files
        if file.is_file()
    }
