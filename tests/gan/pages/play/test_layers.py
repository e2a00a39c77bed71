from typing import get_args

import numpy as np
import onnx
import pytest
from mindspore import Tensor, nn
from onnx import TensorProto, helper

from stages.gan.evaluation.judge import classifier
from stages.gan.export import onnx_files
from stages.gan.export.plain import as_plain
from stages.gan.networks import KINDS
from stages.gan.pages.play import layers, reference
from stages.gan.params import Activation
from tests.helpers.data import message_of
from tests.helpers.training.network import as_if_trained, describe

ACTIVATIONS = get_args(Activation)


def files_of(folder, kind, **changes):
    description = describe(kind, **changes)
    networks = as_plain(description, *as_if_trained(description))
    files = folder / "generator.onnx", folder / "discriminator.onnx"
    code, image = (description.latent_size,), description.image_shape
    onnx_files.write(files[0], networks[0], "", ("latent_code", code), {"image": image})
    given = {"logit": (1,), "probability": (1,)}
    onnx_files.write(files[1], networks[1], "", ("image", image), given)
    return files


def check(file, inputs):
    theirs = reference.run_file(file, inputs)
    ours = reference.run(layers.from_onnx(file), inputs)
    assert np.abs(ours - theirs.reshape(ours.shape)).max() <= 1e-5
    return theirs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalised", [True, False])
def test_the_layers_compute_what_the_file_computes(tmp_path, kind, activation, normalised):
    files = files_of(
        tmp_path,
        kind,
        generator_activation=activation,
        discriminator_activation=activation,
        generator_batch_norm=normalised,
        discriminator_batch_norm=normalised,
    )
    codes = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32)
    check(files[1], check(files[0], codes))


@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_taken_and_given_in_the_order_of_the_file(tmp_path, kind):
    files = files_of(tmp_path, kind, image_shape=(3, 8, 8))
    codes = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32)
    images = check(files[0], codes)
    assert images.shape == (5, 3, 8, 8)
    check(files[1], images)


def test_no_layer_normalises(tmp_path):
    for file in files_of(tmp_path, "dcgan"):
        kinds = [layer["kind"] for layer in layers.from_onnx(file)]
        assert "BatchNormalization" in [node.op_type for node in onnx.load(file).graph.node]
        assert all("weights" in layer for layer in layers.from_onnx(file) if "bias" in layer)
        assert "convolution" in " ".join(kinds)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 11), (1, 10, 7)])
def test_a_judges_layers_compute_its_logits(shape):
    network = classifier.build(shape, [4, 6], 5, 3)
    draw = np.random.default_rng(2)
    for parameter in network.get_parameters():
        values = parameter.asnumpy()
        if values.ndim == 1:
            parameter.set_data(Tensor(draw.uniform(0.5, 1.5, values.shape).astype(np.float32)))
    network.set_train(False)
    images = draw.uniform(-1, 1, (4, *shape)).astype(np.float32)
    found = reference.run(layers.from_judge(network, shape), images)
    assert np.abs(found - classifier.Look(network)(images)[1]).max() <= 1e-5


def test_batch_norm_without_weights_before_it_is_refused(tmp_path):
    file = tmp_path / "x.onnx"
    network = nn.SequentialCell([nn.Dense(2, 2), nn.ReLU(), nn.BatchNorm1d(2)])
    onnx_files.write(file, network, "", ("x", (2,)), {"y": (2,)})
    with pytest.raises(TypeError, match="follows a layer without weights"):
        layers.from_onnx(file)


def save(file, nodes):
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 2]) for n in "xy"]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:])), file)


def test_operators_that_the_page_does_not_know_are_refused(tmp_path):
    save(tmp_path / "x.onnx", [helper.make_node("Softplus", ["x"], ["y"])])
    with pytest.raises(TypeError, match="no operator Softplus"):
        layers.from_onnx(tmp_path / "x.onnx")
    branches = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Tanh", ["x"], ["y"], name="second"),
    ]
    save(tmp_path / "y.onnx", branches)
    with pytest.raises(TypeError, match="second does not follow"):
        layers.from_onnx(tmp_path / "y.onnx")


def test_a_missing_or_damaged_file_is_named(tmp_path):
    file = tmp_path / "generator.onnx"
    assert message_of(layers.from_onnx, file) == f"{file} is missing: run `dvc repro` first"
    file.write_bytes(b"no network")
    assert f"{file} is damaged" in message_of(layers.from_onnx, file)
