"""Generators and discriminators: one package for each kind of network.

`Kind` says what such a package offers. A kind is imported only when it is used, so training one
kind does not depend on the code of another kind. Facts that are needed without this code (name,
memory) are in `stages.gan.params.choices`.
"""

import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

import numpy as np
from mindspore import nn
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.layers import make_twice_differentiable, spectral
from stages.gan.params import Activation, choices

KINDS = tuple(choices.NETWORKS)

# A stored description allows the same values as params.yaml. JSON has lists in place of tuples.
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

    Widths come from params.yaml and are above 0. An image's shape is (channels, height, width). It
    has been checked before that the kind can be built (see `complaint` in `choices.Network`).
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
            One width for each hidden layer.
        activation_name, slope : str, float
            The activation of the hidden layers, and the slope of leaky_relu.
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

        Its attribute `rows_are_independent` says whether an image's logit depends on that image
        only. Then real and generated images may share a batch. With `spectral_norm` each layer
        with a weight is wrapped in `layers.spectral.SpectralNorm`.
        """

    def initialise(self, network: nn.Cell, generator: np.random.Generator) -> None:
        """Draw all weights of a Generator or Discriminator, in a fixed order.

        It is called before the network is first used in a jitted function.
        """

    def generator_weights(
        self, image_shape: Sequence[int], latent_size: int, widths: Sequence[int]
    ) -> int:
        """How many weights the matrices of a Generator have, without building one."""

    def discriminator_weights(self, image_shape: Sequence[int], widths: Sequence[int]) -> int:
        """How many weights the matrices of a Discriminator have, without building one."""

    def remark(self) -> str:
        """A line for the log on how these layers run on this machine, or ""."""


@dataclass(frozen=True)
class Description:
    """Everything that is needed to build both networks; it is stored beside their weights.

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
            If a key is missing or unknown, or params.yaml does not allow a value.
        """
        try:
            description = _ADAPTER.validate_python(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])[:80]
            raise UserError(
                _("the network's description does not fit: {place}: {reason}").format(
                    place=place or _("it"), reason=first["msg"]
                )
            ) from None
        if description.kind not in KINDS:
            raise UserError(
                _(
                    "the network's description does not fit: kind is {kind!r}, valid is {valid}"
                ).format(kind=description.kind[:80], valid=" | ".join(KINDS))
            )
        if complaint := choices.network(description.kind).complaint(
            description.image_shape,
            description.generator_widths,
            description.discriminator_widths,
        ):
            raise UserError(
                _("the network's description does not fit: {complaint}").format(complaint=complaint)
            )
        return description

    def weights(self) -> dict[str, int]:
        """The number of weights in the matrices of `generator` and of `discriminator`.

        It is known before the networks are built.

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
    """Build generator and discriminator with new random weights, in training mode.

    The parameters are named `generator.*` and `discriminator.*`. `twice_differentiable` builds the
    discriminator from operators whose gradient has a gradient. They are slower, and only penalties
    on the gradient need them (see `training.step.penalties`).

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
    """A line for the log on how the layers of that kind run on this machine, or "".

    Raises
    ------
    ValueError
        If there is no such kind of network.
    """
    return _module(kind).remark()


def _module(kind: str) -> Kind:
    choices.network(kind)
    return cast(Kind, importlib.import_module(f"stages.gan.networks.{kind}"))
