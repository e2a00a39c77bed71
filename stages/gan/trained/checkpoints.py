"""Checkpoints: both networks, both optimizers, and the description that rebuilds them.

A checkpoint is a folder:

    checkpoint.json             epoch, step, the networks' description, checksums (see manifest)
    generator.safetensors       weights and running statistics
    discriminator.safetensors
    average.safetensors         the generator's moving average (EMA), if there is one, and its age
    optimizers.safetensors      such as Adam's moments and powers of beta, to continue training

safetensors files hold only arrays: loading an untrusted file runs no code.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from stages.gan import networks
from stages.gan.common import compiled
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.trained import manifest, states
from stages.gan.trained.averaging import Average

FINAL = "final"


def epoch_name(epoch: int) -> str:
    """The folder name of the checkpoint after an epoch."""
    return f"epoch-{epoch:04d}"


def parts(
    generator: nn.Cell,
    discriminator: nn.Cell,
    optimizers: tuple[nn.Cell, nn.Cell],
    average: Average | None = None,
) -> dict[str, list[Parameter]]:
    """All parameters that training changes, by the name of the file that stores them."""
    found = {
        "generator": list(generator.get_parameters()),
        "discriminator": list(discriminator.get_parameters()),
        "optimizers": [p for mover in optimizers for p in _optimizer_parameters(mover)],
    }
    if average is not None:
        found["average"] = average.state
    return found


def values(parameters: Iterable[Parameter], copied: bool = True) -> dict[str, NDArray[Any]]:
    """Copies of the parameters' values, by their names.

    Without copies the arrays may be in the parameters' own memory: they are to be written at once.

    Raises
    ------
    ValueError
        If two parameters have one name: only one of them could be stored.
    """
    found: dict[str, NDArray[Any]] = {}
    for parameter in parameters:
        if parameter.name in found:
            raise ValueError(f"two parameters are called {parameter.name}: valid is one of a name")
        taken = parameter.asnumpy()
        found[parameter.name] = np.array(taken, order="C") if copied else taken
    return found


def put(stored: Mapping[str, NDArray[Any]], parameters: Iterable[Parameter]) -> None:
    """Put values into parameters that no compiled function has used yet."""
    for parameter in parameters:
        compiled.put(parameter, stored[parameter.name])


def _optimizer_parameters(optimizer: nn.Cell) -> list[Parameter]:
    """An optimizer's own state, without the network's weights and the settings of params.yaml.

    A moving beta2 follows from the number of steps, and `before` is written before it is read.
    """
    weights = {parameter.name for parameter in optimizer.parameters}
    return [
        parameter
        for parameter in optimizer.get_parameters()
        if parameter.name not in weights
        and parameter.name.rsplit(".", 1)[-1] not in ("learning_rate", "momentum", "beta2")
        and "_optimizer_before." not in parameter.name
    ]


def save(
    folder: Path,
    description: networks.Description,
    trained: Mapping[str, Iterable[Parameter]],
    epoch: int,
    step: int,
) -> None:
    """Write one checkpoint into a new folder; `trained` is the result of `parts`."""
    folder.mkdir(parents=True)
    for name, parameters in trained.items():
        _write(folder / f"{name}.safetensors", parameters)
    manifest.write(folder, epoch, step, description.to_json())


def _write(file: Path, parameters: Iterable[Parameter]) -> None:
    # Not safetensors' save_file: the file would be for its owner only, whatever the umask.
    try:
        with file.open("wb") as opened:
            opened.writelines(states.blocks(values(parameters, copied=False)))
    except OSError as error:
        raise UserError(
            _("{file} cannot be written: {reason}").format(file=file, reason=error.strerror)
        ) from None


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk whose files have been verified.

    `averaged` says whether it contains a moving average (EMA) of the generator.
    """

    folder: Path
    epoch: int
    step: int
    description: networks.Description
    averaged: bool = False

    def check_images(self, shape: tuple[int, ...]) -> None:
        """Raise UserError if the networks are for images of another (channels, height, width)."""
        if self.description.image_shape != shape:
            raise UserError(
                _(
                    "{folder} holds networks for images {own}, but the prepared images are "
                    "{shape} (channels, height, width): run `dvc repro`"
                ).format(folder=self.folder, own=self.description.image_shape, shape=shape)
            )

    def networks(self) -> tuple[nn.Cell, nn.Cell]:
        """Generator and discriminator for use, in evaluation mode.

        The generator has the averaged weights, if there are any; if not, those of the last step.
        """
        generator, discriminator = networks.build(self.description)
        self.restore_networks(generator, discriminator)
        if self.averaged:
            average = Average(generator)
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
        """Put the stored average, if there is one, into an average that has not been used yet.

        Files of an earlier version have no count of updates, because the average had no start-up.
        Their average can be used; in training the first update replaces it.
        """
        if self.averaged:
            self._restore("average", average.state, may_lack=average.updates)

    def copy_with(self, average: Average, folder: Path) -> None:
        """Write a copy of this checkpoint with another average into an existing empty folder."""
        for part in manifest.ALWAYS:
            shutil.copyfile(self.folder / part, folder / part)
        _write(folder / manifest.AVERAGE, average.state)
        manifest.write(folder, self.epoch, self.step, self.description.to_json())

    def restore_optimizers(self, optimizers: tuple[nn.Cell, nn.Cell]) -> None:
        """Put the stored moments into optimizers that have not been used yet."""
        learnt = [p for optimizer in optimizers for p in _optimizer_parameters(optimizer)]
        self._restore("optimizers", learnt)

    def _restore(
        self, part: str, parameters: list[Parameter], may_lack: Parameter | None = None
    ) -> None:
        file = self.folder / f"{part}.safetensors"
        ours = {p.name: _form(p.shape, ms.dtype_to_nptype(p.dtype)) for p in parameters}
        try:
            with safe_open(file, framework="numpy") as stored:
                slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118
                theirs = {name: (s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()}
                if may_lack is not None and may_lack.name not in theirs:
                    parameters = [p for p in parameters if p is not may_lack]
                    del ours[may_lack.name]
                wrong = sorted(
                    name
                    for name in ours.keys() | theirs.keys()
                    if ours.get(name) != theirs.get(name)
                )
                if wrong:
                    self._refuse(file, part, wrong)
                for parameter in parameters:
                    compiled.put(parameter, stored.get_tensor(parameter.name))
        except (OSError, SafetensorError) as error:
            raise UserError(
                _("{file} cannot be read: {error}").format(file=file, error=error)
            ) from None

    def _refuse(self, file: Path, part: str, wrong: list[str]) -> None:
        differing = _("{name} differs (and {count} more)").format(
            name=wrong[0], count=len(wrong) - 1
        )
        if part == "optimizers":
            raise UserError(
                _(
                    "{file} does not fit train.optimizer: {differing}; valid is the "
                    "optimizer that the checkpoint was trained with"
                ).format(file=file, differing=differing)
            )
        raise UserError(
            _(
                "{file} does not fit the networks: {differing}; {manifest} in the same "
                "folder describes its networks"
            ).format(file=file, differing=differing, manifest=manifest.NAME)
        )


def _form(shape: Any, kind: Any) -> tuple[str, tuple[int, ...]]:
    """Type and shape in safetensors' terms: F32 for float32."""
    kind = np.dtype(kind)
    return f"{kind.kind.upper()}{8 * kind.itemsize}", tuple(shape)


def load(folder: Path) -> Checkpoint:
    """Open a checkpoint folder, or the final checkpoint of a models folder, and verify its files.

    Raises
    ------
    UserError
        If the folder is no checkpoint, or one of its files is damaged.
    """
    if not (folder / manifest.NAME).is_file() and (folder / FINAL / manifest.NAME).is_file():
        folder = folder / FINAL
    if not (folder / manifest.NAME).is_file():
        raise UserError(
            _(
                "{folder} is no checkpoint: it should hold {manifest}, or a folder "
                "`{final}` with that file"
            ).format(folder=folder, manifest=manifest.NAME, final=FINAL)
        )
    about = manifest.read(folder)
    try:
        description = networks.Description.from_json(about.networks)
    except UserError as error:
        raise UserError(
            _("{file} is damaged: {error}").format(file=folder / manifest.NAME, error=error)
        ) from None
    for file, reason in manifest.damages(folder, about).items():
        raise UserError(
            _("{file} {reason}: remove it and run `dvc checkout`").format(file=file, reason=reason)
        )
    # Networks are built before their weights are read. A false description must not fill memory.
    for part, count in description.weights().items():
        file = folder / f"{part}.safetensors"
        if 4 * count > file.stat().st_size:
            raise UserError(
                _(
                    "{file} does not fit the networks: by {manifest} the {part} has "
                    "{count:,} weights, more than {size:,} bytes can hold"
                ).format(
                    file=file,
                    manifest=manifest.NAME,
                    part=part,
                    count=count,
                    size=file.stat().st_size,
                )
            )
    averaged = manifest.AVERAGE in about.sha256
    return Checkpoint(folder, about.epoch, about.step, description, averaged)
