"""What watching a run costs: the same steps with and without it, in turn, in one process.

    python -m benchmarks.watching mnist PREPARED [ROUNDS]

PREPARED is a folder of prepared data (data/mnist/prepared). A round is 50 steps of each, as
long as it takes for every kind of look to come round; which one begins changes with the round.
Watched means all of it: the gradients' lengths, the spread of 25 fixed codes' images, the history,
the diagnosis after every step. The run that is built last in a process is slower by some percent,
watched or not, so that all is done in two processes, in both orders. The time spent between the
steps is measured directly too.
"""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from benchmarks import lecture
from stages.gan import params
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.training import assembly, preparation
from stages.gan.training.watch import watch

STEPS = 50


class _Steps:
    """One run, taken on by so many steps at a time."""

    def __init__(self, settings: params.Dataset, data: prepared.Split, watched: bool) -> None:
        plan = preparation.plan_of("", settings.train, len(data))
        self._players = assembly.assemble(settings, data, 10_000, watched=watched)
        size = data.latents.shape[1]
        codes = latent_codes(stream(settings.train.grid_seed, "fixed latents"), 25, size)
        self._watch = watch.begun(settings.train, data, self._players, codes)
        self._data, self._step = data, 1
        self.looking = 0.0
        on_step = self.look if watched else plan.on_step
        self._plan = replace(plan, epochs=10_000, watched=watched, on_step=on_step)

    def look(self, step: int, row: np.ndarray) -> None:
        """What the train stage does after a step, but for the progress bar."""
        began = time.perf_counter()
        assert self._watch.look(step, row) is None
        self.looking += time.perf_counter() - began

    def advance(self, steps: int) -> float:
        """Train so many steps on; milliseconds a step."""
        plan = replace(self._plan, max_steps=steps, first_step=self._step)
        began = time.perf_counter()
        for _ in self._players.train(self._data, plan):
            pass
        self._step += steps
        return (time.perf_counter() - began) / steps * 1000


def in_order(dataset: str, folder: Path, rounds: int, order: list[str]) -> dict[str, float]:
    """Milliseconds a step of both, and of looking, with the runs built in that order."""
    settings = lecture.settings(dataset)
    data = prepared.load(folder, "train")
    runs = {name: _Steps(settings, data, name == "watched") for name in order}
    for steps in runs.values():
        steps.advance(STEPS)  # compiles
    runs["watched"].looking = 0.0
    taken: dict[str, list[float]] = {name: [] for name in order}
    for index in range(rounds):
        for name in order if index % 2 else reversed(order):
            taken[name].append(runs[name].advance(STEPS))
    looking = runs["watched"].looking / (rounds * STEPS) * 1000
    return {"looking": looking, **{name: statistics.mean(taken[name]) for name in order}}


def main() -> None:
    """Print both means and their ratio."""
    dataset, folder = sys.argv[1], Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    if len(sys.argv) > 4:
        print(json.dumps(in_order(dataset, folder, rounds, sys.argv[4].split(","))))
        return
    found = []
    for order in ("plain,watched", "watched,plain"):
        command = [sys.executable, "-m", "benchmarks.watching", dataset, str(folder), str(rounds)]
        output = subprocess.run([*command, order], check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(output.stdout.splitlines()[-1]))
        print(f"{order}: {found[-1]['plain']:.2f} ms a step, watched {found[-1]['watched']:.2f}")
    plain, watched, looking = (
        statistics.mean(run[name] for run in found) for name in ("plain", "watched", "looking")
    )
    print(
        f"{dataset}: {rounds} rounds of {STEPS} steps in both orders: {plain:.2f} ms a step "
        f"without watching, {watched:.2f} with it ({watched / plain - 1:+.2%}); between the steps "
        f"{looking:.3f} ms, {looking / watched:.2%}"
    )


if __name__ == "__main__":
    main()
