"""What dvc.yaml and dvc.lock say of the workspace, read through DVC.

Private modules of DVC: `dvc.repo` and `dvc.dvcfile` expand `foreach` and `${...}` of dvc.yaml, and
join to each stage its entry of dvc.lock; `dvc.exceptions` holds what they raise; `dvc.fs` is needed
to ask DVC which files .dvcignore leaves out. `dvc.api` gives neither stages nor hashes. `dvc stage
list` prints names alone, and `dvc status` names of what changed (see tools/verify/damage).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import NO_YAML

LOCK = Path("dvc.lock")
_PIPELINE = "dvc.yaml"


@dataclass(frozen=True)
class Item:
    """An out or a dependency: a file or a folder, with what dvc.lock has of it.

    `md5` is None if it has nothing, and ends in `.dir` for a folder. `cached` says whether DVC
    keeps a copy (metrics are kept in git).
    """

    path: str
    md5: str | None
    cached: bool


@dataclass(frozen=True)
class Stage:
    """One stage of one data set. `changed` names params or the command that now differ."""

    name: str
    outs: tuple[Item, ...]
    dependencies: tuple[Item, ...]
    changed: tuple[str, ...]

    @property
    def dataset(self) -> str:
        """The data set: what follows the @."""
        return self.name.partition("@")[2]


@dataclass(frozen=True)
class Pipeline:
    """All stages, where DVC's cache is, and the stages of dvc.lock that dvc.yaml has not."""

    stages: tuple[Stage, ...]
    unknown: tuple[str, ...]
    cache: Path | None
    has_remote: bool
    ignored: Any

    def files(self, path: str) -> dict[str, Path]:
        """The files of an out or dependency that DVC sees, which are not those of .dvcignore.

        The keys are paths within the folder, parted by slashes; "" if it is a file itself. What is
        not there has none.
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
    _look_at_the_lock()
    # Half a second, which nobody should wait for whose dvc.lock is not even there.
    from dvc.dvcfile import load_file
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            pipeline = load_file(repo, _PIPELINE)
            stages = list(pipeline.stages.values())
            locked = pipeline.lockfile_contents.get("stages") or {}
            changed = [_changed(stage) for stage in stages]
    # What is no YAML fails in DVC's reader of it as in any, and not always as DVC's own error.
    except (DvcException, *NO_YAML) as error:
        raise UserError(f"{_PIPELINE} or {LOCK} cannot be read: {_reason(error)}") from None
    cache = repo.cache.local
    return Pipeline(
        stages=tuple(map(_stage, stages, changed)),
        unknown=tuple(sorted(set(locked) - {stage.addressing for stage in stages})),
        cache=Path(cache.path) if cache else None,
        has_remote=bool(repo.config["core"].get("remote") or repo.config.get("remote")),
        ignored=repo.dvcignore,
    )


def _look_at_the_lock() -> None:
    try:
        lines = LOCK.read_bytes().splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{LOCK} is not here: run this from the project's folder, after `dvc repro`"
        ) from None
    if any(line.startswith((b"<<<<<<< ", b">>>>>>> ")) for line in lines):
        raise UserError(
            f"{LOCK} holds both sides of a merge: take one (`git checkout --theirs {LOCK}`, or "
            "--ours), then run `dvc repro`"
        )


def _reason(error: BaseException) -> str:
    # DVC tells the place of a mistake in the cause.
    parts = [str(error), str(error.__cause__ or "")]
    return " ".join(" ".join(parts).split())[:400]


def _changed(stage: Any) -> tuple[str, ...]:
    """Params and the command of one of DVC's stages, if they are others than in dvc.lock."""
    changed = ["its command"] if stage.cmd_changed else []
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
