"""How far the networks of several workers are from those that one process trains.

    python -m benchmarks.trajectories mnist [faces] [--steps 100] [--workers 2 4]

Run in a project's folder, with its params.yaml and data/<data set>/prepared: the same steps, by one
process, by several workers with batch norm's moments of the whole batch, and by several whose batch
norm takes each worker's own. Prints a table in Markdown.

A bias that batch norm follows has a gradient of 0 but for rounding, which Adam makes moves of the
learning rate; no image depends on it, as the mean is taken away. Such biases, and the running means
of what they shift, are told apart from all other weights.
"""

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages import ranks
from stages.command import guarded
from stages.gan import assembly, checkpoints, exchange, group, params, paths, prepared
from stages.gan.layers import BatchNorm
from stages.gan.randomness import latent_codes, stream
from stages.gan.sampling import generate
from stages.gan.training import train

_LOSSES = "losses"
_IMAGES = "images"
_COUNT = 100
_MOMENTS = {"whole": "the whole batch", "own": "each its own part"}


def trained(
    settings: params.Dataset,
    data: prepared.Split,
    steps: int,
    mine: group.Group = group.ALONE,
    synchronised: bool = True,
) -> dict[str, NDArray]:
    """All weights and running statistics after so many steps, the losses, and some images.

    Parameters
    ----------
    settings : params.Dataset
    data : prepared.Split
    steps : int
    mine : group.Group
    synchronised : bool
        Whether batch norm takes the moments of the whole batch.
    """
    changed = settings.train.model_copy(update={"epochs": 10_000, "max_steps": steps})
    settings = settings.model_copy(update={"train": changed})
    plan = assembly.plan_of("", settings.train, len(data), group=mine)
    players = assembly.assemble(settings, data, steps, group=mine, synchronised=synchronised)
    exchange.Link(mine).share(players.trained)
    measures = [
        epoch.measures for epoch in train(players.step, data, plan, players.discriminator_step)
    ]
    codes = latent_codes(stream(1, "fixed latents"), _COUNT, data.latents.shape[1])
    return {
        **checkpoints.values(players.trained["generator"]),
        **checkpoints.values(players.trained["discriminator"]),
        _LOSSES: np.concatenate(measures)[:, :2],
        _IMAGES: generate(players.generator, codes),
    }


def cancelled(network: nn.Cell) -> set[str]:
    """Names of the biases that a batch norm takes away again, and of its running means."""
    names = set()
    for layer, following in pairwise(network.layers):
        if isinstance(following, BatchNorm) and getattr(layer, "has_bias", False):
            names |= {layer.bias.name, following.moving_mean.name}
    return names


def differences(
    one: dict[str, NDArray], other: dict[str, NDArray], idle: set[str]
) -> dict[str, float]:
    """The largest differences: of weights that count, of idle ones, of losses and of images.

    `relative` is that of an array to its own largest entry, at most over all arrays.
    """
    found = {"weights": 0.0, "relative": 0.0, "idle": 0.0}
    for name in one.keys() - {_LOSSES, _IMAGES}:
        difference = float(np.abs(one[name].astype(np.float64) - other[name]).max())
        if name in idle:
            found["idle"] = max(found["idle"], difference)
            continue
        found["weights"] = max(found["weights"], difference)
        largest = float(np.abs(one[name]).max())
        if largest:
            found["relative"] = max(found["relative"], difference / largest)
    for name in (_LOSSES, _IMAGES):
        found[name] = float(np.abs(one[name].astype(np.float64) - other[name]).max())
    return found


def _rank(task: dict) -> None:
    workers = task["workers"]
    if group.is_scheduler():
        ranks.end_scheduler_with_parent()
        group.join(workers)
        return
    mine = group.join(workers)
    with ranks.reporting(mine.rank):
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
    return params.load(paths.PARAMS, dataset), prepared.load(paths.prepared(dataset), "train")


def main() -> None:
    """Train in all ways, and print the table."""
    if len(sys.argv) == 3 and sys.argv[1] == "rank":
        _rank(json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--moments", nargs="+", choices=_MOMENTS, default=list(_MOMENTS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for workers in given.workers:
            task = {**vars(given), "workers": workers, "folder": made}
            ranks.run(["-m", __spec__.name, "rank", json.dumps(task)], workers, folder, print)
        print(
            f"| {given.steps} steps | batch norm's moments of | weights | relative | images | "
            "losses | biases that batch norm cancels |\n|---|---|---:|---:|---:|---:|---:|"
        )
        for dataset in given.datasets:
            settings, data = _load(dataset)
            alone = trained(settings, data, given.steps)
            players = assembly.assemble(settings, data, 1)
            idle = cancelled(players.generator) | cancelled(players.discriminator)
            for workers in given.workers:
                for moments in given.moments:
                    other = dict(np.load(folder / _name(dataset, workers, moments)))
                    d = differences(alone, other, idle)
                    print(
                        f"| {dataset}, {workers} workers to 1 | "
                        f"{_MOMENTS[moments]} | "
                        f"{d['weights']:.1e} | {d['relative']:.1e} | {d[_IMAGES]:.1e} | "
                        f"{d[_LOSSES]:.1e} | {d['idle']:.1e} |"
                    )


if __name__ == "__main__":
    guarded(main)
