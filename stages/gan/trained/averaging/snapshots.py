"""Snapshots of two averages of G, from which an average of any length is made after the run.

A run stores them beside its checkpoints:

    averages/<updates>.state    both averages after so many updates, a state file (see states)

The averages are power function averages of two lengths (see profiles). The average of another
length is nearly a sum of stored ones with certain factors (Karras et al. 2024, arXiv 2312.02696,
section 3.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Parameter, nn
from numpy.typing import NDArray

from stages.gan import networks
from stages.gan.common.compiled import put
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.trained import states
from stages.gan.trained.averaging import Average, profiles
from stages.gan.trained.checkpoints import Checkpoint

FOLDER = "averages"
# As in the paper.
LENGTHS = (0.05, 0.10)
# A run updates both averages so many times or up to twice as many. An update costs a fifth of a
# step of the MLP GAN, and the shorter average still covers more than 50 of them.
UPDATES = 500


class Recorder:
    """Updates both averages during a run, and stores them.

    Updates are counted from the first step of this run, also if it begins with a checkpoint. They
    are evenly spaced and end with the last step, after which the last snapshot is stored. Training
    itself does not change.

    Parameters
    ----------
    generator : nn.Cell
    steps : int
        Steps of the run, 1 or more.
    count : int
        The number of snapshots, 1 or more. It is smaller if the run is too short.
    """

    def __init__(self, generator: nn.Cell, steps: int, count: int) -> None:
        self._every = max(1, steps // UPDATES)
        self._first = (steps - 1) % self._every + 1
        updates = self._updates(steps)
        self._due = {max(1, round(updates * part / count)) for part in range(1, count + 1)}
        self._averages = {
            length: Average(generator, power=profiles.gamma(length) + 1, prefix=f"average_{length}")
            for length in LENGTHS
        }
        self._update = [average.compiled() for average in self._averages.values()]

    @property
    def state(self) -> list[Parameter]:
        """All that an update changes."""
        return [parameter for average in self._averages.values() for parameter in average.state]

    def follow(self, step: int) -> None:
        """Update both averages, if an update is due after this step of the run, from 1 on."""
        if self._has_update(step):
            for update in self._update:
                update()

    def is_due(self, step: int) -> bool:
        """Whether a snapshot is stored after this step of the run."""
        return self._has_update(step) and self._updates(step) in self._due

    def save(self, checkpoints: Path, step: int, position: int) -> None:
        """Store a snapshot.

        Parameters
        ----------
        checkpoints : Path
            The folder of the run's checkpoints.
        step : int
            The step of this run, from 1 on.
        position : int
            The number of the same step in checkpoints; it counts on from the starting checkpoint.
        """
        updates = self._updates(step)
        arrays = {
            f"{length}/{weight.name}": value.asnumpy()
            for length, average in self._averages.items()
            for weight, value in zip(average.weights, average.averages, strict=True)
        }
        about = {"step": position, "updates": updates, "lengths": list(LENGTHS)}
        states.write(checkpoints / FOLDER / f"{updates:08d}.state", arrays, about)

    def _has_update(self, step: int) -> bool:
        return (step - self._first) % self._every == 0

    def _updates(self, step: int) -> int:
        """The number of updates up to a step that has one."""
        return (step - self._first) // self._every + 1


@dataclass(frozen=True)
class Combined:
    """An average that was made from snapshots.

    Parameters
    ----------
    length : float
    weights : mapping
        Names of the generator's parameters to their values, float32.
    error : float
        See `profiles.combination`.
    """

    length: float
    weights: Mapping[str, NDArray[np.float32]]
    error: float

    def put_into(self, generator: nn.Cell) -> None:
        """Put the weights into a generator that no compiled function has used."""
        for parameter in generator.get_parameters():
            put(parameter, self.weights[parameter.name])

    def as_average(self, checkpoint: Checkpoint) -> Average:
        """The same as the moving average of a checkpoint; it is as old as the checkpoint."""
        generator, _discriminator = networks.build(checkpoint.description)
        self.put_into(generator)
        average = Average(generator)
        put(average.updates, np.array([checkpoint.step], np.int32))
        return average


def combine(checkpoint: Checkpoint, lengths: Sequence[float]) -> list[Combined]:
    """Averages of any lengths, at the step of a checkpoint, from the snapshots of its run.

    Raises
    ------
    UserError
        If a length is out of range, if there are no snapshots up to the checkpoint's step, or if
        one is damaged or of other networks.
    """
    exponents = [profiles.gamma(length) for length in lengths]
    stored = list(_snapshots(checkpoint))
    times = np.array([updates for updates, _ in stored for _ in LENGTHS], np.float64)
    own = np.array([profiles.gamma(length) for _ in stored for length in LENGTHS])
    solved = [profiles.combination(times, own, times[-1], exponent) for exponent in exponents]
    generator, _discriminator = networks.build(checkpoint.description)
    shapes = {parameter.name: tuple(parameter.shape) for parameter in generator.get_parameters()}
    sums = [{name: np.zeros(shape) for name, shape in shapes.items()} for _ in lengths]
    for place, (_updates, file) in enumerate(stored):
        arrays, _about = states.read(file)
        for inner, length in enumerate(LENGTHS):
            for name, shape in shapes.items():
                array = arrays.get(f"{length}/{name}")
                if array is None or array.shape != shape or array.dtype != np.float32:
                    raise UserError(
                        _("{file} does not fit the networks: {length}/{name} differs").format(
                            file=file, length=length, name=name
                        )
                    )
                for (factors, _error), total in zip(solved, sums, strict=True):
                    total[name] += factors[place * len(LENGTHS) + inner] * array
    return [
        Combined(length, {name: _as_weight(name, value) for name, value in total.items()}, error)
        for length, total, (_factors, error) in zip(lengths, sums, solved, strict=True)
    ]


def _snapshots(checkpoint: Checkpoint) -> list[tuple[int, Path]]:
    """The snapshots of a checkpoint's run up to its step: their updates and files, in order."""
    folder = checkpoint.folder.parent / FOLDER
    files = sorted(folder.glob("*.state"))
    if not files:
        raise UserError(
            _(
                "{folder} has no snapshot: only a run with train.average_snapshots of 1 or "
                "more stores them"
            ).format(folder=folder)
        )
    found, steps = [], []
    for file in files:
        _arrays, about = states.read(file)
        if not _is_valid(about):
            raise UserError(
                _("{file} is no snapshot of averages of the lengths {lengths}").format(
                    file=file, lengths=LENGTHS
                )
            )
        steps.append(about["step"])
        if about["step"] <= checkpoint.step:
            found.append((about["updates"], file))
    if checkpoint.step not in steps:
        raise UserError(
            _(
                "{folder} has no snapshot at step {step} of {checkpoint}: valid are "
                "checkpoints after the steps {steps}"
            ).format(
                folder=folder,
                step=checkpoint.step,
                checkpoint=checkpoint.folder,
                steps=", ".join(map(str, steps)),
            )
        )
    return found


def _is_valid(about: Mapping[str, Any]) -> bool:
    numbers = about.get("step"), about.get("updates")
    return all(isinstance(number, int) and number > 0 for number in numbers) and about.get(
        "lengths"
    ) == list(LENGTHS)


def _as_weight(name: str, value: NDArray[np.float64]) -> NDArray[np.float32]:
    # Factors below 0 could make the running variance of a dead unit a little negative.
    positive = np.maximum(value, 0.0) if name.endswith("moving_variance") else value
    return positive.astype(np.float32)
