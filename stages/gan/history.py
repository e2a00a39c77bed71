"""The course of a training run: a row an epoch, and a downsampled row a few steps."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.gan.files import write_csv
from stages.gan.training import MEASURES, Epoch

EPOCHS = "history.csv"
STEPS = "history_steps.csv"
_ROWS = 1000


class History:
    """Collects epochs and writes them when the run is over."""

    def __init__(self) -> None:
        self._epochs: list[tuple[int, int, dict[str, float]]] = []
        self._first_step = 1
        self._measures: list[NDArray[np.float32]] = []

    @property
    def epochs(self) -> int:
        """How many have been added."""
        return len(self._epochs)

    def add(self, epoch: Epoch) -> None:
        """Add one finished epoch."""
        if not self._epochs:
            self._first_step = epoch.first_step
        self._epochs.append((epoch.number, len(epoch.measures), epoch.means()))
        self._measures.append(epoch.measures)

    def last(self, measure: str) -> float:
        """The mean of a measure over the last epoch."""
        return self._epochs[-1][2][measure]

    def write(self, folder: Path) -> None:
        """Write history.csv (means of each epoch) and history_steps.csv.

        The second holds at most 1,000 rows: means over equally many consecutive steps, the
        last row over what is left.
        """
        write_csv(
            folder / EPOCHS,
            ["epoch", "steps", *MEASURES],
            ([number, steps, *means.values()] for number, steps, means in self._epochs),
        )
        measures = np.concatenate(self._measures).astype(np.float64)
        every = -(-len(measures) // _ROWS)
        rows = []
        for start in range(0, len(measures), every):
            block = measures[start : start + every]
            rows.append([self._first_step + start + len(block) - 1, *block.mean(axis=0).tolist()])
        write_csv(folder / STEPS, ["step", *MEASURES], rows)
