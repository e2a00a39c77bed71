"""Packs image files into one archive, because DVC is slow with many small files."""

import hashlib
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

from stages.gan.common.errors import UserError
from stages.gan.data.raw.archives import Container, open_container

ARCHIVE = "images.zip"
FILES = (ARCHIVE,)
IMAGE = "images"
HASHED = (IMAGE,)
_ENDINGS = ("jpg", "jpeg", "png", "webp", "bmp")


def image_names(container: Container) -> list[str]:
    """The image files of a container, sorted; numbered names in the order of their numbers."""
    places = {}
    for name in container.names():
        folder, _, last = name.rpartition("/")
        stem, _, ending = last.rpartition(".")
        parts = _parts(folder)
        if stem and ending.lower() in _ENDINGS and "__MACOSX" not in parts:
            is_number = stem.isdecimal() and stem.isascii() and len(stem) < 100
            places[name] = "/".join(parts), int(stem) if is_number else -1, name
    return sorted(places, key=places.__getitem__)


@lru_cache
def _parts(folder: str) -> tuple[str, ...]:
    return PurePosixPath(folder).parts or (".",)


def gather(container: Container, target: Path, maximum_bytes: int) -> None:
    """Pack the images into `target`/images.zip, byte-identical for identical images.

    They are stored uncompressed, because image files do not compress further.

    Raises
    ------
    UserError
        If there are no images, more bytes than the bound, or a name that is not UTF-8.
    """
    names = image_names(container)
    if not names:
        raise UserError(f"no image files found (known endings: .{', .'.join(_ENDINGS)})")
    total = 0
    with zipfile.ZipFile(target / ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            if any("\ud800" <= letter <= "\udfff" for letter in name):
                raise UserError(f"the name of an image is not UTF-8: {name!r}")
            with container.open(name) as stream:
                content = stream.read(maximum_bytes - total + 1)
            total += len(content)
            if total > maximum_bytes:
                raise UserError(
                    f"the images are larger than download.maximum_bytes ({maximum_bytes:,})"
                )
            # A ZipInfo made by hand has the date 1980, not today's.
            archive.writestr(zipfile.ZipInfo(name), content)


def identities(folder: Path) -> dict[str, str]:
    """One sha256 of the names and contents of all images, equal for any container."""
    digest = hashlib.sha256()
    with open_container(folder / ARCHIVE, 1 << 62) as container:
        for name in image_names(container):
            with container.open(name) as stream:
                digest.update(f"{name} {hashlib.sha256(stream.read()).hexdigest()}\n".encode())
    return {IMAGE: digest.hexdigest()}
