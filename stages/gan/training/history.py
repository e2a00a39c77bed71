"""The history of a training run: one row per epoch, and one downsampled row per few steps."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.files import write_csv
from stages.gan.training.loop import Epoch, means
from stages.gan.training.step import MEANS
from stages.gan.training.step.measures import MEASURES

EPOCHS = "history.csv"
STEPS = "history_steps.csv"
_ROWS = 1000


class History:
    """Collects every step and the means of each epoch, and writes them when the run has ended."""

    def __init__(self) -> None:
        self._epochs: list[tuple[int, int, dict[str, float]]] = []
        self._scores: list[tuple[int, float]] = []
        self._first_step = 1
        # Grows by doubling, so that the last rows can be read without a copy.
        self._table = np.empty((_ROWS, len(MEASURES)), np.float32)
        self._count = 0

    @property
    def epochs(self) -> int:
        """How many epochs have been added."""
        return len(self._epochs)

    @property
    def epoch_numbers(self) -> list[int]:
        """The numbers of the epochs that have been added."""
        return [number for number, *_ in self._epochs]

    @property
    def unfinished(self) -> NDArray[np.float32]:
        """The rows of MEASURES of the steps since the last epoch that was added."""
        return self.recent(self._count - sum(steps for _, steps, _ in self._epochs))

    def __len__(self) -> int:
        """How many steps have been added."""
        return self._count

    @property
    def measures(self) -> NDArray[np.float32]:
        """One row of MEASURES per step."""
        return self._table[: self._count].copy()

    @property
    def first_step(self) -> int:
        """The number of the first step."""
        return self._first_step

    @property
    def last_step(self) -> int:
        """The number of the last step that was added."""
        return self._first_step + self._count - 1

    def recent(self, count: int) -> NDArray[np.float32]:
        """The rows of the last `count` steps, or of all if there are fewer. Do not change them."""
        return self._table[max(0, self._count - count) : self._count]

    def add_step(self, step: int, row: NDArray[np.float32]) -> None:
        """Add one step's row of MEASURES."""
        if self._count == 0:
            self._first_step = step
        if self._count == len(self._table):
            self._table = np.concatenate([self._table, np.empty_like(self._table)])
        self._table[self._count] = row
        self._count += 1

    def add_epoch(self, epoch: Epoch) -> None:
        """Add one finished epoch. Its steps must have been added before."""
        self._epochs.append((epoch.number, len(epoch.measures), epoch.means()))

    def add_score(self, epoch: int, score: float) -> None:
        """Add the quick score of an epoch."""
        self._scores.append((epoch, score))

    def write_scores(self, target: Path) -> None:
        """Write the quick scores, a row an epoch, if there are any."""
        if self._scores:
            write_csv(target, ["epoch", "score"], self._scores)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that was added, as arrays."""
        return {
            "steps": self.measures,
            "first_step": np.array(self._first_step),
            "epochs": np.array([(n, steps) for n, steps, _ in self._epochs]).reshape(-1, 2),
            "epoch_means": np.array(
                [[found[name] for name in MEASURES] for *_, found in self._epochs]
            ).reshape(-1, len(MEASURES)),
            "scores": np.array(self._scores, np.float64).reshape(-1, 2),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Restore what `state` gave. Nothing may have been added yet."""
        self._first_step = int(state["first_step"])
        self._count = len(state["steps"])
        self._table = np.empty((max(self._count, _ROWS), len(MEASURES)), np.float32)
        self._table[: self._count] = state["steps"]
        self._scores = [(int(number), score) for number, score in state["scores"].tolist()]
        self._epochs = [
            (number, steps, dict(zip(MEASURES, found, strict=True)))
            for (number, steps), found in zip(
                state["epochs"].tolist(), state["epoch_means"].tolist(), strict=True
            )
        ]

    def summary(self) -> dict[str, float | None]:
        """The means over the last epoch; None where a mean is not finite.

        Gradients and diversity are measured rarely, so their last value is given instead.
        """
        found = dict(self._epochs[-1][2])
        measures = self._table[: self._count]
        for column in range(len(MEANS), len(MEASURES)):
            taken = measures[~np.isnan(measures[:, column]), column]
            found[MEASURES[column]] = float(taken[-1]) if len(taken) else math.nan
        return {name: value if math.isfinite(value) else None for name, value in found.items()}

    def downsampled(self) -> list[dict[str, float]]:
        """At most 1,000 rows. Each has the means over a block of steps, and its last step's number.

        All blocks are equally long, except that the last one takes the remaining steps.
        """
        measures = self.measures
        every = max(1, -(-len(measures) // _ROWS))
        rows = []
        for start in range(0, len(measures), every):
            block = measures[start : start + every]
            step = self._first_step + start + len(block) - 1
            rows.append({"step": step, **dict(zip(MEASURES, means(block).tolist(), strict=True))})
        return rows

    def write(self, folder: Path) -> list[Path]:
        """Write history.csv (means of each epoch) and history_steps.csv (downsampled).

        A field is `nan` where no step of the row has a measurement: DVC's plots leave such a point
        out, but draw an empty field as 0. The files are returned.
        """
        write_csv(
            folder / EPOCHS,
            ["epoch", "steps", *MEASURES],
            ([number, steps, *found.values()] for number, steps, found in self._epochs),
        )
        write_csv(
            folder / STEPS,
            ["step", *MEASURES],
            ([row.pop("step"), *row.values()] for row in self.downsampled()),
        )
        return [folder / EPOCHS, folder / STEPS]
