"""The formula, with the exchange played by hand; real exchanges are in test_distributed.py."""

from contextlib import suppress

import numpy as np
import pytest
from mindspore import Tensor, ops

from stages.gan import networks
from stages.gan.layers import BatchNorm
from stages.gan.training.ranks.group import Group
from stages.gan.training.ranks.synchronised import SynchronisedNormaliseRows, synchronise
from tests.helpers.training.network import describe


class _Hearing:
    """An operator in whose place every rank's array is known, once all have spoken."""

    def __init__(self):
        self.said: list[Tensor] = []
        self.answer = None

    def __call__(self, array):
        self.said.append(array)
        return array if self.answer is None else self.answer


def layers(ranks: int, monkeypatch) -> list[SynchronisedNormaliseRows]:
    monkeypatch.setattr(ops, "AllGather", lambda: None)
    monkeypatch.setattr(ops, "AllReduce", lambda _kind: None)
    return [SynchronisedNormaliseRows(1e-5, Group(rank, ranks)) for rank in range(ranks)]


def exchanged(found: list[SynchronisedNormaliseRows], name: str, join, call) -> list:
    """What `call` gives for each layer, with what all said to the operator `name` put together."""
    hearing = _Hearing()
    for layer in found:
        object.__setattr__(layer, name, hearing)
    for rank, layer in enumerate(found):
        with suppress(ValueError):  # alone its answer has not the shape of all ranks'
            call(rank, layer)
    hearing.answer = join([one.asnumpy() for one in hearing.said])
    return [call(rank, layer) for rank, layer in enumerate(found)]


@pytest.mark.parametrize(("ranks", "rows"), [(2, 4), (4, 2), (3, 5)])
@pytest.mark.parametrize("mean", [0.0, 300.0])
def test_parts_are_normalised_as_the_whole(monkeypatch, ranks, rows, mean):
    draw = np.random.default_rng(ranks)
    whole = (mean + draw.standard_normal((ranks * rows, 5))).astype(np.float32)
    gamma, beta = (Tensor(draw.standard_normal(5).astype(np.float32)) for _ in range(2))
    dy = draw.standard_normal(whole.shape).astype(np.float32)
    parts = [Tensor(part) for part in np.split(whole, ranks)]
    found = layers(ranks, monkeypatch)
    outs = exchanged(
        found,
        "gather",
        lambda said: Tensor(np.concatenate(said)),
        lambda rank, layer: layer.construct(parts[rank], gamma, beta),
    )
    exact = whole.astype(np.float64)
    variance = exact.var(axis=0)
    inverse = 1 / np.sqrt(variance + 1e-5)
    normal = (exact - exact.mean(axis=0)) * inverse
    expected = normal * gamma.asnumpy() + beta.asnumpy()
    tolerance = 2e-5 if mean == 0 else 2e-3
    np.testing.assert_allclose(
        np.concatenate([out[0].asnumpy() for out in outs]), expected, atol=tolerance
    )
    for out in outs:
        np.testing.assert_allclose(out[5].asnumpy()[0], variance, rtol=tolerance)
        assert (out[4].asnumpy() == outs[0][4].asnumpy()).all()  # to the bit on all ranks

    shares = [Tensor(part) for part in np.split(dy, ranks)]
    gradients = exchanged(
        found,
        "add_up",
        lambda said: Tensor(np.sum(said, axis=0)),
        lambda rank, layer: layer.bprop(
            parts[rank], gamma, beta, outs[rank], (shares[rank], *outs[rank][1:])
        ),
    )
    # Ioffe and Szegedy 2015, section 3, for the whole batch
    d = dy.astype(np.float64)
    dx = gamma.asnumpy() * inverse * (d - d.mean(axis=0) - normal * (d * normal).mean(axis=0))
    np.testing.assert_allclose(
        np.concatenate([one[0].asnumpy() for one in gradients]), dx, atol=10 * tolerance
    )
    np.testing.assert_allclose(
        sum(one[1].asnumpy() for one in gradients), (d * normal).sum(axis=0), atol=10 * tolerance
    )
    np.testing.assert_allclose(
        sum(one[2].asnumpy() for one in gradients), d.sum(axis=0), atol=10 * tolerance
    )


@pytest.mark.parametrize("kind", networks.KINDS)
def test_every_batch_norm_is_exchanged(monkeypatch, kind):
    monkeypatch.setattr(ops, "AllGather", lambda: None)
    monkeypatch.setattr(ops, "AllReduce", lambda _kind: None)
    generator, _ = networks.build(describe(kind))
    synchronise(generator, Group(0, 2))
    found = [cell for _, cell in generator.cells_and_names() if isinstance(cell, BatchNorm)]
    assert found
    for cell in found:
        assert isinstance(cell.normalise, SynchronisedNormaliseRows)
        assert cell.ranks == 2
        assert not cell.fused
