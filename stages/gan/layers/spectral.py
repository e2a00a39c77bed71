"""Spectral normalisation (Miyato et al. 2018): layers whose largest singular value is kept at 1.

It limits how fast a discriminator's logit can change with the image.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from numpy.typing import NDArray

from stages.gan.common.compiled import put

# Rounds of the power iteration before the first step, so that sigma is nearly exact there.
_FIRST_ROUNDS = 20


class SpectralNorm(nn.Cell):
    """A linear layer with its weight W divided by an estimate of its largest singular value.

    sigma = u' W v with unit vectors u and v. One power iteration per step (algorithm 1) turns
    them towards W's first singular vectors. The gradient flows through W, not through u and v.
    Because the layer is linear in W, its input is divided instead of W. The bias is not changed.

    Parameters
    ----------
    layer : nn.Cell
        A layer whose output is the product of a matrix `weight` with the input (or its patches),
        such as nn.Dense and the convolutions of networks.dcgan.
    """

    def __init__(self, layer: nn.Cell) -> None:
        super().__init__()
        self.layer = layer
        rows, columns = layer.weight.shape
        self.u = Parameter(ops.zeros((rows, 1), ms.float32), name="u", requires_grad=False)
        self.v = Parameter(ops.zeros((columns, 1), ms.float32), name="v", requires_grad=False)
        self.product = ops.MatMul()
        self.adjoint_product = ops.MatMul(transpose_a=True)
        self.sum = ops.ReduceSum()

    def construct(self, x):
        sigma = self.sum(self.u * self.product(self.layer.weight, self.v))
        return self.layer(x * (1.0 / sigma))

    def iterate(self):
        """One round of the power iteration, inside a compiled step."""
        v = self._unit(self.adjoint_product(self.layer.weight, self.u))
        u = self._unit(self.product(self.layer.weight, v))
        ops.assign(self.v, v)
        ops.assign(self.u, u)
        return True

    def _unit(self, vector):
        return vector * ops.rsqrt(self.sum(vector * vector) + 1e-24)

    def weight_in_effect(self) -> NDArray[np.float32]:
        """W / sigma, of W's shape: the weight of a plain layer that computes the same."""
        weight, u, v = (
            parameter.asnumpy().astype(np.float64)
            for parameter in (self.layer.weight, self.u, self.v)
        )
        return (weight / (u * (weight @ v)).sum()).astype(np.float32)

    def start(self, generator: np.random.Generator) -> None:
        """Draw u, and move u and v near the first singular vectors of the present weight."""
        weight = self.layer.weight.asnumpy().astype(np.float64)
        u = generator.standard_normal((len(weight), 1))
        for _ in range(_FIRST_ROUNDS):
            v = weight.T @ u
            v /= np.linalg.norm(v)
            u = weight @ v
            u /= np.linalg.norm(u)
        put(self.u, u.astype(np.float32))
        put(self.v, v.astype(np.float32))


def layers(network: nn.Cell) -> tuple[SpectralNorm, ...]:
    """The spectrally normalised layers of a network."""
    return tuple(cell for _, cell in network.cells_and_names() if isinstance(cell, SpectralNorm))
