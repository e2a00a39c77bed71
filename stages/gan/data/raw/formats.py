"""The forms raw data comes in: IDX files, or an archive of images.

Each is a package of three modules, so that a stage depends only on what it uses:
`raw` (what download keeps of a source), `bundled` (the set made here) and `reader` (raw
files to arrays). One format's code is no part of what another format's data depends on.
"""

import importlib
from types import ModuleType

NAMES = ("idx", "images")


def module(name: str, part: str) -> ModuleType:
    """The `raw`, `bundled` or `reader` module of a format.

    Raises
    ------
    ValueError
        If there is no such format.
    """
    if name not in NAMES:
        raise ValueError(f"format {name!r}: choose one of {', '.join(NAMES)}")
    return importlib.import_module(f"stages.gan.data.raw.{name}.{part}")
