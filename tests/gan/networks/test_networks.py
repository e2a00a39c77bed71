import importlib
import inspect
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from mindspore import Tensor, nn

from stages.gan import networks
from stages.gan.common.errors import UserError
from stages.gan.export import plain
from stages.gan.networks.residual import Residual
from stages.gan.networks.residual.convolution import Convolution
from stages.gan.params import choices
from stages.gan.trained.sampling import generate, logits
from tests.helpers.project import ROOT
from tests.helpers.training.network import describe

# Where each Protocol's modules are.
OFFERS = [(networks.Kind, "stages.gan.networks"), (plain.Plain, "stages.gan.export.plain")]


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize("batch_norm", [True, False])
def test_shapes_range_and_names(kind, batch_norm):
    description = describe(kind, generator_batch_norm=batch_norm)
    generator, discriminator = networks.build(description, seed=3)
    codes = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    images = generate(generator, codes)
    assert images.shape == (5, *description.image_shape)
    assert np.abs(images).max() <= 1
    assert logits(discriminator, images).shape == (5,)
    names = [p.name for p in generator.get_parameters()]
    assert all(name.startswith("generator.") for name in names)
    assert len(set(names)) == len(names)


def test_the_recipes_networks_have_the_recipes_sizes():
    mlp = networks.Description(
        "mlp", (1, 28, 28), 100,
        (128, 256, 512, 1024), "relu", 0.2, True, (512, 256), "leaky_relu", 0.2, False,
    )  # fmt: skip
    generator, discriminator = networks.build(mlp)
    dense = [100, 128, 256, 512, 1024, 784]
    weights = sum(a * b + b for a, b in pairwise(dense))
    assert sum(p.size for p in generator.trainable_params()) == weights + 2 * (256 + 512 + 1024)
    assert sum(p.size for p in discriminator.trainable_params()) == (
        784 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    )
    dcgan = networks.Description(
        "dcgan", (3, 64, 64), 100,
        (512, 256, 128, 64), "relu", 0.2, True, (64, 128, 256, 512), "leaky_relu", 0.2, True,
    )  # fmt: skip
    generator, discriminator = networks.build(dcgan)
    # nn.Conv2dTranspose and nn.Conv2d without biases, as in the paper
    channels = [100, 512, 256, 128, 64, 3]
    kernels = sum(16 * a * b for a, b in pairwise(channels))
    assert sum(p.size for p in generator.trainable_params()) == kernels + 2 * (512 + 256 + 128 + 64)
    channels = [3, 64, 128, 256, 512, 1]
    kernels = sum(16 * a * b for a, b in pairwise(channels))
    assert sum(p.size for p in discriminator.trainable_params()) == kernels + 2 * (128 + 256 + 512)


@pytest.mark.parametrize("kind", networks.KINDS)
def test_the_seed_decides_the_weights(kind):
    def first_weights(seed):
        return [net.trainable_params()[0].asnumpy() for net in networks.build(describe(kind), seed)]

    once, again, other = first_weights(1), first_weights(1), first_weights(2)
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert not any((a == b).all() for a, b in zip(once, other, strict=True))


def test_dcgan_weights_are_drawn_as_in_the_paper():
    description = describe("dcgan", generator_widths=(64, 64), image_shape=(3, 16, 16))
    generator, _ = networks.build(description, seed=0)
    by_name = {p.name: p.asnumpy() for p in generator.trainable_params()}
    weights = np.concatenate([v.ravel() for k, v in by_name.items() if k.endswith("weight")])
    gammas = np.concatenate([v.ravel() for k, v in by_name.items() if k.endswith("gamma")])
    assert abs(weights.std() - 0.02) < 0.0005
    assert abs(weights.mean()) < 0.0005
    assert abs(gammas.mean() - 1) < 0.01
    assert 0.015 < gammas.std() < 0.025


def test_description_survives_json_and_refuses_what_does_not_fit():
    description = describe("mlp")
    assert networks.Description.from_json(description.to_json()) == description
    with pytest.raises(UserError, match="does not fit"):
        networks.Description.from_json({**description.to_json(), "layers": 3})
    with pytest.raises(ValueError, match=f"choose one of {', '.join(choices.NETWORKS)}$"):
        networks.build(describe("transformer"))


def asked(protocol: type) -> dict[str, inspect.Signature]:
    """The functions that a Protocol asks for, without `self`."""
    return {
        name: signature.replace(parameters=list(signature.parameters.values())[1:])
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
        for signature in [inspect.signature(member)]
    }


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize(("protocol", "package"), OFFERS)
def test_each_kind_offers_what_its_protocol_says(kind, protocol, package):
    module = importlib.import_module(f"{package}.{kind}")
    assert isinstance(module, protocol)
    for name, signature in asked(protocol).items():
        offered = getattr(module, name)
        assert offered.__doc__, name
        # Each is called with these, by their places.
        given = [None] * len(signature.parameters)
        inspect.signature(offered).bind(*given)


@pytest.mark.parametrize(("protocol", "package"), OFFERS)
def test_a_kind_that_lacks_a_name_is_none(protocol, package):
    whole = importlib.import_module(f"{package}.{networks.KINDS[0]}")
    for lacking in asked(protocol):
        module = ModuleType("another")
        vars(module).update({name: getattr(whole, name) for name in asked(protocol)})
        assert isinstance(module, protocol)
        delattr(module, lacking)
        assert not isinstance(module, protocol)


def test_mypy_finds_each_kind_to_be_one(tmp_path):
    lines = [f"import {package}.{kind}" for _, package in OFFERS for kind in networks.KINDS]
    lines += [
        f"{kind}_{protocol.__name__}: {package}.{protocol.__name__} = {package}.{kind}"
        for protocol, package in OFFERS
        for kind in networks.KINDS
    ]
    lines += [f"wrong: {OFFERS[0][1]}.Kind = {OFFERS[1][1]}.{networks.KINDS[0]}"]
    file = tmp_path / "kinds.py"
    file.write_text("\n".join(lines))
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), str(file)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    (error,) = [line for line in result.stdout.splitlines() if ": error: " in line]
    assert f"kinds.py:{len(lines)}: error: Incompatible types in assignment" in error


@pytest.mark.parametrize("kind", networks.KINDS)
def test_weights_are_known_before_they_are_built(kind):
    description = describe(kind)
    for name, network in zip(
        ("generator", "discriminator"), networks.build(description), strict=True
    ):
        matrices = [p.size for p in network.trainable_params() if p.ndim > 1]
        assert description.weights()[name] == sum(matrices)


def hidden_layers(network: nn.Cell) -> list[str]:
    """Layers in Python lists, tuples and dicts that the network does not know."""
    cells = [cell for _, cell in network.cells_and_names()]
    known = {id(cell) for cell in cells}
    return [
        f"{type(cell).__name__}.{name}"
        for cell in cells
        for name, value in vars(cell).items()
        if isinstance(value, list | tuple | dict)
        for each in (value.values() if isinstance(value, dict) else value)
        if isinstance(each, nn.Cell) and id(each) not in known
    ]


@pytest.mark.parametrize("kind", networks.KINDS)
def test_every_layer_is_known_to_its_network(kind):
    """MindSpore does not find layers in a Python list: they would never be trained."""
    for network in networks.build(describe(kind), 1):
        assert hidden_layers(network) == []


def test_a_layer_in_a_list_is_found():
    class Wrong(nn.Cell):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Dense(2, 2)]

    assert hidden_layers(Wrong()) == ["Wrong.layers"]


def blocks(network: nn.Cell) -> list[Residual]:
    return [cell for _, cell in network.cells_and_names() if isinstance(cell, Residual)]


def test_a_residual_block_passes_its_input_on_before_training():
    description = describe("residual", image_shape=(3, 16, 16), generator_batch_norm=False)
    x = Tensor(np.random.default_rng(0).standard_normal((2, 4, 4, 8)).astype(np.float32))
    generator, discriminator = networks.build(description, seed=1)
    assert [len(blocks(network)) for network in (generator, discriminator)] == [2, 2]
    assert np.array_equal(blocks(generator)[0](x).asnumpy(), x.asnumpy())
    # Spectral norm divides by the size of a weight, so no weight is 0.
    spectral = replace(description, discriminator_spectral_norm=True)
    _, discriminator = networks.build(spectral, seed=1)
    images = Tensor(np.ones((1, 3, 16, 16), np.float32))
    assert np.isfinite(discriminator(images).asnumpy()).all()
    assert not np.array_equal(blocks(discriminator)[1](x).asnumpy(), x.asnumpy())


def test_residual_weights_are_drawn_as_in_the_paper():
    widths = (64, 64, 64)
    description = describe(
        "residual", generator_widths=widths, image_shape=(1, 32, 32), generator_batch_norm=False
    )
    generator, _ = networks.build(description, seed=0)
    for block in blocks(generator):
        spreads = [
            cell.weight.asnumpy().std() * len(cell.weight) ** 0.5
            for _, cell in block.cells_and_names()
            if isinstance(cell, Convolution)
        ]
        expected = 2**0.5 * len(widths) ** -0.25
        assert spreads == pytest.approx([expected, expected, 0], rel=0.05)
