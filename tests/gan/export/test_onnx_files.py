import numpy as np
import onnx
import onnxruntime
import pytest
from mindspore import Tensor, nn

from stages.gan.export import onnx_files
from stages.gan.export.plain import as_plain
from stages.gan.layers import Tanh
from stages.gan.networks import KINDS
from tests.helpers.data import message_of
from tests.helpers.training.network import as_if_trained, describe


def write(folder, kind="dcgan", **changes):
    description = describe(kind, **changes)
    generator, discriminator = as_plain(description, *as_if_trained(description))
    files = folder / "generator.onnx", folder / "discriminator.onnx"
    code, image = (description.latent_size,), description.image_shape
    onnx_files.write(files[0], generator, "a", ("latent_code", code), {"image": image})
    given = {"logit": (1,), "probability": (1,)}
    onnx_files.write(files[1], discriminator, "b", ("image", image), given)
    return files


def axes(values):
    return [
        (one.name, [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim])
        for one in values
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_and_outputs_have_names_and_any_number_of_rows(tmp_path, kind):
    generator, discriminator = map(onnx.load, write(tmp_path, kind))
    assert axes(generator.graph.input) == [("latent_code", ["N", 6])]
    assert axes(generator.graph.output) == [("image", ["N", 1, 8, 8])]
    assert axes(discriminator.graph.input) == [("image", ["N", 1, 8, 8])]
    assert axes(discriminator.graph.output) == [("logit", ["N", 1]), ("probability", ["N", 1])]
    for model in (generator, discriminator):
        assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
        onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (kind, rows)
        for kind in KINDS
        for rows in (0, 1, 7)
        # onnxruntime 1.24 cannot optimise an interpolation of no rows
        if (kind, rows) != ("residual", 0)
    ],
)
def test_any_number_of_rows_comes_back(tmp_path, kind, rows):
    generator, discriminator = write(tmp_path, kind)
    ((images,),) = onnx_files.run(generator, np.zeros((rows, 6), np.float32))
    assert images.shape == (rows, 1, 8, 8)
    ((logits, probabilities),) = onnx_files.run(discriminator, images)
    assert logits.shape == probabilities.shape == (rows, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_networks_give_the_same_bytes(tmp_path, kind):
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        contents.append([file.read_bytes() for file in write(tmp_path / name, kind)])
    assert contents[0] == contents[1]
    assert all(str(tmp_path).encode() not in content for content in contents[0])


def test_tanh_is_one_operator_and_ours(tmp_path):
    file = tmp_path / "tanh.onnx"
    onnx_files.write(file, nn.SequentialCell([Tanh()]), "", ("x", (1,)), {"y": (1,)})
    assert [node.op_type for node in onnx.load(file).graph.node] == ["Tanh"]
    values = np.linspace(-12, 12, 24001, dtype=np.float32)[:, None]
    ((found,),) = onnx_files.run(file, values)
    assert np.abs(found - Tanh()(Tensor(values)).asnumpy()).max() < 3e-6


def test_a_layer_without_weights_is_no_operator_if_it_does_nothing(tmp_path):
    file = tmp_path / "x.onnx"
    network = nn.SequentialCell([nn.Identity(), nn.ReLU(), nn.Identity()])
    onnx_files.write(file, network, "", ("x", (2,)), {"y": (2,)})
    assert [node.op_type for node in onnx.load(file).graph.node] == ["Relu"]
    ((found,),) = onnx_files.run(file, np.array([[-1, 1]], np.float32))
    assert found.tolist() == [[0, 1]]


def test_an_unknown_layer_is_named(tmp_path):
    with pytest.raises(TypeError, match="known for Softmax"):
        onnx_files.write(
            tmp_path / "x.onnx", nn.SequentialCell([nn.Softmax()]), "", ("x", (2,)), {"y": (2,)}
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2dTranspose(1, 1, 5, 2),  # pad_mode is "same" unless it is said
        nn.Conv2d(1, 1, 3),
        nn.Conv2dTranspose(1, 1, 3, 2, pad_mode="pad", padding=1, output_padding=1),
    ],
)
def test_a_convolution_that_onnx_computes_otherwise_is_refused(tmp_path, layer):
    with pytest.raises(TypeError, match='valid are "pad" and "valid"'):
        onnx_files.write(
            tmp_path / "a.onnx", nn.SequentialCell(layer), "a", ("x", (1, 8, 8)), {"y": (1, 8, 8)}
        )


def test_a_network_too_large_for_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "_MOST_BYTES", 1000)
    assert "generator.onnx would have" in message_of(write, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_needs_no_more_than_onnxruntime(tmp_path):
    """With an interface of its own, so that `run` may not hide anything."""
    generator, _ = write(tmp_path)
    session = onnxruntime.InferenceSession(generator.read_bytes())
    (images,) = session.run(["image"], {"latent_code": np.ones((2, 6), np.float32)})
    assert np.array_equal(images[0], images[1])
