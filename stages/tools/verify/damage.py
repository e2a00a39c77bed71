"""Finds damage: compares every byte of the outs with dvc.lock and with their own checksums.

It does not use DVC's database of modification times, so it also finds damage that does not change
these times.

`dvc data status --granular` and `dvc status` also read every byte if DVC's state folder is empty,
and they take as long. They cannot replace this module (tried with DVC 3.67):

- Neither gives an answer in every case in which this module must give one.
- `dvc status` fails at a dead link, `dvc data status` at a name that is not UTF-8.
- `dvc data status` leaves out metrics, which git keeps. It trusts a damaged list of a folder, and
  so reports intact files.
- `dvc status` names only folders, and needs DVC's lock.
"""

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from stages.command.recorded import name_of
from stages.gan.common.files import md5
from stages.gan.common.language import _, marked
from stages.gan.common.runtime import usable_cores
from stages.tools.dvc.cache import Cache, is_folder
from stages.tools.dvc.pipeline import Item, Pipeline, Stage
from stages.tools.verify import checksums


class Kind(Enum):
    """What is wrong with a file or a folder."""

    DAMAGED = marked("damaged")
    MISSING = marked("missing")
    EXTRA = marked("extra")
    UNKNOWN = marked("unknown to dvc.lock")
    CONTRADICTED = marked("contradicted by its own checksum")
    OBJECT = marked("damaged in DVC's cache")


@dataclass(frozen=True)
class Finding:
    """One damaged, missing or extra file or folder.

    `expected` is the name of the object in DVC's cache with the right content, if known. `inside`
    is the file or folder in the workspace from which a damaged object can be restored.
    """

    path: Path
    kind: Kind
    reason: str
    stage: Stage
    out: Item
    expected: str | None = None
    inside: Path | None = None


@dataclass(frozen=True)
class Findings:
    """All findings, and the number of files and bytes of outs that were read.

    `changed` is the name of a stage to its dependencies that changed since it ran. `by_hand` are
    the stages all of whose outs differ from dvc.lock and are sound in themselves, in more than
    extra or missing files: somebody may have run them without DVC.
    """

    damages: tuple[Finding, ...]
    notes: tuple[str, ...]
    changed: Mapping[str, Sequence[str]]
    by_hand: tuple[str, ...]
    files: int
    size: int


@dataclass(frozen=True)
class _Read:
    """The md5 and size of a file. If it cannot be read, `md5` is None and `trouble` says why."""

    md5: str | None
    size: int
    trouble: str = ""


def check(
    pipeline: Pipeline,
    stages: Iterable[Stage],
    whole_cache: bool = False,
    but_for: Collection[str] = (),
) -> Findings:
    """Read all outs of some stages on all cores, and compare them.

    Parameters
    ----------
    pipeline : Pipeline
    stages : the stages of the pipeline to check
    whole_cache : bool
        Whether to read the copies in DVC's cache as well.
    but_for : paths of outs that are not checked
    """
    stages = tuple(stages)
    outs = [(stage, out) for stage in stages for out in stage.outs if out.path not in but_for]
    made = {out.path: out.md5 for stage in pipeline.stages for out in stage.outs}
    code = {item.path for stage in stages for item in stage.dependencies if item.path not in made}
    cache = Cache(pipeline.cache) if pipeline.cache else None
    # All folders are listed before any file is read, so that the largest file can be first.
    listed = {path: pipeline.files(path) for path in (*(out.path for _, out in outs), *code)}
    with ThreadPoolExecutor(usable_cores()) as pool:
        read = _read_all(pool, {file for files in listed.values() for file in files.values()})
        carriers = {out: checksums.carriers(Path(out.path)) for _, out in outs}
        every = [carrier for some in carriers.values() for carrier in some]
        contradicted = dict(zip(every, pool.map(checksums.damages, every), strict=True))
        unsound = {out for _, out in outs for each in carriers[out] if contradicted[each]}
        found: dict[Path, Finding] = {}
        for stage, out in outs:
            for finding in _compare(stage, out, listed[out.path], read, cache):
                found[finding.path] = finding
        for stage, out in outs:
            agrees = Path(out.path) not in found
            for carrier in carriers[out]:
                if carrier in found:
                    continue  # a damaged carrier says nothing about other files
                for path, reason in contradicted[carrier].items():
                    # If dvc.lock has the damaged content, so has DVC's own copy.
                    kind = Kind.CONTRADICTED if agrees else Kind.DAMAGED
                    expected = None if agrees else out.md5
                    found.setdefault(path, Finding(path, kind, reason, stage, out, expected))
        changes = _changes(stages, made, code, listed, read)
        if cache:
            # Stages whose outs in the workspace differ from dvc.lock, or belong to other code.
            unfit = {finding.stage for finding in found.values()} | changes.keys()
            for finding in _check_cache(pool, cache, outs, found, unfit, whole_cache):
                found.setdefault(finding.path, finding)
    seen = [read[file] for _, out in outs for file in listed[out.path].values()]
    return Findings(
        tuple(sorted(found.values(), key=lambda finding: str(finding.path))),
        tuple(_notes(pipeline, stages, changes)),
        {stage.name: changed for stage, changed in changes.items()},
        tuple(_by_hand(stages, outs, found.values(), unsound)),
        len(seen),
        sum(one.size for one in seen),
    )


def _read_all(pool: Executor, files: set[Path]) -> dict[Path, _Read]:
    """Read files, the largest first, so that no core reads a large file alone at the end."""

    def size(file: Path) -> int:
        try:
            return file.stat().st_size
        except OSError:
            return 0

    ordered = sorted(files, key=lambda file: (-size(file), str(file)))
    return dict(zip(ordered, pool.map(_read, ordered), strict=True))


def _read(file: Path) -> _Read:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            return _Read(None, 0, _("it is not a regular file"))
        return _Read(md5(file), status.st_size)
    except OSError as error:
        return _Read(
            None, 0, _("it cannot be read: {reason}").format(reason=error.strerror or error)
        )


def _compare(
    stage: Stage,
    out: Item,
    files: Mapping[str, Path],
    read: Mapping[Path, _Read],
    cache: Cache | None,
) -> Iterable[Finding]:
    """What is wrong with one out, file by file if the list of a folder's files is known."""
    place = Path(out.path)
    if out.md5 is None:
        # A stage that has not run yet has neither hashes nor outs.
        if os.path.lexists(place):
            yield Finding(place, Kind.UNKNOWN, _("dvc.lock has no hash for it"), stage, out)
        return
    if not os.path.lexists(place):
        yield Finding(place, Kind.MISSING, "", stage, out, out.md5)
        return
    hashes = {path: read[file].md5 or "" for path, file in files.items()}
    if is_folder(out.md5) != place.is_dir():
        reason = _("it should be a file")
        if is_folder(out.md5):
            reason = _("it should be a folder")
        yield Finding(place, Kind.DAMAGED, reason, stage, out, out.md5)
    elif not is_folder(out.md5):
        if hashes[""] != out.md5:
            yield _damaged(stage, out, place, read[place], out.md5)
    elif name_of(hashes) != out.md5:
        expected = cache.files(out.md5) if cache else None
        if expected is None:
            reason = _("its content differs from dvc.lock; which file differs is unknown")
            yield Finding(place, Kind.DAMAGED, reason, stage, out, out.md5)
            return
        for path in sorted(expected.keys() | hashes.keys()):
            if path not in hashes:
                yield Finding(place / path, Kind.MISSING, "", stage, out, expected[path])
            elif path not in expected:
                reason = _("it is not in dvc.lock")
                yield Finding(place / path, Kind.EXTRA, reason, stage, out)
            elif hashes[path] != expected[path]:
                yield _damaged(stage, out, place / path, read[files[path]], expected[path])


def _damaged(stage: Stage, out: Item, path: Path, read: _Read, expected: str) -> Finding:
    reason = read.trouble or _("its md5 is {found}, but dvc.lock has {expected}").format(
        found=read.md5, expected=expected
    )
    return Finding(path, Kind.DAMAGED, reason, stage, out, expected)


def _check_cache(
    pool: Executor,
    cache: Cache,
    outs: Iterable[tuple[Stage, Item]],
    found: Mapping[Path, Finding],
    unfit: Collection[Stage],
    whole: bool,
) -> Iterable[Finding]:
    """Damaged objects in the cache: lists of folders, and with `whole` also all files."""
    # If the file in the workspace is missing or damaged, its own repair covers the object too.
    covered = {finding.expected for finding in found.values()}
    names: dict[str, tuple[Stage, Item, Path]] = {}
    for stage, out in outs:
        if out.md5 is None or not out.cached:
            continue
        place = Path(out.path)
        if whole or is_folder(out.md5):
            names.setdefault(out.md5, (stage, out, place))
        if whole and is_folder(out.md5):
            for path, name in (cache.files(out.md5) or {}).items():
                names.setdefault(name, (stage, out, place / path))
    for name, sound in zip(names, pool.map(cache.is_sound, names), strict=True):
        if sound is False and name not in covered:
            stage, out, inside = names[name]
            is_unfit = stage in unfit if is_folder(name) else inside in found
            yield Finding(
                cache.object(name),
                Kind.OBJECT,
                _("DVC's copy of {path}").format(path=inside.as_posix()),
                stage,
                out,
                name,
                None if is_unfit else inside,
            )


def _changes(
    stages: Iterable[Stage],
    made: Mapping[str, str | None],
    code: Iterable[str],
    listed: Mapping[str, Mapping[str, Path]],
    read: Mapping[Path, _Read],
) -> dict[Stage, list[str]]:
    """The changed dependencies of each stage; stages that have not run are left out."""
    now = dict(made)
    for path in code:
        now[path] = name_of({inner: read[file].md5 or "" for inner, file in listed[path].items()})
    changes = {}
    for stage in stages:
        changed = [item.path for item in stage.dependencies if now[item.path] != item.md5]
        changed += stage.changed
        if changed and any(out.md5 for out in stage.outs):
            changes[stage] = changed
    return changes


def _by_hand(
    stages: Iterable[Stage],
    outs: Iterable[tuple[Stage, Item]],
    found: Iterable[Finding],
    unsound: Collection[Item],
) -> Iterable[str]:
    """Names of stages all of whose outs are here and sound, and differ from dvc.lock.

    A stage that was run also changed a file: one that was only added or removed is no result of it.
    """
    found = tuple(found)
    kinds = (Kind.DAMAGED, Kind.EXTRA, Kind.MISSING)
    differ = {finding.out for finding in found if finding.kind in kinds}
    changed = {finding.stage for finding in found if finding.kind is Kind.DAMAGED}
    checked = {stage: [out for owner, out in outs if owner is stage] for stage in stages}
    for stage, own in checked.items():
        whole = all(os.path.lexists(out.path) and out not in unsound for out in own)
        if stage in changed and whole and differ.issuperset(own):
            yield stage.name


def _notes(
    pipeline: Pipeline, stages: Iterable[Stage], changes: Mapping[Stage, list[str]]
) -> Iterable[str]:
    """Notes for the user about what is not damage."""
    if changes:
        what = (name for changed in changes.values() for name in changed)
        yield _(
            "`dvc repro` would run {stages}, because {names} changed since the last run"
        ).format(stages=some(stage.name for stage in changes), names=some(what))
    waiting = [stage.name for stage in stages if not any(out.md5 for out in stage.outs)]
    if waiting:
        yield _("dvc.lock has no entry for {names}: `dvc repro` would run them").format(
            names=some(waiting)
        )
    if pipeline.unknown:
        yield _("not checked, because dvc.yaml has no such stage: {names}").format(
            names=some(pipeline.unknown)
        )


def some(names: Iterable[str]) -> str:
    """The first six different names, and the number of the others."""
    names = list(dict.fromkeys(names))
    rest = _(" and {count} more").format(count=len(names) - 6) if len(names) > 6 else ""
    return ", ".join(names[:6]) + rest
