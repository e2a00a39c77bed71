"""Generators and discriminators: one package for each kind of network.

`Kind` says what such a package offers. A kind is imported only when it is asked for, so what
trains the one does not depend on the code of the other. What must be known about a kind without
its code (its name, the memory it needs) is in `stages.gan.params.choices`.
"""

import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

import numpy as np
from mindspore import nn
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from stages.gan.common.errors import UserError
from stages.gan.common.randomness import stream
from stages.gan.layers import make_twice_differentiable, spectral
from stages.gan.params import Activation, choices

KINDS = tuple(choices.NETWORKS)

# What a stored description may say: params.yaml allows no more. A list is JSON's form of a tuple.
_Tuple = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
_Side = Annotated[int, Field(strict=True, ge=1, le=1024)]
_Widths = Annotated[
    tuple[Annotated[int, Field(strict=True, ge=1, le=65536)], ...],
    _Tuple,
    Field(min_length=1, max_length=16),
]
_Slope = Annotated[float, Field(strict=True, ge=0, le=1)]
_Flag = Annotated[bool, Field(strict=True)]


@runtime_checkable
class Kind(Protocol):
    """What a kind of network offers: the names in the package `stages.gan.networks.<kind>`.

    Widths are those of params.yaml, all above 0. An image's shape is (channels, height, width);
    that the kind has no complaint about it (see `choices.Network`) was checked before.
    """

    def Generator(
        self,
        image_shape: Sequence[int],
        latent_size: int,
        widths: Sequence[int],
        activation_name: str,
        slope: float,
        batch_norm: bool,
    ) -> nn.Cell:
        """A Cell from latent codes (N, latent_size) to images (N, C, H, W) in [-1, 1].

        Parameters
        ----------
        widths : sequence of int
            One for each hidden layer.
        activation_name, slope : str, float
            Of the hidden layers; the slope is leaky_relu's.
        batch_norm : bool
            Whether hidden layers are normalised.
        """

    def Discriminator(
        self,
        image_shape: Sequence[int],
        widths: Sequence[int],
        activation_name: str,
        slope: float,
        batch_norm: bool,
        spectral_norm: bool = False,
    ) -> nn.Cell:
        """A Cell from images (N, C, H, W) in [-1, 1] to logits (N, 1), without a sigmoid.

        It has an attribute `rows_are_independent`: whether an image's logit depends on that image
        alone, so that real and generated images may share a batch. With `spectral_norm` each
        weight's layer is wrapped in `layers.spectral.SpectralNorm`.
        """

    def initialise(self, network: nn.Cell, generator: np.random.Generator) -> None:
        """Draw all weights of one of these two from a random generator, in a fixed order.

        It is called before the network is first used in a jitted function.
        """

    def generator_weights(
        self, image_shape: Sequence[int], latent_size: int, widths: Sequence[int]
    ) -> int:
        """How many weights the matrices of a Generator have, without building one."""

    def discriminator_weights(self, image_shape: Sequence[int], widths: Sequence[int]) -> int:
        """How many weights the matrices of a Discriminator have, without building one."""

    def remark(self) -> str:
        """How these layers run on this machine, for the log; "" if there is nothing to say."""


@dataclass(frozen=True)
class Description:
    """All that is needed to build both networks; it is stored beside their weights.

    `image_shape` is (channels, height, width).
    """

    kind: str
    image_shape: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=1, le=3)], _Side, _Side], _Tuple
    ]
    latent_size: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    generator_widths: _Widths
    generator_activation: Activation
    generator_slope: _Slope
    generator_batch_norm: _Flag
    discriminator_widths: _Widths
    discriminator_activation: Activation
    discriminator_slope: _Slope
    discriminator_batch_norm: _Flag
    discriminator_spectral_norm: _Flag = False

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Description":
        """The inverse of `to_json`, for content that is not trusted.

        Raises
        ------
        UserError
            If a key is missing or unknown, or a value is none that params.yaml allows.
        """
        try:
            description = _ADAPTER.validate_python(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])[:80]
            raise UserError(
                f"the network's description does not fit: {place or 'it'}: {first['msg']}"
            ) from None
        if description.kind not in KINDS:
            raise UserError(
                f"the network's description does not fit: kind is {description.kind[:80]!r}, "
                f"valid is {' | '.join(KINDS)}"
            )
        if complaint := choices.network(description.kind).complaint(
            description.image_shape,
            description.generator_widths,
            description.discriminator_widths,
        ):
            raise UserError(f"the network's description does not fit: {complaint}")
        return description

    def weights(self) -> dict[str, int]:
        """How many weights the layers' matrices have in `generator` and in `discriminator`.

        To be known before they are built.

        Raises
        ------
        ValueError
            If there is no such kind of network.
        """
        module = _module(self.kind)
        return {
            "generator": module.generator_weights(
                self.image_shape, self.latent_size, self.generator_widths
            ),
            "discriminator": module.discriminator_weights(
                self.image_shape, self.discriminator_widths
            ),
        }


_ADAPTER = TypeAdapter(Description)


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


def _module(kind: str) -> Kind:
    choices.network(kind)
    return cast(Kind, importlib.import_module(f"stages.gan.networks.{kind}"))
