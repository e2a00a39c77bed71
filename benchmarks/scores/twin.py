"""The recipe's networks trained in PyTorch, and left as a checkpoint that `evaluate` can score.

    python -m benchmarks.scores.twin DATASET

Run in a folder with params.yaml and prepared data, in place of the stage `train`. The networks
begin with the very weights that ours begin with, and see the same images and latent codes in the
same order; layers, loss, gradients, Adam and the moving average (EMA) are PyTorch's. (Its Adam adds
epsilon after the correction of the moments and not before, and its cross-entropy cuts logarithms at
-100, not ln 1e-12: neither matters but for gradients near 0 and for logits beyond 17.)

A run that was ended begins anew: it keeps no state.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from mindspore import Tensor, nn

from benchmarks.speed import pytorch
from stages.gan.common import paths
from stages.gan.common.compiled import put
from stages.gan.common.files import whole_folder
from stages.gan.common.yaml_files import flat
from stages.gan.data import prepared
from stages.gan.export.plain import as_plain, layers, take_back
from stages.gan.params import Dataset, load
from stages.gan.trained import checkpoints
from stages.gan.trained.averaging import START
from stages.gan.training import assembly, preparation
from stages.gan.training.loop import train
from stages.tools.collapse import __main__ as collapse

# What MindSpore and PyTorch call the same thing.
_NAMES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# The twin has the recipe's settings but for these, which may be others.
_FREE = {
    "epochs", "max_steps", "learning_rate", "discriminator_learning_rate", "beta1", "beta2",
    "latents", "ema", "seed", "loss", "lecture_log", "on_failure",
}  # fmt: skip
_LOSSES = ("bce", "bce_with_logits")
_ACTIVATIONS = {"generator": "relu", "discriminator": "leaky_relu"}


def refuse_what_it_has_not(params: Dataset) -> None:
    """End if the params ask for more than the recipe."""
    if params.kind.network not in pytorch.KINDS:
        known = " and ".join(pytorch.KINDS)
        raise SystemExit(f"the network is {params.kind.network}: the twin has {known}")
    asked = flat(params.train.model_dump(mode="json"))
    wanted = flat({key: value for key, value in collapse.RECIPE.items() if key not in _FREE})
    wanted |= {f"{player}.activation": name for player, name in _ACTIVATIONS.items()}
    wanted |= {"discriminator.spectral_norm": False, "generator.batch_norm": True}
    wanted |= {"extragradient": "none", "lookahead.every": 0, "r2": 0.0}
    wanted["discriminator.batch_norm"] = params.kind.network != "mlp"
    for key, value in wanted.items():
        if asked[key] != value:
            raise SystemExit(f"train.{key} is {asked[key]!r}: the twin has {value!r}")
    if params.train.loss not in _LOSSES:
        raise SystemExit(f"train.loss is {params.train.loss}: the twin has {' and '.join(_LOSSES)}")


def matched(theirs, plain: nn.Cell) -> Iterator[tuple]:
    """PyTorch's tensors with the parameters of a network of MindSpore's own layers."""
    modules = [m for m in theirs.modules() if any(True for _ in m.parameters(recurse=False))]
    for module, cell in zip(modules, layers(plain), strict=True):
        for name, parameter in cell.parameters_and_names(expand=False):
            short = name.rsplit(".", 1)[-1]
            yield getattr(module, _NAMES.get(short, short)), parameter


def take_over(kind: str, own: nn.Cell, plain: nn.Cell, theirs) -> None:
    """Copy PyTorch's network into `plain`, and `plain` into our own network."""
    for tensor, parameter in matched(theirs, plain):
        parameter.set_data(Tensor(np.array(tensor.detach().numpy(), order="C")))
    take_back(kind, own, plain)


def averaged(generator, decay: float):
    """PyTorch's moving average, with the start-up of `stages.gan.trained.averaging`."""
    from torch.optim.swa_utils import AveragedModel

    def mix(average, weight, before):
        if not average.is_floating_point():  # batch norm counts its batches
            return weight
        kept = min(decay, (1.0 - 1.0 / (int(before) + 1)) ** START)
        return average.lerp(weight, 1.0 - kept)

    return AveragedModel(generator, avg_fn=mix, use_buffers=True)


def run(dataset: str) -> None:
    """Train, and write models/<dataset>/checkpoints/final."""
    import torch

    params = load(paths.PARAMS, dataset)
    refuse_what_it_has_not(params)
    data = prepared.load(paths.prepared(dataset), "train")
    plan = replace(preparation.plan_of(dataset, params.train, len(data)), watched=False)
    total = plan.total_steps(len(data))
    players = assembly.assemble(params, data, total, watched=False)
    ours = players.generator, players.discriminator
    plain = as_plain(players.description, *ours)
    names = "learning_rate", "discriminator_learning_rate", "beta1", "beta2"
    settings = {name: getattr(params.train, name) for name in names}
    problem = SimpleNamespace(**players.description.to_json(), **settings)
    logits = params.train.loss == "bce_with_logits"
    theirs = pytorch.networks(problem, logits=logits, inplace=True)
    for network, source in zip(theirs, plain, strict=True):
        for tensor, parameter in matched(network, source):
            assert tuple(tensor.shape) == parameter.shape
            tensor.data.copy_(torch.from_numpy(parameter.asnumpy().copy()))
    if problem.kind != "mlp":
        theirs = tuple(pytorch.channels_last(network) for network in theirs)
    play = pytorch.step_of(problem, *theirs, plan.batch_size, best=True, logits=logits)
    average = averaged(theirs[0], params.train.ema)

    def step(images, codes):
        values = play(*(torch.from_numpy(tensor.asnumpy().copy()) for tensor in (images, codes)))
        if players.average is not None:
            average.update_parameters(theirs[0])
        # Its probabilities are not looked at.
        return tuple(Tensor(np.float32(value)) for value in (*values, np.nan, np.nan))

    for epoch in train(step, data, plan):
        means = epoch.means()
        print(
            f"epoch {epoch.number}: loss d {means['discriminator_loss']:.4f}, "
            f"loss g {means['generator_loss']:.4f}",
            flush=True,
        )
    if players.average is not None:
        take_over(problem.kind, ours[0], plain[0], average.module)
        for own, kept in zip(ours[0].get_parameters(), players.average.averages, strict=True):
            put(kept, own.asnumpy())
        put(players.average.updates, np.array([int(average.n_averaged)], np.int32))
    for network, cell, own in zip(theirs, plain, ours, strict=True):
        take_over(problem.kind, own, cell, network)
    with whole_folder(paths.models(dataset)) as folder:
        players.save(folder / checkpoints.FINAL, epoch.number, total)


if __name__ == "__main__":
    run(sys.argv[1])
