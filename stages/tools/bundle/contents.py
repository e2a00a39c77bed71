"""Writes a bundle: a zip archive or a folder with the files of a run and their manifest.

The same files always give the same bytes. The module `check` reads a bundle.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file, whole_folder
from stages.gan.common.language import _
from stages.tools.bundle import zip_archive
from stages.tools.bundle.manifest import NAME, Manifest

ARCHIVE = ".zip"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Measured:
    """A file's size, its sha256 for the manifest, and its md5 for DVC."""

    size: int
    sha256: str
    md5: str


def measure(source: Path | bytes) -> Measured:
    """Measure a file, or bytes that will become a file."""
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
    """Write a bundle: an archive if the target's name ends in .zip, otherwise a folder.

    Parameters
    ----------
    target : Path
    dataset : str
    files : name in the bundle, parted by slashes, to the file or its content
    measured : name to the result of `measure`

    Raises
    ------
    UserError
        If the target exists already, or a file has changed since it was measured.
    """
    refuse_existing(target)
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
            raise UserError(
                _("{name} changed while it was packed: run the same command again").format(
                    name=name
                )
            )

    names = sorted(contents)
    if target.suffix == ARCHIVE:
        sizes = {name: measured[name].size for name in names}
        with whole_file(target) as scratch, scratch.open("wb") as file:
            zip_archive.write(file, sizes, content)
    else:
        with whole_folder(target) as folder:
            write_files(folder, names, content)


def refuse_existing(target: Path) -> None:
    """Raise UserError if something has that name already: nothing is overwritten."""
    if os.path.lexists(target):
        raise UserError(
            _("{target} exists already: choose another name, or remove it first").format(
                target=target
            )
        )


def write_files(
    folder: Path, names: Iterable[str], content: Callable[[str], Iterator[bytes]]
) -> None:
    """Write files into a folder; `content` gives the bytes of a file, block by block."""
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
