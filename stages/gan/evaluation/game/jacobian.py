"""The Jacobian of the game at given weights: would the pair turn there, or come to rest?

In training both players follow the game's vector field v: the gradient of G's loss by G's weights,
joined with the gradient of D's loss by D's weights. Near a point w the field is v(w) + J u. The
eigenvalues of J say what small steps against the field do there (Berard et al. 2020, section 3.1).
Along a real eigenvalue above 0 the pair comes straight to rest, and along one below 0 it leaves. An
imaginary part makes it turn. In a bilinear game all eigenvalues are imaginary.

J itself would be too large. Its product with a vector is a difference of the field at two points.
"""

from collections.abc import Callable
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.common.compiled import jit, overwrite
from stages.gan.common.runtime import one_blas_thread
from stages.gan.common.tensors import as_tensor
from stages.gan.evaluation.game.boards import Board, Part
from stages.gan.losses import Loss

Field = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# The distance of both points from the weights, as a share of the length of all weights.
_REACH = 1e-3
# The number of vectors in Arnoldi's method.
_ROUNDS = 24
# How many pairs of images and codes, leading eigenvalues, and random vectors `turning` takes.
_PAIRS = 256
_LEADING = 6
_LOOKS = 8


class FieldOf:
    """The vector field of a pair on fixed pairs of images and codes.

    Parameters
    ----------
    generator, discriminator : nn.Cell
        Copies in evaluation mode, which no compiled function has used yet.
    loss : Loss
        `rules.Rules.found`.
    part : Part
    """

    def __init__(self, generator: nn.Cell, discriminator: nn.Cell, loss: Loss, part: Part) -> None:
        self._ours = generator.trainable_params()
        self._theirs = discriminator.trainable_params()
        self._given = [
            as_tensor(np.asarray(given, np.float32)) for given in (part.real, part.codes)
        ]

        def of_generator(real, codes):
            return loss.generator(discriminator(generator(codes)), discriminator(real))

        def of_discriminator(real, codes):
            return loss.discriminator(discriminator(real), discriminator(generator(codes)))

        ours = ms.grad(of_generator, None, self._ours)
        theirs = ms.grad(of_discriminator, None, self._theirs)

        def field(real, codes):
            return ours(real, codes), theirs(real, codes)

        self._field = jit(field, generator, discriminator)

    @property
    def weights(self) -> NDArray[np.float64]:
        """All weights that learn, G's first (n,)."""
        return _joined(self._ours + self._theirs)

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The field at (n,) weights, which the networks then have."""
        start = 0
        for parameter in self._ours + self._theirs:
            end = start + parameter.size
            values = weights[start:end].reshape(parameter.shape).astype(np.float32)
            overwrite(parameter, values)
            start = end
        ours, theirs = self._field(*self._given)
        return _joined([*ours, *theirs])


def _joined(arrays) -> NDArray[np.float64]:
    return np.concatenate([each.asnumpy().reshape(-1).astype(np.float64) for each in arrays])


def product(
    field: Field, at: NDArray[np.float64], vector: NDArray[np.float64]
) -> NDArray[np.float64]:
    """J times a vector (n,), at weights (n,)."""
    length = float(np.linalg.norm(vector))
    if length == 0.0:
        return np.zeros_like(vector)
    share = _REACH * max(float(np.linalg.norm(at)), 1.0) / length
    return (field(at + share * vector) - field(at - share * vector)) / (2.0 * share)


def leading(
    field: Field, at: NDArray[np.float64], count: int, draw: np.random.Generator
) -> NDArray[np.complex128]:
    """The eigenvalues of J that have the largest moduli, by Arnoldi's method (1951).

    They are those of J on the space of v, J v, J J v and so on, of _ROUNDS vectors: good for the
    largest ones that stand apart, and rough for those that lie close together.

    Parameters
    ----------
    field : callable
    at : (n,) weights
    count : int
        How many at most; a pair of conjugates is not divided.
    draw : Generator
        For v.
    """
    first = draw.standard_normal(len(at))
    basis = [(first / np.linalg.norm(first)).astype(np.float32)]
    rounds = min(_ROUNDS, len(at))
    small = np.zeros((rounds + 1, rounds))
    for column in range(rounds):
        reached = product(field, at, basis[-1].astype(np.float64))
        scale = np.linalg.norm(reached)
        for _again in range(2):  # once is not enough in float32
            for row, vector in enumerate(basis):
                share = float(vector @ reached)
                small[row, column] += share
                reached = reached - share * vector
        length = small[column + 1, column] = float(np.linalg.norm(reached))
        if length <= 1e-6 * scale:
            rounds = column + 1
            break
        basis.append((reached / length).astype(np.float32))
    found = np.linalg.eigvals(small[:rounds, :rounds])
    found = found[np.lexsort((found.imag, -np.round(np.abs(found), 9)))][:count]
    alone = len(found) and found[-1].imag < 0 and not np.isclose(found[-1].conjugate(), found).any()
    return found[:-1] if alone else found


def rotation(
    field: Field, at: NDArray[np.float64], looks: int, draw: np.random.Generator
) -> tuple[float | None, float | None]:
    """The share of rotation in J, 0 to 1, and its standard error; None if J is 0.

    J is the sum of a symmetric part S, as of a single loss that falls, and an antisymmetric part
    A, which turns. The share is |A|^2 / (|S|^2 + |A|^2), with Frobenius norms (Balduzzi et al. 2018
    divide the Jacobian so). With random u of independent N(0, 1), E |J u|^2 = |S|^2 + |A|^2 and
    E u'J J u = |S|^2 - |A|^2 (Hutchinson 1990). A field that is 0 everywhere near, as
    of dead ReLUs, has no share.
    """
    squares, traces = np.empty(looks), np.empty(looks)
    for look in range(looks):
        once = product(field, at, vector := draw.standard_normal(len(at)))
        squares[look] = once @ once
        traces[look] = vector @ product(field, at, once)
    if squares.mean() == 0.0:
        return None, None
    share = (1.0 - traces.mean() / squares.mean()) / 2.0
    rest = traces - (1.0 - 2.0 * share) * squares
    error = np.std(rest, ddof=1) / np.sqrt(looks) / squares.mean() / 2.0
    return float(share), float(error)


def turning(
    generator: nn.Cell,
    discriminator: nn.Cell,
    loss: Loss,
    board: Board,
    draw: np.random.Generator,
) -> dict[str, Any]:
    """What the Jacobian at the trained weights says, on pairs that find responses.

    Parameters
    ----------
    generator, discriminator, loss
        See `FieldOf`.
    board : Board
    draw : Generator

    Returns
    -------
    dict
        `rotation`: the share of rotation, a `value` from 0 to 1 with its `error`, or None for both
        if the Jacobian is 0; `eigenvalues`: the leading ones as pairs of real and imaginary part.
    """
    field = FieldOf(
        generator, discriminator, loss, Part(board.real(draw, _PAIRS), board.codes(draw, _PAIRS))
    )
    at = field.weights
    with one_blas_thread():  # sums over all weights have the same order on any machine
        share, error = rotation(field, at, _LOOKS, draw)
        found = leading(field, at, min(_LEADING, len(at) - 2), draw)
    return {
        "rotation": {"value": share, "error": error},
        "eigenvalues": [[float(each.real), float(each.imag)] for each in found],
    }
