"""Keeps the results of a stage that took long until dvc.lock has them.

DVC notes a stage's outs when the stage has ended, and may fail to: another DVC holds its lock, or
it is killed. Until then the results are kept in the folder of unfinished runs.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

from stages.command import edits, workspace
from stages.gan import params
from stages.gan.common import unfinished
from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import NO_YAML
from stages.gan.params.fingerprints import fingerprint

LOCK = Path("dvc.lock")
FOLDER = ".dir"


class Files(NamedTuple):
    """What a stage reads beside params and code, and its outs: all the paths that dvc.yaml has."""

    reads: Sequence[Path]
    writes: Sequence[Path]


@contextmanager
def kept(
    stage: str,
    dataset: str,
    settings: params.Dataset,
    uses: Sequence[str],
    files: Files,
    announce: Callable[[str], None],
) -> Iterator[bool]:
    """Give whether the stage's results are there again, because they were made and kept before.

    If not, the block makes them, and they are kept when it ends without an error. A stage that is
    run by hand, without DVC, always makes them.
    """
    if "DVC_STAGE" not in os.environ:
        yield False
        return
    named = {"code": edits.code(), "params": edits.values(settings, uses)}
    read = [file for path in files.reads for file in sorted(path.rglob("*")) if file.is_file()]
    place = workspace.scratch(), dataset, stage, fingerprint(named, read)
    if unfinished.named(*place).results:
        with unfinished.opened(*place, announce) as run:
            if run.put_back():
                yield True
                return
            announce(f"{dataset}: {run.folder} is damaged, so {stage} runs again")
            run.discard()
    yield False
    try:
        with unfinished.opened(*place, announce) as run:
            run.keep(files.writes)
    except (OSError, UserError) as error:
        # The stage has made its results, and they are whole.
        announce(f"{dataset}: the results of {stage} are not kept beside: {error}")


def clear() -> list[unfinished.Run]:
    """Remove the finished runs whose results dvc.lock has, and return them."""
    finished = [(run, run.results) for run in unfinished.runs(workspace.scratch())]
    if not any(results for _, results in finished):
        return []
    noted = _noted()
    return [
        run
        for run, results in finished
        if results
        and all(noted.get(path) == name_of(files) for path, files in results.items())
        and unfinished.clear(run)
    ]


def _noted() -> dict[str, str]:
    """Path to hash of every out in dvc.lock; empty if the file is missing or damaged."""
    try:
        stages = yaml.safe_load(LOCK.read_bytes())["stages"]
        return {out["path"]: out["md5"] for each in stages.values() for out in each.get("outs", ())}
    except (FileNotFoundError, TypeError, *NO_YAML):
        return {}


def folder_name(files: Mapping[str, str]) -> str:
    """The name that DVC gives a folder: the md5 of the list of its files, and `.dir`.

    Parameters
    ----------
    files : path within the folder, parted by slashes, to md5

    Examples
    --------
    >>> folder_name({"a": "0cc175b9c0f1b6a831c399e269772661"})
    '580614454446a0c6c4af2f3dae1f8d2b.dir'
    """
    listing = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    text = json.dumps(listing).encode("ascii")
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + FOLDER


def name_of(files: Mapping[str, str]) -> str:
    """The name that DVC gives an out or dependency: `folder_name`, or the md5 of a single file.

    Parameters
    ----------
    files : path within the folder to md5; the path is "" for a single file
    """
    return files[""] if "" in files else folder_name(files)
