import numpy as np
import onnxruntime
from mindspore import nn

from stages.gan.export import onnx_files
from stages.gan.pages.play import reference


def test_a_file_gives_its_first_output(tmp_path):
    file = tmp_path / "discriminator.onnx"
    network = nn.SequentialCell([nn.Flatten(), nn.Dense(12, 1)])
    onnx_files.write(file, network, "", ("image", (3, 2, 2)), {"logit": (1,), "probability": (1,)})
    images = np.random.default_rng(1).uniform(-1, 1, (4, 3, 2, 2))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logit"], {"image": images.astype(np.float32)})
    assert np.array_equal(reference.run_file(file, images), logits)


def test_layers_run_in_their_order_and_maps_lie_channels_last():
    images = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
    sizes = {"channels": 3, "height": 2, "width": 2}
    last = {"kind": "channels_last", **sizes}
    first = {"kind": "channels_first", **sizes}
    assert np.array_equal(reference.run([last, first], images), images.reshape(1, 12))
    # A dense layer takes the numbers of (H, W, C): it picks the first pixel's second channel.
    weights = np.zeros((1, 12, 1), np.float32)
    weights[0, 1, 0] = 1
    pick = {"kind": "dense", "inputs": 12, "outputs": 1, "weights": weights, "bias": np.zeros(1)}
    pick["bias"] = np.full(1, 0.5, np.float32)
    assert reference.run([last, pick], images).tolist() == [[4.5]]


def test_a_frame_repeats_the_edge():
    images = np.array([[[[1, 2], [3, 4]]]], np.float32)
    frame = {
        "kind": "frame", "channels": 1, "height": 2, "width": 2,
        "top": 1, "bottom": 0, "left": 0, "right": 2,
    }  # fmt: skip
    rows = [1, 2, 2, 2, 1, 2, 2, 2, 3, 4, 4, 4]
    assert reference.run([frame], images).tolist() == [rows]
