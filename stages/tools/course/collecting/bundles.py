"""Finds and reads the students' bundles. A broken one is named, and stops nothing."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, to_terminal
from stages.gan.measures import table as measures
from stages.tools.bundle import check as bundle_check
from stages.tools.bundle import manifest
from stages.tools.bundle.check import Checked
from stages.tools.compare import __main__ as compare
from stages.tools.compare.runs import Run
from stages.tools.course import checking
from stages.tools.course.parts import Part
from stages.tools.course.places import Bundle
from stages.tools.dvc.cache import Cache
from stages.tools.dvc.revisions import Revision

_ARCHIVE = ".zip"
_ENVIRONMENT = "environment.json"
# A commit, where files differed from it.
CHANGED = marked("{commit}, changed")


@dataclass(frozen=True)
class Student:
    """One bundle and what is in it.

    Parameters
    ----------
    name : str
        The bundle's path within the folder, without .zip.
    problem : str
        Why the bundle, its run or its answers cannot be read; "" if they can.
    is_intact : bool
        Whether every byte fits the bundle's manifest.
    dataset : str
        "" if the bundle cannot be read.
    run : Run or None
        The run as `compare` shows it.
    scores : names such as quality.frechet_distance to value and standard error
    parts : Checked for each part of the course
    commit : str
        The git commit that the bundle names, and whether files differed from it; or "".
    """

    name: str
    problem: str = ""
    is_intact: bool = False
    dataset: str = ""
    run: Run | None = None
    scores: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    parts: tuple[checking.Checked, ...] = ()
    commit: str = ""

    @property
    def right(self) -> int:
        """How many tasks are solved, in all parts."""
        return sum(part.right for part in self.parts)


@dataclass(frozen=True)
class _Revision(Revision):
    """A bundle in the place of a revision in git: `compare` reads its files."""

    checked: Checked | None = None

    def content(self, path: Path) -> bytes | None:
        assert self.checked is not None
        return Bundle(self.checked).read(path.as_posix())

    def picture(self, stage: str, file: Path, cache: Cache | None) -> bytes | None:
        return self.content(file)


def find(folder: Path) -> list[Path]:
    """All bundles in a folder and the folders in it: archives, and folders with a manifest.

    Raises
    ------
    UserError
        If there is no such folder, or no bundle in it.
    """
    if not folder.is_dir():
        raise UserError(
            _("{folder} is no folder: name the one with the students' bundles").format(
                folder=folder
            )
        )
    found = sorted(_bundles(folder))
    if not found:
        raise UserError(
            _("{folder} has no bundle: neither .zip files nor folders of `--unpack`").format(
                folder=folder
            )
        )
    return found


def _bundles(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink():
            continue  # it may lead to this folder again
        if path.is_dir() and (path / manifest.NAME).is_file():
            yield path
        elif path.is_dir():
            yield from _bundles(path)
        elif path.suffix.lower() == _ARCHIVE:
            yield path


def read(path: Path, folder: Path, parts: Sequence[Part]) -> Student:
    """Read one bundle: every byte of it, the run in it, and the answers to the tasks.

    The run's texts are in the language now spoken, and what is wrong in that of the terminal.
    """
    inner = path.relative_to(folder)
    name = (inner.with_suffix("") if path.is_file() else inner).as_posix()
    try:
        with to_terminal():
            checked = bundle_check.check(path)
    except (UserError, OSError) as error:
        return Student(name, " ".join(str(error).split()))
    if checked.damages:
        kinds = Counter(
            re.split(r"\W", reason, maxsplit=1)[0] for reason in checked.damages.values()
        )
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        first, reason = next(iter(checked.damages.items()))
        return Student(name, f"{counts}; {first}: {reason}", dataset=checked.manifest.dataset)
    dataset = checked.manifest.dataset
    problems: list[str] = []
    run, scores, done = None, {}, []
    try:
        run = compare.read(_Revision(name, None, checked=checked), dataset, None)
        scores = dict(_scores(checked))
    except UserError as error:
        problems.append(str(error))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # Every byte is as it was packed, so it was packed by other code, or changed by hand.
        problems.append(_("its results have another form: {error!r}").format(error=error))
    place = Bundle(checked)
    for part in parts:
        try:
            with to_terminal():
                done.append(checking.with_record(checking.check_part(part, place), place))
        except UserError as error:
            problems.append(str(error))
    return Student(
        name, "; ".join(problems), True, dataset, run, scores, tuple(done), _commit_of(checked)
    )


def _scores(checked: Checked) -> Iterator[tuple[str, tuple[float, float | None]]]:
    """The scores that have a value: this is called where `compare` could read them."""
    metrics = paths.metrics(checked.manifest.dataset).as_posix()
    has_scores = f"{metrics}/{paths.SCORES}" in checked.manifest.files
    name = paths.SCORES if has_scores else "evaluate.json"  # of an older run
    for measure, score in measures.scored(bundle_check.read_json(checked, f"{metrics}/{name}")):
        if score["value"] is not None:
            yield f"{measure.section}.{measure.key}", (score["value"], score["error"])


def _commit_of(checked: Checked) -> str:
    about = bundle_check.read_json(checked, _ENVIRONMENT).get("git")
    git: dict[str, Any] = about if isinstance(about, dict) else {}
    commit = str(git.get("commit") or "")[:12]
    return commit if git.get("clean") is True or not commit else CHANGED.format(commit=commit)
