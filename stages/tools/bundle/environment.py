"""Describes the environment: versions of packages, and the kind of machine.

Results may depend on the environment besides params, code and data. The description names no
machine, user, folder or time.
"""

import platform
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated
from stages.gan.common.yaml_files import flat

NAME = "environment.json"
_PROJECT = "gan-equilibrium"
_NAME = re.compile("[A-Za-z0-9._-]+")
# A processor's widest vectors decide the order of additions, and so how sums round.
_VECTORS = ("avx512f", "avx2", "avx", "sve", "asimd")
_ABSENT = marked("not installed")


def describe() -> dict[str, Any]:
    """The version of Python, the kind of processor, whether there is a C compiler, and packages.

    Raises
    ------
    UserError
        If the project itself is not installed, because then its packages are not known.
    """
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "vectors": vectors(),
        "c_compiler": bool(shutil.which("cc") or shutil.which("gcc")),
        "packages": _packages(),
    }


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The differences between two descriptions, a few words each.

    Examples
    --------
    >>> differences({"python": "3.11.7"}, {"python": "3.12.1"})
    ['python 3.11.7, here 3.12.1']
    """
    theirs, ours = flat(there), flat(here)
    return [
        _("{name} {there}, here {here}").format(
            name=name.removeprefix("packages."),
            there=_shown(theirs.get(name, _ABSENT)),
            here=_shown(ours.get(name, _ABSENT)),
        )
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name, _ABSENT) != ours.get(name, _ABSENT)
    ]


def _shown(value: Any) -> str:
    return translated(value) if value == _ABSENT else str(value)


def _packages() -> dict[str, str]:
    try:
        requirements = requires(_PROJECT) or []
    except PackageNotFoundError:
        raise UserError(
            _("{project} is not installed here: run `make setup`").format(project=_PROJECT)
        ) from None
    found = {}
    for requirement in requirements:
        name = _NAME.match(requirement)
        if name and "extra ==" not in requirement:
            try:
                found[name[0].lower()] = version(name[0])
            except PackageNotFoundError:
                found[name[0].lower()] = _ABSENT
    return dict(sorted(found.items()))


def vectors() -> str:
    """What the processor adds vectors with, the best of _VECTORS, or "unknown"."""
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:  # not Linux
        return "unknown"
    return next((kind for kind in _VECTORS if kind in words), "unknown")
