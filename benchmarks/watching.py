"""What watching a run costs: the same steps with and without it, in turn, in one process.

    python -m benchmarks.watching mnist PREPARED [ROUNDS]

PREPARED is a folder of prepared data (data/mnist/prepared). A round is 50 steps of each, as
long as it takes for every kind of look to come round; which of the two begins changes with the
round. Watched means all of it: the gradients' lengths, the spread of 25 fixed codes' images, the
history, the diagnosis after every step.
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from stages.gan import assembly, diagnosis, params, prepared, watching
from stages.gan.history import History
from stages.gan.randomness import latent_codes, stream
from stages.gan.training import train

STEPS = 50


class _Steps:
    """One run, taken on by so many steps at a time."""

    def __init__(self, settings: params.Dataset, data: prepared.Split, watched: bool) -> None:
        plan = assembly.plan_of("", settings.train, len(data))
        self._players = assembly.assemble(settings, data, 10_000, watched=watched)
        self._diagnosis = diagnosis.of_run(settings.train, data, self._players.generator)
        size = data.latents.shape[1]
        codes = latent_codes(stream(settings.train.grid_seed, "fixed latents"), 25, size)
        self._meter = watching.DiversityMeter(self._players.generator, codes)
        self._history = History()
        self._data, self._step = data, 1
        on_step = self.look if watched else plan.on_step
        self._plan = replace(plan, epochs=10_000, watched=watched, on_step=on_step)

    def look(self, step: int, row: np.ndarray) -> None:
        """What the train stage does after a step, but for the progress bar."""
        row[-1] = self._meter.look(step)
        self._history.add_step(step, row)
        assert self._diagnosis.failure(self._history) is None

    def advance(self, steps: int) -> float:
        """Train so many steps on; milliseconds a step."""
        plan = replace(self._plan, max_steps=steps, first_step=self._step)
        began = time.perf_counter()
        for _ in train(self._players.step, self._data, plan):
            pass
        self._step += steps
        return (time.perf_counter() - began) / steps * 1000


def main() -> None:
    """Print both means and their ratio."""
    dataset, folder = sys.argv[1], Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    settings = params.load(Path("params.yaml"), dataset)
    data = prepared.load(folder, "train")
    both = {watched: _Steps(settings, data, watched) for watched in (False, True)}
    for steps in both.values():
        steps.advance(STEPS)  # compiles
    taken: dict[bool, list[float]] = {False: [], True: []}
    for index in range(rounds):
        for watched in (bool(index % 2), not index % 2):
            taken[watched].append(both[watched].advance(STEPS))
    plain, watched = (statistics.mean(taken[key]) for key in (False, True))
    ratios = [b / a for a, b in zip(taken[False], taken[True], strict=True)]
    print(
        f"{dataset}: {rounds} rounds of {STEPS} steps: {plain:.2f} ms a step without watching, "
        f"{watched:.2f} with it: {watched / plain - 1:+.2%} (median of the rounds "
        f"{statistics.median(ratios) - 1:+.2%})"
    )


if __name__ == "__main__":
    main()
