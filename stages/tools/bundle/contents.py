"""A bundle: one zip archive or folder with files of a run, and a list of them (manifest).

The same files make the same bytes. How one is read back: check.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file, whole_folder
from stages.tools.bundle import archives
from stages.tools.bundle.manifest import NAME, Manifest

ARCHIVE = ".zip"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Measured:
    """What a file holds: its size, the checksum of the manifest, and DVC's md5."""

    size: int
    sha256: str
    md5: str


def measure(source: Path | bytes) -> Measured:
    """Read a file, or what will be one."""
    size = 0
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for block in _blocks(source):
        size += len(block)
        sha256.update(block)
        md5.update(block)
    return Measured(size, sha256.hexdigest(), md5.hexdigest())


def write(
    target: Path,
    dataset: str,
    files: Mapping[str, Path | bytes],
    measured: Mapping[str, Measured],
) -> None:
    """Write a bundle: an archive if the target's name ends in .zip, and otherwise a folder.

    Parameters
    ----------
    target : Path
    dataset : str
    files : name in the bundle, parted by slashes, to the file or its content
    measured : name to what `measure` found in it

    Raises
    ------
    UserError
        If the target is there already, or a file is another now than when it was measured.
    """
    complain_if_there(target)
    listed = Manifest(
        dataset, {name: (measured[name].size, measured[name].sha256) for name in files}
    ).to_json()
    contents = {NAME: listed, **files}
    measured = {NAME: measure(listed), **measured}

    def content(name: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for block in _blocks(contents[name]):
            digest.update(block)
            yield block
        if digest.hexdigest() != measured[name].sha256:
            raise UserError(f"{name} changed while it was packed: run the same command again")

    names = sorted(contents)
    if target.suffix == ARCHIVE:
        sizes = {name: measured[name].size for name in names}
        with whole_file(target) as scratch, scratch.open("wb") as file:
            archives.write(file, sizes, content)
    else:
        with whole_folder(target) as folder:
            write_files(folder, names, content)


def complain_if_there(target: Path) -> None:
    """Nothing is overwritten: raise UserError if something has that name already."""
    if os.path.lexists(target):
        raise UserError(f"{target} is there already: name another, or remove it first")


def write_files(
    folder: Path, names: Iterable[str], content: Callable[[str], Iterator[bytes]]
) -> None:
    """Write files of a folder; `content` gives the bytes of each, block by block."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            file.writelines(content(name))


def _blocks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
