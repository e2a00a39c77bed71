"""Packs image files into one archive, because DVC is slow with many small files.

Here is the one list of image formats that are read. Download looks for files with their endings,
and preprocess lets Pillow use just these readers.
"""

import hashlib
import zipfile
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image, features

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.raw import leftovers
from stages.gan.data.raw.archives import Container, open_container

ARCHIVE = "images.zip"
FILES = (ARCHIVE,)
IMAGE = "images"
HASHED = (IMAGE,)
# No other of Pillow's readers may be used: that of PostScript, for example, runs a program, and
# that of TGA takes almost any bytes for an image.
_FORMS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "QOI", "PPM", "AVIF", "JPEG2000")
# A JPEG that holds further images, which the reader of JPEG opens.
_LIKE_JPEG = "MPO"
# A reader of Pillow that needs a library, and the name under which Pillow tells if it is there.
_NEEDED = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}


@cache
def forms() -> tuple[str, ...]:
    """The formats, by Pillow's names, that the installed Pillow can decode."""
    return tuple(form for form in _FORMS if form not in _NEEDED or features.check(_NEEDED[form]))


@cache
def endings() -> tuple[str, ...]:
    """The endings of files in these formats, as Pillow knows them: lower case, without the dot."""
    Image.init()
    read = (*forms(), _LIKE_JPEG)
    known = Image.registered_extensions()
    return tuple(sorted(ending[1:] for ending, form in known.items() if form in read))


def in_words() -> str:
    """The endings, for messages."""
    return f".{', .'.join(endings())}"


def image_names(container: Container) -> list[str]:
    """The image files of a container, sorted; numbered names in the order of their numbers.

    A file is an image if its ending, in any case of letters, is one of `endings`.
    """
    places = {}
    read = frozenset(endings())
    for name in container.names():
        folder, _, last = name.rpartition("/")
        stem, _, ending = last.rpartition(".")
        if stem and ending.lower() in read and not leftovers.is_note(name):
            is_number = stem.isdecimal() and stem.isascii() and len(stem) < 100
            places[name] = "/".join(_parts(folder)), int(stem) if is_number else -1, name
    return sorted(places, key=places.__getitem__)


@lru_cache
def _parts(folder: str) -> tuple[str, ...]:
    return PurePosixPath(folder).parts or (".",)


def gather(
    container: Container, target: Path, maximum_bytes: int, subset: str | None = None
) -> dict[str, Any]:
    """Pack the images into `target`/images.zip, byte-identical for identical images.

    They are stored uncompressed, because image files do not compress further. `subset` is for
    other formats.

    Returns
    -------
    dict
        What else the container holds; see `leftovers.count`.

    Raises
    ------
    UserError
        If there are no images, more bytes than the bound, or a name that is not UTF-8.
    """
    names = image_names(container)
    left = leftovers.count(container, names)
    if not names:
        told = leftovers.lines(left)
        raise UserError(
            "; ".join(
                [_("no image files found (read are {kinds})").format(kinds=in_words()), *told]
            )
        )
    total = 0
    with zipfile.ZipFile(target / ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            if any("\ud800" <= letter <= "\udfff" for letter in name):
                raise UserError(_("the name of an image is not UTF-8: {name!r}").format(name=name))
            with container.open(name) as stream:
                content = stream.read(maximum_bytes - total + 1)
            total += len(content)
            if total > maximum_bytes:
                raise UserError(
                    _(
                        "the images are larger than download.maximum_bytes ({maximum_bytes:,})"
                    ).format(maximum_bytes=maximum_bytes)
                )
            # A ZipInfo made by hand has the date 1980, not today's.
            archive.writestr(zipfile.ZipInfo(name), content)
    return left


def identities(folder: Path) -> dict[str, str]:
    """One sha256 of the names and contents of all images, equal for any container."""
    digest = hashlib.sha256()
    with open_container(folder / ARCHIVE, 1 << 62) as container:
        for name in image_names(container):
            with container.open(name) as stream:
                digest.update(f"{name} {hashlib.sha256(stream.read()).hexdigest()}\n".encode())
    return {IMAGE: digest.hexdigest()}
