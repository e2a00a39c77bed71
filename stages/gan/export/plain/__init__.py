"""Plain networks: the same networks and weights in MindSpore's own layers (except tanh).

Plain networks can be exported; our own layers cannot, because they use kernels of this project.
Arrays are channels first, as in MindSpore, and each network is one sequence of layers. `Plain`
says what the module of a kind offers. No kind depends on the code of another kind.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
from mindspore import Parameter, nn
from numpy.typing import NDArray

from stages.gan.common.compiled import put
from stages.gan.layers import spectral
from stages.gan.networks import Description
from stages.gan.params import choices


@runtime_checkable
class Plain(Protocol):
    """What a kind of network offers for export: names of `stages.gan.export.plain.<kind>`.

    The layers are MindSpore's own, in the order of computation, and each has an operator in
    `onnx_files`. There are as many layers with weights as in ours, with the same parameters.
    """

    def generator(self, description: Description, /) -> nn.SequentialCell:
        """From latent codes (N, latent_size) to images (N, C, H, W) in [-1, 1]."""

    def discriminator(self, description: Description, /) -> nn.SequentialCell:
        """From images (N, C, H, W) in [-1, 1] to logits (N, 1), without spectral norm."""

    def to_plain(
        self, layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int], /
    ) -> NDArray[np.float32]:
        """A parameter of one of our layers, in the layout and shape of MindSpore's layer."""

    def from_plain(
        self, layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int], /
    ) -> NDArray[np.float32]:
        """The inverse of `to_plain`; `shape` is that of our parameter."""


def plain_networks(description: Description) -> tuple[nn.SequentialCell, nn.SequentialCell]:
    """Plain generator and discriminator of a description, with MindSpore's initial weights.

    The generator maps (N, latent_size) to (N, C, H, W), the discriminator (N, C, H, W) to logits
    (N, 1). There is no layer of spectral norm: see `as_plain`.

    Raises
    ------
    ValueError
        If there is no such kind of network.
    """
    module = _module(description.kind)
    return module.generator(description), module.discriminator(description)


def as_plain(
    description: Description, generator: nn.Cell, discriminator: nn.Cell
) -> tuple[nn.SequentialCell, nn.SequentialCell]:
    """Plain networks with the weights and the mode (training or evaluation) of these networks.

    With spectral norm, our layer divides its weight by the largest singular value; the plain layer
    has the quotient as its weight.
    """
    pair = plain_networks(description)
    for ours, theirs in zip((generator, discriminator), pair, strict=True):
        for _, values, parameter in matched(description.kind, ours, theirs):
            put(parameter, values)
        theirs.set_train(ours.training)
    return pair


def matched(
    kind: str, ours: nn.Cell, theirs: nn.Cell
) -> Iterator[tuple[str, NDArray[np.float32], Parameter]]:
    """Each parameter and statistic of ours: its name, its value in plain shape, and the plain one.

    Parameters
    ----------
    kind : str
        The kind of the networks.
    ours, theirs : our network, and the plain network of the same description
    """
    to_plain = _module(kind).to_plain
    in_effect = {id(cell.layer.weight): cell.weight_in_effect for cell in spectral.layers(ours)}
    for layer, parameter, other in _pairs(ours, theirs):
        values = in_effect.get(id(parameter), parameter.asnumpy)()
        values = np.array(to_plain(layer, values, other.shape), order="C")
        assert values.shape == other.shape
        yield parameter.name, values, other


def take_back(kind: str, ours: nn.Cell, theirs: nn.Cell) -> None:
    """Copy the plain network's weights and running statistics into ours: the inverse of `matched`.

    Raises
    ------
    ValueError
        If ours has spectral norm: the divisors of the weights are unknown.
    """
    if spectral.layers(ours):
        raise ValueError("weights cannot be copied back into a network with spectral norm")
    from_plain = _module(kind).from_plain
    for layer, parameter, other in _pairs(ours, theirs):
        values = np.array(from_plain(layer, other.asnumpy(), parameter.shape), order="C")
        assert values.shape == parameter.shape
        put(parameter, values)


def layers(network: nn.Cell) -> list[nn.Cell]:
    """The layers with weights, in the order of computation."""
    cells = (cell for _, cell in network.cells_and_names())
    return [cell for cell in cells if any(cell.parameters_and_names(expand=False))]


def _pairs(ours: nn.Cell, theirs: nn.Cell) -> Iterator[tuple[nn.Cell, Parameter, Parameter]]:
    own = [cell for cell in layers(ours) if not isinstance(cell, spectral.SpectralNorm)]
    for left, right in zip(own, layers(theirs), strict=True):
        others = dict(right.parameters_and_names(expand=False))
        for name, parameter in left.parameters_and_names(expand=False):
            yield left, parameter, others.pop(name)
        assert not others


def _module(kind: str) -> Plain:
    choices.network(kind)
    return cast(Plain, importlib.import_module(f"stages.gan.export.plain.{kind}"))
