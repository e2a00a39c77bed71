"""The recipe's networks trained in PyTorch, and left as a checkpoint that `evaluate` can score.

    python -m benchmarks.scores.twin DATASET

Run in a folder with params.yaml and prepared data, in place of the stage `train`. The networks
begin with the very weights that ours begin with, and see the same images and latent codes in the
same order; layers, gradients and Adam are PyTorch's.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from mindspore import Tensor, nn

from benchmarks.speed import pytorch
from benchmarks.speed.plain import as_plain, layers, take_back
from stages.gan import assembly, checkpoints, paths, prepared
from stages.gan.params import Dataset, load
from stages.gan.training import train

# What MindSpore and PyTorch call the same thing.
_NAMES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Of the settings, those that the twin has too; of all others it has what the recipe has.
_RECIPE = {
    "discriminator_learning_rate": None,
    "optimizer": "adam",
    "discriminator_steps": 1,
    "instance_noise": 0.0,
    "augmentation": [],
    "r1": 0.0,
    "ema": 0.0,
    "loss": "bce",
    "init_from": None,
}


def refuse_what_it_has_not(params: Dataset) -> None:
    """End if the params ask for more than the recipe."""
    for key, value in _RECIPE.items():
        if getattr(params.train, key) != value:
            raise SystemExit(f"train.{key} is {getattr(params.train, key)!r}: the twin has {value}")


def matched(theirs, plain: nn.Cell) -> Iterator[tuple]:
    """PyTorch's tensors with the parameters of a network of MindSpore's own layers."""
    modules = [m for m in theirs.modules() if any(True for _ in m.parameters(recurse=False))]
    for module, cell in zip(modules, layers(plain), strict=True):
        for name, parameter in cell.parameters_and_names(expand=False):
            short = name.rsplit(".", 1)[-1]
            yield getattr(module, _NAMES.get(short, short)), parameter


def run(dataset: str) -> None:
    """Train, and write models/<dataset>/final."""
    import torch

    params = load(paths.PARAMS, dataset)
    refuse_what_it_has_not(params)
    data = prepared.load(paths.prepared(dataset), "train")
    plan = replace(assembly.plan_of(dataset, params.train, len(data)), watched=False)
    total = plan.total_steps(len(data))
    players = assembly.assemble(params, data, total, watched=False)
    ours = players.generator, players.discriminator
    plain = as_plain(players.description, *ours)
    settings = {key: getattr(params.train, key) for key in ("learning_rate", "beta1", "beta2")}
    problem = SimpleNamespace(**players.description.to_json(), **settings)
    theirs = pytorch.networks(problem, logits=True, inplace=True)
    for network, source in zip(theirs, plain, strict=True):
        for tensor, parameter in matched(network, source):
            assert tuple(tensor.shape) == parameter.shape
            tensor.data.copy_(torch.from_numpy(parameter.asnumpy().copy()))
    if problem.kind == "dcgan":
        theirs = tuple(pytorch.channels_last(network) for network in theirs)
    play = pytorch.step_of(problem, *theirs, plan.batch_size, best=True)

    def step(images, codes):
        values = play(*(torch.from_numpy(tensor.asnumpy().copy()) for tensor in (images, codes)))
        # Its probabilities are not looked at.
        return tuple(Tensor(np.float32(value)) for value in (*values, np.nan, np.nan))

    for epoch in train(step, data, plan):
        means = epoch.means()
        print(
            f"epoch {epoch.number}: loss d {means['discriminator_loss']:.4f}, "
            f"loss g {means['generator_loss']:.4f}",
            flush=True,
        )
    for network, cell, own in zip(theirs, plain, ours, strict=True):
        for tensor, parameter in matched(network, cell):
            parameter.set_data(Tensor(np.array(tensor.detach().numpy(), order="C")))
        take_back(own, cell)
    folder = paths.models(dataset) / checkpoints.FINAL
    players.save(folder, epoch.number, total)


if __name__ == "__main__":
    run(sys.argv[1])
