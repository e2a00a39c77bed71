"""Checkpoints: both networks, both optimizers, and the description that rebuilds them.

A checkpoint is a folder:

    checkpoint.json             epoch, step, the networks' description, sha256 of the rest
    generator.safetensors       weights and running statistics
    discriminator.safetensors
    average.safetensors         the generator's moving average, where there is one
    optimizers.safetensors      such as Adam's moments and powers of beta: training can go on

safetensors holds bare arrays: loading one runs no code, whoever made it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor, nn
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from stages.gan import networks
from stages.gan.averaging import Average
from stages.gan.errors import UserError
from stages.gan.files import read_json, sha256, write_json

_ABOUT = "checkpoint.json"
FINAL = "final"


def epoch_name(epoch: int) -> str:
    """The folder name of the checkpoint after that epoch."""
    return f"epoch-{epoch:04d}"


def parts(
    generator: nn.Cell,
    discriminator: nn.Cell,
    optimizers: tuple[nn.Cell, nn.Cell],
    average: Average | None = None,
) -> dict[str, list[Parameter]]:
    """All that training changes, by the name of the file it is kept in."""
    found = {
        "generator": list(generator.get_parameters()),
        "discriminator": list(discriminator.get_parameters()),
        "optimizers": [p for mover in optimizers for p in _optimizer_parameters(mover)],
    }
    if average is not None:
        found["average"] = list(average.averages)
    return found


def values(parameters: Iterable[Parameter]) -> dict[str, NDArray[Any]]:
    """Copies of what parameters hold, by their names."""
    return {p.name: np.array(p.asnumpy(), order="C") for p in parameters}


def put(stored: Mapping[str, NDArray[Any]], parameters: Iterable[Parameter]) -> None:
    """Put values into parameters that no compiled function has used yet."""
    for parameter in parameters:
        parameter.set_data(Tensor(stored[parameter.name]))


def _optimizer_parameters(optimizer: nn.Cell) -> list[Parameter]:
    """What an optimizer learnt: not the weights it updates, nor what params.yaml sets."""
    weights = {parameter.name for parameter in optimizer.parameters}
    return [
        parameter
        for parameter in optimizer.get_parameters()
        if parameter.name not in weights
        and parameter.name.rsplit(".", 1)[-1] not in ("learning_rate", "momentum")
    ]


def save(
    folder: Path,
    description: networks.Description,
    trained: Mapping[str, Iterable[Parameter]],
    epoch: int,
    step: int,
) -> None:
    """Write one checkpoint into a new folder; `trained` is what `parts` gives."""
    folder.mkdir(parents=True)
    hashes = {}
    for name, parameters in trained.items():
        file = folder / f"{name}.safetensors"
        try:
            save_file(values(parameters), file)
        except SafetensorError as error:
            raise UserError(f"{file} cannot be written: {error}") from None
        hashes[file.name] = sha256(file)
    write_json(
        folder / _ABOUT,
        {
            "epoch": epoch,
            "step": step,
            "networks": description.to_json(),
            "sha256": hashes,
        },
    )


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk whose files have been verified.

    `averaged` says whether it holds a moving average of the generator.
    """

    folder: Path
    epoch: int
    step: int
    description: networks.Description
    averaged: bool = False

    def networks(self) -> tuple[nn.Cell, nn.Cell]:
        """Generator and discriminator for use, in evaluation mode.

        The generator has the averaged weights where there are any, else those of the last step.
        """
        generator, discriminator = networks.build(self.description)
        self.restore_networks(generator, discriminator)
        if self.averaged:
            average = Average(generator, decay=0.0)
            self.restore_average(average)
            average.copy_to(generator)
        generator.set_train(False)
        discriminator.set_train(False)
        return generator, discriminator

    def restore_networks(self, generator: nn.Cell, discriminator: nn.Cell) -> None:
        """Put the stored weights into networks that have not been used in a jitted call."""
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            self._restore(name, list(network.get_parameters()))

    def restore_average(self, average: Average) -> None:
        """Put the stored average, where there is one, into one that has not been used yet."""
        if self.averaged:
            self._restore("average", list(average.averages))

    def restore_optimizers(self, optimizers: tuple[nn.Cell, nn.Cell]) -> None:
        """Put the stored moments into optimizers that have not been used yet."""
        learnt = [p for optimizer in optimizers for p in _optimizer_parameters(optimizer)]
        self._restore("optimizers", learnt)

    def _restore(self, part: str, parameters: list[Parameter]) -> None:
        file = self.folder / f"{part}.safetensors"
        try:
            stored = load_file(file)
        except (OSError, SafetensorError) as error:
            raise UserError(f"{file} cannot be read: {error}") from None
        shapes = {p.name: tuple(p.shape) for p in parameters}
        if {name: array.shape for name, array in stored.items()} != shapes:
            wrong = sorted(
                name
                for name in shapes.keys() | stored.keys()
                if name not in stored or name not in shapes or stored[name].shape != shapes[name]
            )
            if part == "optimizers":
                raise UserError(
                    f"{file} does not fit train.optimizer: {wrong[0]} differs (and "
                    f"{len(wrong) - 1} more); valid is the optimizer that the checkpoint was "
                    "trained with"
                )
            raise UserError(
                f"{file} does not fit the networks: {wrong[0]} differs "
                f"(and {len(wrong) - 1} more); its networks are described in {_ABOUT} beside it"
            )
        put(stored, parameters)


def load(folder: Path) -> Checkpoint:
    """Open a checkpoint folder, or the final one of a models folder, and verify its files.

    Raises
    ------
    UserError
        If it is no checkpoint, or a file of it is damaged.
    """
    if not (folder / _ABOUT).is_file() and (folder / FINAL / _ABOUT).is_file():
        folder = folder / FINAL
    if not (folder / _ABOUT).is_file():
        raise UserError(
            f"{folder} is no checkpoint: it should hold {_ABOUT}, or a folder `{FINAL}` that does"
        )
    about = read_json(folder / _ABOUT)
    try:
        epoch, step = int(about["epoch"]), int(about["step"])
        description = networks.Description.from_json(about["networks"])
        hashes = dict(about["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder / _ABOUT} is damaged: {error!r}") from None
    for name, expected in hashes.items():
        file = folder / name
        if not file.is_file():
            raise UserError(f"{file} is missing from the checkpoint")
        if sha256(file) != expected:
            raise UserError(
                f"{file} is damaged: its sha256 is not the one {_ABOUT} holds; "
                "restore it with `dvc checkout`"
            )
    return Checkpoint(folder, epoch, step, description, "average.safetensors" in hashes)
