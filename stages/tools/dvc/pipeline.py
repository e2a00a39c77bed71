"""Reads dvc.yaml and dvc.lock through DVC: stages, outs, dependencies and their hashes.

Private modules of DVC: `dvc.repo` and `dvc.dvcfile` expand `foreach` and `${...}` in dvc.yaml, and
add the entry of dvc.lock to each stage. `dvc.exceptions` holds their exceptions. `dvc.fs` is needed
to ask DVC which files .dvcignore excludes. `dvc.api` gives neither stages nor hashes. `dvc stage
list` prints only names, and `dvc status` only names of changes (see tools/verify/damage).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.yaml_files import NO_YAML

LOCK = Path("dvc.lock")
_PIPELINE = "dvc.yaml"


@dataclass(frozen=True)
class Item:
    """An out or a dependency: a file or a folder, with its hash in dvc.lock.

    `md5` is None if dvc.lock has no hash, and ends in `.dir` for a folder. `cached` says whether
    DVC keeps a copy in its cache (git keeps the metrics).
    """

    path: str
    md5: str | None
    cached: bool


@dataclass(frozen=True)
class Stage:
    """One stage of one data set. `changed` names the params, or the command, that differ now."""

    name: str
    outs: tuple[Item, ...]
    dependencies: tuple[Item, ...]
    changed: tuple[str, ...]

    @property
    def dataset(self) -> str:
        """The data set: the part of the name after the @."""
        return self.name.partition("@")[2]


@dataclass(frozen=True)
class Pipeline:
    """All stages, DVC's cache, and `unknown`: stages in dvc.lock that are not in dvc.yaml."""

    stages: tuple[Stage, ...]
    unknown: tuple[str, ...]
    cache: Path | None
    has_remote: bool
    ignored: Any

    def files(self, path: str) -> dict[str, Path]:
        """The files of an out or dependency, without those that .dvcignore excludes.

        The keys are paths within the folder, parted by slashes; "" for a single file. A missing
        out has no files.
        """
        from dvc.fs import localfs

        place = Path(path)
        if not place.is_dir():
            return {"": place} if os.path.lexists(place) else {}
        whole = place.absolute()
        inside = (Path(file).relative_to(whole) for file in self.ignored.find(localfs, str(whole)))
        return {file.as_posix(): place / file for file in inside}


def read() -> Pipeline:
    """Read dvc.yaml and dvc.lock of the project in the working directory.

    Raises
    ------
    UserError
        If one of them is missing, damaged, or left in the middle of a merge.
    """
    _check_lock()
    # Imported late: it takes half a second, which a missing dvc.lock does not need.
    from dvc.dvcfile import load_file
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            pipeline = load_file(repo, _PIPELINE)
            stages = list(pipeline.stages.values())
            locked = pipeline.lockfile_contents.get("stages") or {}
            changed = [_changed(stage) for stage in stages]
    # For invalid YAML, DVC does not always raise an exception of its own.
    except (DvcException, *NO_YAML) as error:
        raise UserError(
            _("{pipeline} or {lock} cannot be read: {reason}").format(
                pipeline=_PIPELINE, lock=LOCK, reason=_reason(error)
            )
        ) from None
    cache = repo.cache.local
    return Pipeline(
        stages=tuple(map(_stage, stages, changed)),
        unknown=tuple(sorted(set(locked) - {stage.addressing for stage in stages})),
        cache=Path(cache.path) if cache else None,
        has_remote=bool(repo.config["core"].get("remote") or repo.config.get("remote")),
        ignored=repo.dvcignore,
    )


def _check_lock() -> None:
    try:
        lines = LOCK.read_bytes().splitlines()
    except FileNotFoundError:
        raise UserError(
            _("{lock} is not here: run this from the project's folder, after `dvc repro`").format(
                lock=LOCK
            )
        ) from None
    if any(line.startswith((b"<<<<<<< ", b">>>>>>> ")) for line in lines):
        raise UserError(
            _(
                "{lock} holds both sides of a merge: choose one (`git checkout --theirs "
                "{lock}` or --ours), then run `dvc repro`"
            ).format(lock=LOCK)
        )


def _reason(error: BaseException) -> str:
    # The cause of DVC's exception names the place of the mistake.
    parts = [str(error), str(error.__cause__ or "")]
    return " ".join(" ".join(parts).split())[:400]


def _changed(stage: Any) -> tuple[str, ...]:
    """The params and the command of one of DVC's stages that differ from dvc.lock."""
    changed = [_("its command")] if stage.cmd_changed else []
    for params in stage.params:
        for file, keys in params.workspace_status().items():
            names = keys if isinstance(keys, dict) else {}
            changed += [f"{file} ({', '.join(names)})" if names else file]
    return tuple(changed)


def _stage(stage: Any, changed: tuple[str, ...]) -> Stage:
    params = set(map(id, stage.params))
    return Stage(
        name=stage.addressing,
        outs=tuple(map(_item, stage.outs)),
        dependencies=tuple(_item(thing) for thing in stage.deps if id(thing) not in params),
        changed=changed,
    )


def _item(thing: Any) -> Item:
    hashed = thing.hash_info
    known = bool(hashed) and hashed.name == "md5"
    return Item(thing.def_path, hashed.value if known else None, thing.use_cache)
