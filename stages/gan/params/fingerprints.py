"""One hash of all that a run's result depends on: its params, its data and the code it uses."""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.gan.common.files import sha256

_PACKAGE = Path(__file__).parents[2]
_LIBRARIES = ("mindspore", "numpy", "scipy", "pillow")


def fingerprint(params: Mapping[str, Any], files: Iterable[Path]) -> str:
    """A hash of params, files and the code in use. Equal hashes mean equal results.

    Call it when all modules have been imported. The order and the contents of the files count;
    their folders do not.

    Parameters
    ----------
    params : mapping
        Values that JSON can hold.
    files : iterable of Path

    Returns
    -------
    str
        64 hex digits.
    """
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode())
    for file in files:
        digest.update(f"\n{file.name} {sha256(file)}".encode())
    for file in code_in_use():
        digest.update(f"\n{file.relative_to(_PACKAGE).as_posix()} {sha256(file)}".encode())
    for library in _LIBRARIES:
        digest.update(f"\n{library} {version(library)}".encode())
    return digest.hexdigest()


def code_in_use() -> list[Path]:
    """The files of this project's modules that have been imported, sorted.

    The C sources of compiled kernels in the same folders are included. Page templates are not,
    because they compute nothing.
    """
    found = set()
    inside: dict[str, bool] = {}  # of the thousands of modules, hundreds share a folder
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not name:
            continue
        folder = os.path.dirname(name)
        if folder not in inside:
            place = Path(folder).resolve()
            inside[folder] = place == _PACKAGE or _PACKAGE in place.parents
        if inside[folder] and _PACKAGE in (file := Path(name).resolve()).parents:
            found.add(file)
    for folder in {file.parent for file in found}:
        found |= {file for file in folder.glob("*") if file.suffix in (".c", ".h")}
    return sorted(found)
