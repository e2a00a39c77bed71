"""Networks of MindSpore's own layers, tanh excepted, with the weights of this project's.

They can be exported and compared with, where ours use kernels that only this project has. All
is channels first, as MindSpore's layers have it, and each network is one row of layers. `Plain`
says what the module of a kind offers. As with `networks`, one kind's code is no part of what
another kind depends on.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
from mindspore import Parameter, Tensor, nn
from numpy.typing import NDArray

from stages.gan.layers import spectral
from stages.gan.networks import Description
from stages.gan.params import choices


@runtime_checkable
class Plain(Protocol):
    """What a kind of network offers for export: names of `stages.gan.export.plain.<kind>`.

    The layers are MindSpore's own, in the order in which an image passes them, and each has an
    operator in `onnx_files`. Those with weights are as many as ours, with the same parameters.
    """

    def generator(self, description: Description, /) -> nn.SequentialCell:
        """From latent codes (N, latent_size) to images (N, C, H, W) in [-1, 1]."""

    def discriminator(self, description: Description, /) -> nn.SequentialCell:
        """From images (N, C, H, W) in [-1, 1] to logits (N, 1), without spectral norm."""

    def to_plain(
        self, layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int], /
    ) -> NDArray[np.float32]:
        """A parameter of one of our layers as MindSpore's layer has it, in its shape."""

    def from_plain(
        self, layer: nn.Cell, values: NDArray[np.float32], shape: Sequence[int], /
    ) -> NDArray[np.float32]:
        """The inverse of `to_plain`; `shape` is that of our parameter."""


def plain_networks(description: Description) -> tuple[nn.SequentialCell, nn.SequentialCell]:
    """Generator and discriminator of a description with MindSpore's own weights.

    The first takes (N, latent_size) and gives (N, C, H, W); the second takes these and gives
    logits (N, 1). Spectral norm is no layer here: see `as_plain`.

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
    """Plain networks with the weights of these, in the mode in which these are.

    Where ours divides a weight by its largest singular value, the plain one has the quotient.
    """
    pair = plain_networks(description)
    for ours, theirs in zip((generator, discriminator), pair, strict=True):
        for _, values, parameter in matched(description.kind, ours, theirs):
            parameter.set_data(Tensor(values))
        theirs.set_train(ours.training)
    return pair


def matched(
    kind: str, ours: nn.Cell, theirs: nn.Cell
) -> Iterator[tuple[str, NDArray[np.float32], Parameter]]:
    """Each parameter and running statistic of ours, in the plain network's shape, and the plain's.

    Parameters
    ----------
    kind : str
        That of the networks.
    ours, theirs : a network of the package and the plain one of the same description
    """
    to_plain = _module(kind).to_plain
    in_effect = {id(cell.layer.weight): cell.weight_in_effect for cell in spectral.layers(ours)}
    for layer, parameter, other in _pairs(ours, theirs):
        values = in_effect.get(id(parameter), parameter.asnumpy)()
        values = np.array(to_plain(layer, values, other.shape), order="C")
        assert values.shape == other.shape
        yield parameter.name, values, other


def take_back(kind: str, ours: nn.Cell, theirs: nn.Cell) -> None:
    """Give our network the plain one's weights and running statistics: `matched` backwards.

    Raises
    ------
    ValueError
        If ours has spectral norm: the plain one does not know what its weights were divided by.
    """
    if spectral.layers(ours):
        raise ValueError("weights cannot be taken back into a network with spectral norm")
    from_plain = _module(kind).from_plain
    for layer, parameter, other in _pairs(ours, theirs):
        values = np.array(from_plain(layer, other.asnumpy(), parameter.shape), order="C")
        assert values.shape == parameter.shape
        parameter.set_data(Tensor(values))


def layers(network: nn.Cell) -> list[nn.Cell]:
    """Those with weights, in the order in which an image passes them."""
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
