"""Facts about exported networks. Those about ONNX are checked in onnxruntime."""

import tempfile
from pathlib import Path

import mindspore as ms
import numpy as np
import onnxruntime
from mindspore import Tensor, nn

from stages.tools.mindspore_check.facts import Seen, fact, short


def _set(network: nn.Cell) -> nn.Cell:
    draw = np.random.default_rng(0)
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(draw.normal(0, 0.5, parameter.shape).astype(np.float32)))
    return network


def _apart(network: nn.Cell, x: np.ndarray) -> float:
    """The largest difference of a network's ONNX file from MindSpore, over the largest output."""
    ours = network(Tensor(x)).asnumpy()
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "network.onnx")
        ms.export(network, Tensor(x), file_name=file, file_format="ONNX")
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        (theirs,) = session.run(None, {session.get_inputs()[0].name: x})
    return float(np.abs(theirs - ours).max() / np.abs(ours).max())


@fact("My ONNX generator draws other images")
def transposed_convolution() -> Seen:
    """Conv2dTranspose with kernel 5 and stride 2 under both ways to pad."""
    x = np.random.default_rng(1).normal(0, 1, (1, 2, 4, 4)).astype(np.float32)
    same = _apart(_set(nn.Conv2dTranspose(2, 1, 5, 2, pad_mode="same")), x)
    pad = _apart(_set(nn.Conv2dTranspose(2, 1, 5, 2, pad_mode="pad", padding=2)), x)
    return Seen(
        same > 0.01 > pad,
        f'difference over the largest output: pad_mode "same" {short(same)}, "pad" {short(pad)}',
    )


@fact("My ONNX file takes only the batch size of the export")
def fixed_batch() -> Seen:
    """Export with a batch size that is left open, and with a fixed one."""
    network = nn.Conv2d(1, 1, 3)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "network.onnx")
        try:
            open_batch = Tensor(shape=[None, 1, 4, 4], dtype=ms.float32)
            ms.export(network, open_batch, file_name=file, file_format="ONNX")
        except ValueError as error:
            refused = str(error).split("\n")[0]
        else:
            return Seen(False, "an open batch size was exported")
        ms.export(
            network, Tensor(np.ones((2, 1, 4, 4), np.float32)), file_name=file, file_format="ONNX"
        )
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape
    return Seen(shape[0] == 2, f"open batch: {refused[:60]}; fixed: {shape}")


@fact("My MindIR file gives another answer each time")
def dropout_stays() -> Seen:
    """Export Dropout in training mode, load it, and count zeros."""
    network = nn.SequentialCell(nn.Dropout(p=0.5))
    network.set_train()
    x = Tensor(np.ones((1, 1000), np.float32))
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "network.mindir")
        ms.export(network, x, file_name=file, file_format="MINDIR")
        loaded = nn.GraphCell(ms.load(file))
        loaded.set_train(False)
        zeros = float((loaded(x).asnumpy() == 0).mean())
    return Seen(zeros > 0.3, f"exported in training mode: {zeros:.0%} of the outputs are 0")


@fact("The last row and column of Conv2dTranspose are 0")
def output_padding() -> Seen:
    """Conv2dTranspose with output_padding, all weights 1 and the bias 10."""
    layer = nn.Conv2dTranspose(
        1, 1, 3, 2, pad_mode="pad", padding=1, output_padding=1, has_bias=True
    )
    layer.weight.set_data(Tensor(np.ones(layer.weight.shape, np.float32)))
    layer.bias.set_data(Tensor(np.full(1, 10, np.float32)))
    found = layer(Tensor(np.ones((1, 1, 2, 2), np.float32))).asnumpy()[0, 0]
    return Seen(
        not found[-1].any() and not found[:, -1].any(),
        f"last row {short(*found[-1])}; the row before it {short(*found[-2])}",
    )


@fact("Nobody else can read my checkpoint")
def mode_of_checkpoint() -> Seen:
    """The mode of a file that save_checkpoint wrote."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.ckpt"
        ms.save_checkpoint(nn.Dense(1, 1), str(file))
        mode = file.stat().st_mode & 0o777
    return Seen(mode == 0o400, f"mode {mode:04o}")
