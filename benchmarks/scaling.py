"""What more workers would bring: a model of a step, its figures measured, and checked at two.

    python -m benchmarks.scaling mnist [--rounds 8] [--steps 5]

Run in a project's folder with data/<data set>/prepared, on a machine with at least two cores. The
networks are those of the recipe `lecture`. Two workers, each on a core of its own, take turns at
all that is measured, so that a slow moment of the machine meets everything. Prints two tables in
Markdown.

The model of a step of N workers, b images each:

    time = a + c b + (messages) latency + (bytes sent) / bandwidth

a and c come from one process's steps at two sizes of a batch, with batch norm of single operators
as workers have it. A ring over N workers sends 2 (N - 1) messages and 2 (N - 1) / N times the bytes
to add something up, and N - 1 messages to gather something. Latency and bandwidth are MindSpore's
own between two processes of this machine.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mindspore import Tensor

from benchmarks import lecture
from stages.command import guarded
from stages.gan import params
from stages.gan.common import paths
from stages.gan.data import prepared
from stages.gan.layers import BatchNorm
from stages.gan.training import assembly, preparation
from stages.gan.training.processes import job, worker
from stages.gan.training.ranks import exchange, group

_WORKERS = 2
# Of the hosts that are not here: one way through a switch, and 10 Gbit/s.
_WIRE_LATENCY = 50e-6
_WIRE_BANDWIDTH = 1.25e9


@dataclass(frozen=True)
class Measured:
    """What the model is made of: medians of seconds, and sizes.

    `whole` and `half` are a step of one process on one core at the full batch and at half of it,
    with batch norm of single operators; `shipped` is one at the full batch as one process has it,
    `together` one of two workers. `small` and `large` are the time to add up one number, and as
    many as all gradients have.
    """

    batch: int
    gradient_bytes: int
    sums: int
    gathers: int
    shipped: float
    whole: float
    half: float
    together: float
    small: float
    large: float

    @property
    def latency(self) -> float:
        """Seconds a message takes between two processes of this machine."""
        return self.small / 2

    @property
    def bandwidth(self) -> float:
        """Bytes a second; of two workers each sends as many as the gradients have."""
        return self.gradient_bytes / max(self.large - self.small, 1e-9)

    def computing(self, images: float) -> float:
        """Seconds of a step of so many images, without messages; at least what none takes."""
        each = (self.whole - self.half) / (self.batch / 2)
        return max(self.whole - each * self.batch, 0.0) + each * images

    def messages(self, workers: int) -> int:
        """One after another, in a step."""
        return (workers - 1) * (2 * self.sums + self.gathers)

    def step(self, workers: int, images: float, latency: float, bandwidth: float) -> float:
        """Seconds of a step of so many workers with so many images each."""
        if workers == 1:
            return self.shipped
        sent = 2 * (workers - 1) / workers * self.gradient_bytes
        return self.computing(images) + self.messages(workers) * latency + sent / bandwidth


def exchanges(generator, discriminator) -> tuple[int, int]:
    """How many sums and how many gatherings a step of several workers makes.

    A forward pass gathers once at each batch norm, a backward pass adds up once. The generator is
    passed once; the discriminator three times, on real and on fake images and for the generator.
    Then there are both gradients, the means that a step returns, and whether to go on.
    """
    own, theirs = (
        sum(isinstance(cell, BatchNorm) for _, cell in network.cells_and_names())
        for network in (generator, discriminator)
    )
    passes = own + 3 * theirs
    return passes + 4, passes


def _measure(task: Mapping) -> None:
    """As a rank: measure with the other one, and write what came out."""
    if group.is_scheduler():
        worker.be_killed_with_parent()
        group.join(_WORKERS)
        return
    mine = group.join(_WORKERS)
    core = sorted(os.sched_getaffinity(0))[mine.rank]
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    with worker.reporting(mine.rank):
        settings = lecture.settings(task["dataset"])
        data = prepared.load(paths.prepared(task["dataset"]), "train")
        batch = settings.train.batch_size
        link = exchange.Link(mine)
        together = _Steps(settings, data, mine, batch)
        of_gradients = sum(int(p.size) for mover in together.players.optimizers
                           for p in mover.parameters)  # fmt: skip
        many = exchange.Total([(of_gradients,)])
        numbers = Tensor(np.zeros(of_gradients, np.float32))
        alone: dict[str, Callable[[], None]] = {}
        if mine.leads:
            alone = {
                "shipped": _Steps(settings, data, group.ALONE, batch),
                "whole": _Steps(settings, data, group.ALONE, batch, plain=True),
                "half": _Steps(settings, data, group.ALONE, batch // 2, plain=True),
            }
        both: dict[str, Callable[[], None]] = {
            "together": together,
            "small": lambda: _ignore(link.any(False)),
            "large": lambda: _ignore(many((numbers,))[0].asnumpy()),
        }
        taken: dict[str, list[float]] = {}
        for turn in range(task["rounds"] + 1):  # the first compiles
            for name, work in {**alone, **both}.items():
                if name in both:
                    link.any(False)
                for _ in range(task["steps"]):
                    began = time.perf_counter()
                    work()
                    if turn:
                        taken.setdefault(name, []).append(time.perf_counter() - began)
            link.any(False)
        if mine.leads:
            sums, gathers = exchanges(together.players.generator, together.players.discriminator)
            found = Measured(
                batch, 4 * of_gradients, sums, gathers,
                **{name: statistics.median(times) for name, times in taken.items()},
            )  # fmt: skip
            Path(task["file"]).write_text(json.dumps(vars(found)))


def _ignore(_value: object) -> None:
    """Waited for, and not needed."""


class _Steps:
    """One run; each call is one step more."""

    def __init__(
        self,
        settings: params.Dataset,
        data: prepared.Split,
        mine: group.Group,
        batch: int,
        plain: bool = False,
    ) -> None:
        changed = settings.train.model_copy(
            update={"batch_size": batch, "epochs": 10_000, "max_steps": None}
        )
        settings = settings.model_copy(update={"train": changed})
        plan = replace(preparation.plan_of("", changed, len(data), group=mine), watched=False)
        self.players = assembly.assemble(settings, data, 10_000, watched=False, group=mine)
        if plain:
            for network in (self.players.generator, self.players.discriminator):
                _plain(network)
        self._link = exchange.Link(mine)
        # Every call takes it to the next step, in which it waits.
        self._steps = _one_by_one(self.players, data, plan, self._link)

    def __call__(self) -> None:
        next(self._steps)


def _plain(network) -> None:
    for _, cell in network.cells_and_names():
        if isinstance(cell, BatchNorm) and hasattr(cell, "use_plain_operators"):
            cell.use_plain_operators()


def _one_by_one(players, data, plan, link):
    step = plan.first_step
    while True:
        for _ in players.train(data, replace(plan, max_steps=1, first_step=step)):
            link.any(False)
        step += 1
        yield


def tables(found: Measured) -> str:
    """Both tables: what was measured, and what follows."""

    def ms(seconds: float) -> str:
        return f"{seconds * 1000:.1f} ms"

    lines = [
        "| measured | |", "|---|---:|",
        f"| a step of one process on one core, {found.batch} images | {ms(found.shipped)} |",
        f"| the same, batch norm of single operators | {ms(found.whole)} |",
        f"| the same, {found.batch // 2} images | {ms(found.half)} |",
        f"| bytes of both gradients | {found.gradient_bytes:,} |",
        f"| sums and gatherings in a step | {found.sums} and {found.gathers} |",
        f"| to add up one number over two processes | {found.small * 1000:.2f} ms |",
        f"| to add up all gradients | {ms(found.large)}, {found.bandwidth / 1e6:.0f} MB/s |",
        "", "| workers | images each | step, by the model | measured | images a second | "
        "of one worker's |", "|---|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    one = found.batch / found.shipped
    here = (found.latency, found.bandwidth)
    apart = (found.latency + _WIRE_LATENCY, min(found.bandwidth, _WIRE_BANDWIDTH))
    rows = [("1", 1, float(found.batch), here, found.shipped)]
    rows += [("2 on this machine", 2, found.batch / 2, here, found.together)]
    for hosts in (8, 64):
        if found.batch // hosts >= 2:
            rows += [(f"{hosts} hosts, the same batch", hosts, found.batch / hosts, apart, None)]
        rows += [(f"{hosts} hosts, {hosts} times the batch", hosts, found.batch, apart, None)]
    for name, workers, images, (latency, bandwidth), measured in rows:
        seconds = found.step(workers, images, latency, bandwidth)
        speed = workers * images / (measured or seconds)
        lines.append(
            f"| {name} | {images:g} | {ms(seconds)} | {ms(measured) if measured else ''} | "
            f"{speed:,.0f} | {speed / one:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print both tables."""
    if len(sys.argv) == 3 and sys.argv[1] == "rank":
        _measure(json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "measured.json"
        task = {**vars(given), "file": str(file)}
        command = ["-m", __spec__.name, "rank", json.dumps(task)]
        job.run(command, _WORKERS, Path(made), print)
        found = Measured(**json.loads(file.read_text()))
    print(tables(found))


if __name__ == "__main__":
    guarded(main)
