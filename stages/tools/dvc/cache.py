"""Reads DVC's cache without DVC: finds and checks objects, and lists the files of folders."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from stages.gan.common.files import md5

_FOLDER = ".dir"


def is_folder(name: str) -> bool:
    """Whether the object with this name is the list of a folder's files."""
    return name.endswith(_FOLDER)


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
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + _FOLDER


def name_of(files: Mapping[str, str]) -> str:
    """The name that DVC gives an out or dependency: `folder_name`, or the md5 of a single file.

    Parameters
    ----------
    files : path within the folder to md5; the path is "" for a single file
    """
    return files[""] if "" in files else folder_name(files)


class Cache:
    """The cache of DVC 3; `folder` is its `files/md5`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def object(self, name: str) -> Path:
        """The path of an object in the cache; the object may be missing."""
        return self.folder / name[:2] / name[2:]

    def is_sound(self, name: str) -> bool | None:
        """Whether an object's content has the md5 in its name; None if the object is missing."""
        file = self.object(name)
        if not file.is_file():
            return None
        try:
            return md5(file) == name.removesuffix(_FOLDER)
        except OSError:
            return False

    def files(self, name: str) -> dict[str, str] | None:
        """Path to md5 of each file in a folder; None if the folder's list is missing or damaged."""
        if not self.is_sound(name):
            return None
        try:
            listing = json.loads(self.object(name).read_bytes())
            found = {entry["relpath"]: entry["md5"] for entry in listing}
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return found if folder_name(found) == name else None
