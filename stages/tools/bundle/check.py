"""Checks and unpacks a bundle without trusting it: reads every byte and lists damaged files.

The checksums show damage, not forgery: a person who changes a file on purpose can also write a new
manifest. Nothing is written before every file has been found intact, and nothing outside the folder
that was asked for.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_folder
from stages.gan.common.language import _
from stages.gan.data.raw.archives import Container, open_container
from stages.tools.bundle import zip_archive
from stages.tools.bundle.contents import refuse_existing, write_files
from stages.tools.bundle.manifest import NAME, Manifest, parse, read_object

_BLOCK = 1 << 20
# Bytes of a JSON file that is read at once: a manifest of 100,000 files needs less.
_MOST_JSON = 1 << 24


@dataclass(frozen=True)
class Checked:
    """A bundle of which every byte was read. `damages`: name of a bad file to the reason."""

    path: Path
    manifest: Manifest
    damages: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of all files that the manifest lists."""
        return sum(size for size, _ in self.manifest.files.values())


def check(path: Path) -> Checked:
    """Read every byte of a bundle (an archive or a folder), and compare it with its manifest.

    Raises
    ------
    UserError
        If it is no bundle, its manifest is damaged, or it could do harm: names that lead outside
        the folder, links, names that occur twice, more content than the archive has bytes.
    """
    with _opened(path) as container:
        manifest = _read_manifest(path, container)
        present = set(container.names())
        damages = {name: _("extra (not in the manifest)") for name in present}
        for name, (size, sha256) in manifest.files.items():
            damages.pop(name, None)
            if name not in present:
                damages[name] = _("missing")
                continue
            if reason := _compare(container, name, size, sha256):
                damages[name] = reason
        del damages[NAME]
        if not damages and path.is_file():
            sizes = {NAME: len(manifest.to_json())}
            sizes |= {name: size for name, (size, _) in manifest.files.items()}
            in_order = {name: sizes[name] for name in sorted(sizes)}
            if not zip_archive.is_exact(path, in_order, lambda name: _blocks(container, name)):
                damages[path.name] = _(
                    "damaged (its files are intact, but the archive around them is "
                    "not: bytes between the files were changed, or another program "
                    "packed it)"
                )
    return Checked(path, manifest, dict(sorted(damages.items())))


def unpack(checked: Checked, target: Path) -> None:
    """Write the files of an undamaged bundle into a new folder.

    Raises
    ------
    UserError
        If the folder exists already, or the bundle has changed since it was checked.
    """
    refuse_existing(target)
    with _opened(checked.path) as container:
        listed = _read(container, NAME)
        if _parse(checked.path, listed) != checked.manifest:
            raise _changed(checked.path, NAME)

        def content(name: str) -> Iterator[bytes]:
            if name == NAME:
                yield listed
                return
            size, sha256 = checked.manifest.files[name]
            digest, left = hashlib.sha256(), size
            with closing(container.open(name)) as stream:
                while block := stream.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        break
                    digest.update(block)
                    yield block
            if digest.hexdigest() != sha256:
                raise _changed(checked.path, name)

        with whole_folder(target) as folder:
            write_files(folder, [NAME, *checked.manifest.files], content)


def read_file(checked: Checked, name: str) -> bytes:
    """The content of a file in an undamaged bundle; b"" if there is no such file.

    Raises
    ------
    UserError
        If the file has changed since it was checked.
    """
    if name not in checked.manifest.files:
        return b""
    with _opened(checked.path) as container:
        content = _read(container, name)
    if hashlib.sha256(content).hexdigest() != checked.manifest.files[name][1]:
        raise _changed(checked.path, name)
    return content


def read_json(checked: Checked, name: str) -> dict[str, Any]:
    """The JSON object in a file in an undamaged bundle; {} if there is no such file.

    Raises
    ------
    UserError
        If the file has changed, or holds anything but a JSON object.
    """
    content = read_file(checked, name)
    if not content:
        return {}
    try:
        return read_object(content)
    except ValueError as error:
        raise UserError(
            _("{name} in {path} cannot be read: {error}").format(
                name=name, path=checked.path, error=error
            )
        ) from None


def _read_manifest(path: Path, container: Container) -> Manifest:
    if NAME not in container.names():
        raise UserError(
            _("{path} is not a bundle: it should hold {manifest}").format(path=path, manifest=NAME)
        )
    return _parse(path, _read(container, NAME))


def _parse(path: Path, listed: bytes) -> Manifest:
    try:
        return parse(listed)
    except ValueError as error:
        raise UserError(
            _("{manifest} in {path} is damaged: {error}").format(
                manifest=NAME, path=path, error=error
            )
        ) from None


def _compare(container: Container, name: str, size: int, sha256: str) -> str:
    """What is wrong with a file; "" if nothing is."""
    digest, left = hashlib.sha256(), size
    try:
        with closing(container.open(name)) as stream:
            while block := stream.read(min(_BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    return _(
                        "damaged (it has more bytes than the {size:,} in the manifest)"
                    ).format(size=size)
                digest.update(block)
    except UserError as error:
        return _("damaged ({error})").format(error=error)
    if left:
        return _("damaged (it has {found:,} bytes, but the manifest says {size:,})").format(
            found=size - left, size=size
        )
    if digest.hexdigest() != sha256:
        return _("damaged (its sha256 differs from the manifest)")
    return ""


def _blocks(container: Container, name: str) -> Iterator[bytes]:
    with closing(container.open(name)) as stream:
        while block := stream.read(_BLOCK):
            yield block


@contextmanager
def _opened(path: Path) -> Iterator[Container]:
    """Open an archive or a folder; refuse links and compressed or encrypted files."""
    if path.is_dir():
        _check_folder(path)
    # A bundle has slashes: a file whose name has backslashes is none of those that are listed.
    with open_container(path, 1 << 62, exact_names=True) as container:
        if path.is_file():
            stored = [container.stored(name) for name in container.names()]
            if None in stored:
                raise UserError(
                    _(
                        "{path} holds compressed or encrypted files, but a bundle has "
                        "none: if you trust it, unpack it with another program and check "
                        "the folder"
                    ).format(path=path)
                )
            total = sum(one.size for one in stored if one)
            if total > path.stat().st_size:
                raise UserError(
                    _("{path} says that it holds {total:,} bytes, more than its own size").format(
                        path=path, total=total
                    )
                )
        yield container


def _check_folder(path: Path) -> None:
    for folder, inner, files in os.walk(path):
        for name in [*inner, *files]:
            mode = (Path(folder) / name).lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise UserError(
                    _("{path} is a link or no regular file").format(path=Path(folder) / name)
                )


def _read(container: Container, name: str) -> bytes:
    with closing(container.open(name)) as stream:
        content = stream.read(_MOST_JSON + 1)
    if len(content) > _MOST_JSON:
        raise UserError(
            _("{name} has more than {most:,} bytes, the most that is read").format(
                name=name, most=_MOST_JSON
            )
        )
    return content


def _changed(path: Path, name: str) -> UserError:
    return UserError(
        _("{name} in {path} changed while it was read: run the same command again").format(
            name=name, path=path
        )
    )
