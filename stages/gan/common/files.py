"""Reads and writes files. A file is written whole or not at all; equal content, equal bytes."""

import csv
import hashlib
import json
import math
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

# On Windows, the seconds in which a rename is tried again, and between two tries.
_PATIENCE = 5.0
_PAUSE = 0.1


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a scratch folder that becomes `target` only if the block ends without an error.

    The scratch folder lies beside the target, so the last step is one rename. The old target is
    moved aside first and deleted last: a process that is killed while it deletes leaves no half
    of the old target under its name. What an earlier, killed run left is removed.
    """
    scratch = target.with_name(f".incomplete-{target.name}")
    aside = target.with_name(f".incomplete-{target.name}-before")
    remove(scratch)
    remove(aside)
    scratch.mkdir(parents=True)
    try:
        yield scratch
        if target.exists() or target.is_symlink():
            move(target, aside)
        move(scratch, target)
        remove(aside)
    finally:
        remove(scratch)


@contextmanager
def whole_file(target: Path, through_to_disk: bool = False) -> Iterator[Path]:
    """Give a scratch path that becomes `target` only if the block ends without an error.

    With `through_to_disk` the file also survives a loss of power right afterwards.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".incomplete-{target.name}")
    try:
        yield scratch
        if through_to_disk:
            flush(scratch)
        move(scratch, target)
        if through_to_disk:
            flush(target.parent)
    finally:
        scratch.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a file, over another if need be, or a folder.

    Windows renames nothing that a process has open. A virus scanner opens what is new for a
    moment, so there it is tried for some seconds.
    """
    last = time.monotonic() + _PATIENCE
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if os.name != "nt" or time.monotonic() > last:
                raise
        time.sleep(_PAUSE)


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, has reached the disk.

    Windows opens no folder; its file systems keep a journal of names.
    """
    if os.name == "nt" and path.is_dir():
        return
    # Windows waits only for who may write.
    opened = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def link_tree(source: Path, target: Path) -> None:
    """Hard-link a file, or all files of a folder into another; copy where links are impossible."""
    for file in [source] if source.is_file() else sorted(source.rglob("*")):
        place = target / file.relative_to(source)
        if file.is_dir():
            place.mkdir(exist_ok=True)
            continue
        try:
            os.link(file, place)
        except OSError:  # another file system, or one without such links
            shutil.copyfile(file, place)


def remove(path: Path) -> None:
    """Remove a file or folder, if it exists; also a folder that is write-protected.

    On Windows a write-protected file cannot be removed either, and DVC protects what it links.
    """
    if path.is_dir() and not path.is_symlink():
        for folder, _, names in os.walk(path):
            if os.name == "nt":
                for name in names:
                    os.chmod(Path(folder, name), stat.S_IWRITE)
            if not os.access(folder, os.W_OK | os.X_OK):
                with suppress(PermissionError):  # another user's folder: rmtree reports it
                    os.chmod(folder, stat.S_IRWXU)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(target: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a fixed layout; floats are shortest-exact, NaN is refused.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has no such numbers.
    """
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with whole_file(target) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def read_json(source: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that an earlier stage wrote.

    Raises
    ------
    UserError
        If the file is missing or damaged, or lacks one of the keys.
    """
    try:
        content = json.loads(source.read_text(encoding="utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise UserError(
            _("{source} is missing: run `dvc repro` first").format(source=source)
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            _("{source} is damaged ({error}): remove it and run `dvc repro`").format(
                source=source, error=error
            )
        ) from None
    if not isinstance(content, dict):
        raise UserError(
            _("{source} is damaged: it should hold a JSON object").format(source=source)
        )
    _complain_of_missing(source, [key for key in keys if key not in content])
    return content


def _no_number(text: str) -> None:
    raise ValueError(_("{text} is not a JSON number").format(text=text))


def _complain_of_missing(source: Path, names: list[str]) -> None:
    if names:
        raise UserError(
            _("{source} is damaged (it has no {names}): remove it and run `dvc repro`").format(
                source=source, names=", ".join(names)
            )
        )


def write_csv(target: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a CSV with a header. Floats read back exactly."""
    with whole_file(target) as scratch, scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([repr(v) if isinstance(v, float) else v for v in row] for row in rows)


def read_csv(source: Path, *columns: str) -> list[dict[str, float]]:
    """Read a CSV of numbers that `write_csv` wrote: one dict per row. An empty field is NaN.

    Raises
    ------
    UserError
        If the file is missing, holds anything else, or lacks one of the columns.
    """
    try:
        with source.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            rows = [
                {key: math.nan if value == "" else float(value) for key, value in row.items()}
                for row in reader
            ]
    except FileNotFoundError:
        raise UserError(
            _("{source} is missing: run `dvc repro` first").format(source=source)
        ) from None
    except (TypeError, ValueError, csv.Error) as error:
        raise UserError(
            _("{source} is damaged ({error}): remove it and run `dvc repro`").format(
                source=source, error=error
            )
        ) from None
    _complain_of_missing(source, missing)
    return rows


def sha256(source: Path) -> str:
    """The sha256 of a file's content, in hex."""
    return _digest(source, hashlib.sha256())


def md5(source: Path) -> str:
    """The md5 of a file's content, in hex. It shows damage, but not forgery."""
    return _digest(source, hashlib.md5(usedforsecurity=False))


def _digest(source: Path, digest: Any) -> str:
    with source.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
