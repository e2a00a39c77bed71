"""How far the networks of several workers are from those that one process trains.

    python -m benchmarks.trajectories mnist [faces] [--steps 10 30 100] [--workers 2 4] [--nudge]

Run in a project's folder with data/<data set>/prepared: the same steps of the lecture's recipe, by
one process, by several workers with batch norm's moments of the whole batch, and by several whose
batch norm takes each worker's own. Prints a table in Markdown. With --nudge also by one process
whose generator begins with other last bits: what comes of rounding alone.

A bias that batch norm follows has a gradient of 0 but for rounding, which Adam makes moves of the
learning rate; no image depends on it, as the mean is taken away. Such biases, and the running means
of what they shift, are told apart from all other weights.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from mindspore import Tensor, nn
from numpy.typing import NDArray

from benchmarks import lecture
from stages.command import guarded
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.layers import BatchNorm
from stages.gan.trained import checkpoints
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly, preparation
from stages.gan.training.processes import job, worker
from stages.gan.training.ranks import exchange, group

_LOSSES = "losses"
_IMAGES = "images"
_COUNT = 100
_MOMENTS = {"whole": "the whole batch", "own": "each its own part"}


def trained(
    settings: params.Dataset,
    data: prepared.Split,
    steps: list[int],
    mine: group.Group = group.ALONE,
    synchronised: bool = True,
    nudged: bool = False,
) -> dict[str, NDArray]:
    """All weights and running statistics, the losses and some images after so many steps.

    Parameters
    ----------
    settings : params.Dataset
    data : prepared.Split
    steps : list of int
        When they are looked at, in ascending order; the last ends the run.
    mine : group.Group
    synchronised : bool
        Whether batch norm takes the moments of the whole batch.
    nudged : bool
        Whether every weight of the generator begins as the next larger number.

    Returns
    -------
    dict of "step/name" to array
    """
    changed = settings.train.model_copy(update={"epochs": 10_000, "max_steps": steps[-1]})
    settings = settings.model_copy(update={"train": changed})
    plan = preparation.plan_of("", settings.train, len(data), group=mine)
    players = assembly.assemble(settings, data, steps[-1], group=mine, synchronised=synchronised)
    if nudged:
        for weight in players.generator.trainable_params():
            weight.set_data(Tensor(np.nextafter(weight.asnumpy(), np.float32(np.inf))))
    exchange.Link(mine).share(players.trained)
    codes = latent_codes(stream(1, "fixed latents"), _COUNT, data.latents.shape[1])
    found = {}

    def look(step: int, row: NDArray[np.float32]) -> None:
        if step in steps:
            parts = ("generator", "discriminator")
            values = [checkpoints.values(players.trained[part]) for part in parts]
            images = generate(players.generator, codes)
            for name, array in {**values[0], **values[1], _LOSSES: row[:2].copy(),
                                _IMAGES: images}.items():  # fmt: skip
                found[f"{step}/{name}"] = array

    for _ in players.train(data, replace(plan, on_step=look)):
        pass
    return found


def cancelled(network: nn.Cell) -> set[str]:
    """Names of the biases that a batch norm takes away again, and of its running means."""
    names = set()
    for layer, following in pairwise(network.layers):
        if isinstance(following, BatchNorm) and getattr(layer, "has_bias", False):
            names |= {layer.bias.name, following.moving_mean.name}
    return names


def differences(
    one: dict[str, NDArray], other: dict[str, NDArray], step: int, idle: set[str]
) -> dict[str, float]:
    """The largest differences: of weights that count, of idle ones, of losses and of images.

    `relative` is that of an array to its own largest entry, at most over all arrays.
    """
    found = {"weights": 0.0, "relative": 0.0, "idle": 0.0, _LOSSES: 0.0, _IMAGES: 0.0}
    for key in one:
        at, name = key.split("/")
        if int(at) != step:
            continue
        difference = float(np.abs(one[key].astype(np.float64) - other[key]).max())
        kind = name if name in found else "idle" if name in idle else "weights"
        found[kind] = max(found[kind], difference)
        if kind == "weights" and (largest := float(np.abs(one[key]).max())):
            found["relative"] = max(found["relative"], difference / largest)
    return found


def _rank(task: dict) -> None:
    workers = task["workers"]
    if group.is_scheduler():
        worker.be_killed_with_parent()
        group.join(workers)
        return
    mine = group.join(workers)
    with worker.reporting(mine.rank):
        for dataset in task["datasets"]:
            settings, data = _load(dataset)
            for moments in task["moments"]:
                synchronised = moments == "whole"
                result = trained(settings, data, task["steps"], mine, synchronised)
                if mine.leads:
                    np.savez(Path(task["folder"]) / _name(dataset, workers, moments), **result)


def _name(dataset: str, workers: int, moments: str) -> str:
    return f"{dataset}-{workers}-{moments}.npz"


def _load(dataset: str) -> tuple[params.Dataset, prepared.Split]:
    return lecture.settings(dataset), prepared.load(paths.prepared(dataset), "train")


def main() -> None:
    """Train in all ways, and print the table."""
    if len(sys.argv) == 3 and sys.argv[1] == "rank":
        _rank(json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--moments", nargs="+", choices=_MOMENTS, default=list(_MOMENTS))
    parser.add_argument("--nudge", action="store_true", help="show what rounding alone does")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for workers in given.workers:
            task = {**vars(given), "workers": workers, "folder": made}
            job.run(["-m", __spec__.name, "rank", json.dumps(task)], workers, folder, print)
        print(
            "| compared with one process | batch norm's moments of | steps | weights | relative | "
            "images | losses | biases that batch norm cancels |\n"
            "|---|---|---:|---:|---:|---:|---:|---:|"
        )
        for dataset in given.datasets:
            settings, data = _load(dataset)
            alone = trained(settings, data, given.steps)
            players = assembly.assemble(settings, data, 1)
            idle = cancelled(players.generator) | cancelled(players.discriminator)
            others = {
                (f"{workers} workers", _MOMENTS[moments]): np.load(
                    folder / _name(dataset, workers, moments)
                )
                for workers in given.workers
                for moments in given.moments
            }
            if given.nudge:
                nudged = trained(settings, data, given.steps, nudged=True)
                others["1 process, G's weights moved by a bit", "the whole batch"] = nudged
            for (who, moments), other in others.items():
                for step in given.steps:
                    d = differences(alone, other, step, idle)
                    print(
                        f"| {dataset}, {who} | {moments} | {step} | {d['weights']:.1e} | "
                        f"{d['relative']:.1e} | {d[_IMAGES]:.1e} | {d[_LOSSES]:.1e} | "
                        f"{d['idle']:.1e} |"
                    )


if __name__ == "__main__":
    guarded(main)
