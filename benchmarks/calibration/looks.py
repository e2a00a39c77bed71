"""How images are looked at: by the judge of the pipeline."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stages.gan import judge_files
from stages.gan.quality.measuring import Sample

Look = Callable[[np.ndarray], Sample]


def by(folder: Path) -> Look:
    """The eyes of the judge in that folder.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    loaded = judge_files.load(folder)

    def look(images: np.ndarray) -> Sample:
        seen = loaded.see(images)
        return Sample(seen.features, seen.classes)

    return look
