"""Reads DVC's cache without DVC: finds and checks objects, and lists the files of folders."""

import json
from pathlib import Path

from stages.command.recorded import FOLDER, folder_name
from stages.gan.common.files import md5


def is_folder(name: str) -> bool:
    """Whether the object with this name is the list of a folder's files."""
    return name.endswith(FOLDER)


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
            return md5(file) == name.removesuffix(FOLDER)
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
