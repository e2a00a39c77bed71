from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mindspore import Tensor

from stages.gan import networks
from stages.gan.export import networks as exporting
from stages.gan.export import onnx_files
from stages.gan.trained.sampling import generate, logits
from tests.helpers.data import message_of
from tests.helpers.training.network import as_if_trained, describe

FILES = {"generator.onnx", "generator.mindir", "discriminator.onnx", "discriminator.mindir"}


def inputs(description, generator):
    codes = np.random.default_rng(1).standard_normal((5, description.latent_size))
    codes = codes.astype(np.float32)
    return codes, generate(generator, codes)


def export(folder, description, pair):
    return exporting.export(folder, description, *pair, *inputs(description, pair[0]))


# Of a network without convolutions they only change the sizes of products.
_OF_MAPS = ({"generator_widths": (7,), "discriminator_widths": (5,)},
            {"image_shape": (3, 16, 16), "generator_widths": (32, 16, 8),
             "discriminator_widths": (16, 32)})  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in networks.KINDS if kind != "mlp"])
@pytest.mark.parametrize("changes", _OF_MAPS, ids=str)
def test_all_files_do_what_the_networks_do_at_any_size_of_the_maps(tmp_path, kind, changes):
    if kind == "mixed":  # its first or last width is that of a dense layer
        beside = {"generator_widths": lambda w: (9, *w), "discriminator_widths": lambda w: (*w, 9)}
        changes = {key: beside.get(key, lambda v: v)(value) for key, value in changes.items()}
    check_all_files(tmp_path, kind, changes)


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"generator_batch_norm": False, "discriminator_batch_norm": True},
        {
            "generator_activation": "leaky_relu",
            "discriminator_slope": 0.0,
            "discriminator_spectral_norm": True,
            "discriminator_batch_norm": False,
        },
        {"discriminator_spectral_norm": True, "discriminator_batch_norm": True},
        pytest.param(
            {"generator_activation": "elu", "discriminator_activation": "elu"},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"generator_activation": "tanh", "discriminator_activation": "tanh"},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"generator_activation": "sigmoid", "discriminator_activation": "sigmoid"},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"generator_activation": "none", "discriminator_activation": "none"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_all_files_do_what_the_networks_do(tmp_path, kind, changes):
    check_all_files(tmp_path, kind, changes)


@pytest.mark.slow
@pytest.mark.parametrize("changes", _OF_MAPS, ids=str)
def test_all_files_do_what_the_mlp_does_at_any_size(tmp_path, changes):
    check_all_files(tmp_path, "mlp", changes)


def check_all_files(tmp_path, kind, changes):
    """Export networks that are as if trained, and compare each file with them."""
    description = describe(kind, **changes)
    pair = as_if_trained(description, seed=3)
    found = export(tmp_path, description, pair)
    assert found.keys() == FILES == {file.name for file in tmp_path.iterdir()}
    assert max(found.values()) <= 1e-5
    codes, images = inputs(description, pair[0])
    assert images.std() > 0.01
    ((drawn,),) = onnx_files.run(tmp_path / "generator.onnx", codes)
    assert np.abs(drawn - images).max() <= 1e-5
    ((answers, chances),) = onnx_files.run(tmp_path / "discriminator.onnx", images)
    expected = logits(pair[1], images)
    assert np.ptp(expected) > 1e-3
    assert np.abs(answers[:, 0] - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
    assert chances[:, 0] == pytest.approx(1 / (1 + np.exp(-answers[:, 0])), abs=1e-6)


@pytest.mark.parametrize("kind", networks.KINDS)
def test_statistics_of_batch_norm_and_weights_of_all_layers_matter(tmp_path, kind):
    """Else the comparison above could not find one that is left out."""
    description = describe(kind, discriminator_batch_norm=True)
    pair = as_if_trained(description, seed=3)
    codes, images = inputs(description, pair[0])
    before = [generate(pair[0], codes), logits(pair[1], images)]
    for index, network in enumerate(pair):
        for parameter in network.get_parameters():
            kept = parameter.asnumpy().copy()
            parameter.set_data(Tensor(kept * np.float32(1.5) + np.float32(0.1)))
            after = [generate(pair[0], codes), logits(pair[1], images)][index]
            parameter.set_data(Tensor(kept))
            assert np.abs(after - before[index]).max() > 1e-4, parameter.name


@pytest.mark.parametrize(
    ("form", "name"), [("onnx_files", "generator.onnx"), ("mindir_files", "discriminator.mindir")]
)
def test_a_file_that_does_something_else_ends_in_one_line(tmp_path, monkeypatch, form, name):
    description = describe("mlp")
    pair = as_if_trained(description)
    module = getattr(exporting, form)
    write = module.write

    def write_another(file: Path, network, *rest):
        if file.name == name:
            parameter = network.trainable_params()[0]
            values = parameter.asnumpy().copy()
            values[0] += 0.001
            parameter.set_data(Tensor(values))
        write(file, network, *rest)

    monkeypatch.setattr(module, "write", write_another)
    message = message_of(export, tmp_path, description, pair)
    assert message.startswith(f"{name} differs from the trained network by ")
    assert "valid is up to " in message


def test_large_values_are_allowed_their_own_rounding_and_no_more(tmp_path, monkeypatch):
    description = describe("mlp", generator_widths=(64,), generator_activation="none")
    pair = as_if_trained(description)
    for parameter in pair[0].trainable_params()[:2]:  # of the first layer
        parameter.set_data(Tensor(parameter.asnumpy() * np.float32(3000)))
    _, last = (p for p in pair[0].trainable_params() if p.name.endswith("weight"))
    last.set_data(Tensor(last.asnumpy() / np.float32(300)))
    monkeypatch.setattr(exporting, "TOLERANCE", 1e-9)  # so that rounding alone decides
    found = export(tmp_path, description, pair)
    assert 1e-9 < found["generator.onnx"] < 1e-3
    monkeypatch.setattr(exporting, "_TIMES_ROUNDING", 1e-6)
    assert "differs from the trained network" in message_of(export, tmp_path, description, pair)


def test_the_networks_are_as_before(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "TOLERANCE", 0.0)  # so that weights are moved, and back
    monkeypatch.setattr(exporting, "_TIMES_ROUNDING", 1e6)
    description = describe("dcgan", discriminator_spectral_norm=True)
    pair = as_if_trained(description)
    before = [p.asnumpy().copy() for network in pair for p in network.get_parameters()]
    export(tmp_path, description, pair)
    after = [p.asnumpy() for network in pair for p in network.get_parameters()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_networks_that_diverged_are_named_as_that(tmp_path):
    description = describe("mlp")
    pair = as_if_trained(description)
    codes, images = inputs(description, pair[0])
    weight = pair[0].trainable_params()[0]
    weight.set_data(Tensor(np.full(weight.shape, np.nan, np.float32)))
    message = message_of(exporting.export, tmp_path, description, *pair, codes, images)
    assert "generator.onnx cannot be made" in message
    assert "diverged" in message


VALUES = arrays(np.float32, (2, 3), elements=st.floats(-1000, 1000, width=32))


@given(VALUES, VALUES)
def test_the_difference_is_the_largest_and_relative_to_large_values_only(a, b):
    found = exporting.difference(a, b)
    largest = np.abs(a.astype(np.float64) - b).max()
    assert found == pytest.approx(largest / max(1, np.abs(b).max()))
    assert exporting.difference(a, a) == 0


def test_what_cannot_be_compared_is_infinitely_far():
    ones = np.ones((2, 3))
    assert exporting.difference(ones, np.ones((2, 1))) == np.inf
    for bad in (np.nan, np.inf):
        assert exporting.difference(np.full((2, 3), bad), ones) == np.inf
        assert exporting.difference(ones, np.full((2, 3), bad)) == np.inf
