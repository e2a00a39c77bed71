"""What a result may depend on besides params, code and data: versions, and the kind of machine.

Nothing in it names a machine, a user, a folder or a time.
"""

import platform
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import flat

NAME = "environment.json"
_PROJECT = "gan-equilibrium"
_NAME = re.compile("[A-Za-z0-9._-]+")
# The widest vectors of a processor decide in which order sums are taken, and so how they round.
_VECTORS = ("avx512f", "avx2", "avx", "sve", "asimd")
_ABSENT = "not installed"


def describe() -> dict[str, Any]:
    """Python, the processor's kind, whether there is a C compiler, and the packages' versions.

    Raises
    ------
    UserError
        If the project itself has not been installed: its packages are not known then.
    """
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "vectors": _vectors(),
        "c_compiler": bool(shutil.which("cc") or shutil.which("gcc")),
        "packages": _packages(),
    }


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions, a few words each.

    Examples
    --------
    >>> differences({"python": "3.11.7"}, {"python": "3.12.1"})
    ['python 3.11.7, here 3.12.1']
    """
    theirs, ours = flat(there), flat(here)
    return [
        f"{name.removeprefix('packages.')} {theirs.get(name, _ABSENT)}, here "
        f"{ours.get(name, _ABSENT)}"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name, _ABSENT) != ours.get(name, _ABSENT)
    ]


def _packages() -> dict[str, str]:
    try:
        wanted = requires(_PROJECT) or []
    except PackageNotFoundError:
        raise UserError(f"{_PROJECT} is not installed here: run `make setup`") from None
    found = {}
    for requirement in wanted:
        name = _NAME.match(requirement)
        if name and "extra ==" not in requirement:
            try:
                found[name[0].lower()] = version(name[0])
            except PackageNotFoundError:
                found[name[0].lower()] = _ABSENT
    return dict(sorted(found.items()))


def _vectors() -> str:
    try:
        words = set(Path("/proc/cpuinfo").read_text(errors="replace").split())
    except OSError:  # not Linux
        return "unknown"
    return next((kind for kind in _VECTORS if kind in words), "unknown")
