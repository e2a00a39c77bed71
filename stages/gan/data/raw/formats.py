"""The formats of raw data: IDX files, or an archive of images.

Each format is a package with three modules, so that a stage depends only on what it uses:
`raw` (the files that download stores), `bundled` (the data set made here) and `reader` (raw files
to arrays). The data of one format does not depend on the code of another format.
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
