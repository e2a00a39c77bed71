"""How images are looked at: by the judge of the pipeline."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stages.gan.evaluation.judge import storage
from stages.gan.evaluation.quality.measuring import Sample

Look = Callable[[np.ndarray], Sample]


class Eyes:
    """The eyes of the judge in that folder, and its sha256.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._judge = storage.load(folder)
        self.sha256 = self._judge.sha256

    def __call__(self, images: np.ndarray) -> Sample:
        """Images (N, C, H, W) as it sees them."""
        seen = self._judge.see(images)
        return Sample(seen.features, seen.classes)
