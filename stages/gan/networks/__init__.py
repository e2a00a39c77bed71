"""Generators and discriminators: one package for each kind of network.

A kind is imported only when it is asked for, so what trains the one does not depend on the
code of the other.
"""

import importlib
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from mindspore import nn

from stages.gan import spectral
from stages.gan.errors import UserError
from stages.gan.layers import make_twice_differentiable
from stages.gan.randomness import stream

KINDS = ("mlp", "dcgan")


@dataclass(frozen=True)
class Description:
    """All that is needed to build both networks; it is stored beside their weights.

    `image_shape` is (channels, height, width).
    """

    kind: str
    image_shape: tuple[int, int, int]
    latent_size: int
    generator_widths: tuple[int, ...]
    generator_activation: str
    generator_slope: float
    generator_batch_norm: bool
    discriminator_widths: tuple[int, ...]
    discriminator_activation: str
    discriminator_slope: float
    discriminator_batch_norm: bool
    discriminator_spectral_norm: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Description":
        """The inverse of `to_json`.

        Raises
        ------
        UserError
            If a key is missing or unknown.
        """
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in content.items()
        }
        try:
            return cls(**values)
        except TypeError as error:
            raise UserError(f"the network's description does not fit: {error}") from None


def build(
    description: Description, seed: int = 0, twice_differentiable: bool = False
) -> tuple[nn.Cell, nn.Cell]:
    """Generator and discriminator with freshly drawn weights, in training mode.

    Parameters of the generator are named `generator.*`, the discriminator's
    `discriminator.*`. `twice_differentiable` builds the discriminator of operators whose
    gradient has a gradient: slower, and needed just for penalties on it (see regularisers).

    Raises
    ------
    ValueError
        If there is no such kind of network.
    """
    module = _module(description.kind)
    generator = module.Generator(
        description.image_shape,
        description.latent_size,
        description.generator_widths,
        description.generator_activation,
        description.generator_slope,
        description.generator_batch_norm,
    )
    discriminator = module.Discriminator(
        description.image_shape,
        description.discriminator_widths,
        description.discriminator_activation,
        description.discriminator_slope,
        description.discriminator_batch_norm,
        description.discriminator_spectral_norm,
    )
    if twice_differentiable:
        make_twice_differentiable(discriminator)
    for position, (name, network) in enumerate(
        (("generator", generator), ("discriminator", discriminator))
    ):
        module.initialise(network, stream(seed, "weights", position))
        network.update_parameters_name(f"{name}.")
        network.set_train()
    for position, layer in enumerate(spectral.layers(discriminator)):
        layer.start(stream(seed, "spectral norm", position))
    return generator, discriminator


def remark(kind: str) -> str:
    """How the layers of that kind run on this machine, for the log; "" if all run the same.

    Raises
    ------
    ValueError
        If there is no such kind of network.
    """
    return _module(kind).remark()


def _module(kind: str) -> ModuleType:
    if kind not in KINDS:
        raise ValueError(f"network {kind!r}: choose one of {', '.join(KINDS)}")
    return importlib.import_module(f"stages.gan.networks.{kind}")
