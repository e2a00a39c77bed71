"""What ONNX Runtime computes: with an exported file, and with the layers of the page.

It has one thread here, so sums have the same order on any number of cores.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from stages.gan.pages.play.layers import Layer, load


def run_file(file: Path, inputs: NDArray[np.floating]) -> NDArray[np.float32]:
    """The first output of an exported network for inputs (N, ...).

    Raises
    ------
    UserError
        If the file is missing, or is no ONNX file.
    """
    return _first_output(load(file).SerializeToString(), inputs)


def run(layers: Sequence[Layer], inputs: NDArray[np.floating]) -> NDArray[np.float32]:
    """What layers with arrays make of inputs (N, ...): (N, outputs)."""
    return _first_output(_as_onnx(layers, inputs.shape[1:]).SerializeToString(), inputs)


def _first_output(model: bytes, inputs: NDArray[np.floating]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0].name
    return session.run(None, {taken: np.ascontiguousarray(inputs, np.float32)})[0]


def _as_onnx(layers: Sequence[Layer], shape: Sequence[int]) -> onnx.ModelProto:
    """An ONNX network of layers with arrays; in it channels always lie first."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    last = False
    value = "input"
    results: list[str] = []  # of each layer

    def add(operator: str, *arrays: NDArray[Any] | str, **options: Any) -> None:
        """Add an operator that takes the last value, and arrays or named values."""
        nonlocal value
        result = f"{len(nodes)}"
        names = []
        for place, array in enumerate(arrays):
            if not isinstance(array, str):
                name = f"{result}.{place}"
                constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
                array = name
            names.append(array)
        nodes.append(helper.make_node(operator, [value, *names], [result], **options))
        value = result

    def reshape(*sides: int) -> None:
        add("Reshape", np.array([0, *sides], np.int64))

    if len(shape) > 1:
        reshape(int(np.prod(shape)))
    for layer in layers:
        kind = layer["kind"]
        maps = [layer.get(name, 0) for name in ("channels", "height", "width")]
        if kind == "dense":
            if last:
                add("Transpose", perm=[0, 2, 3, 1])
                reshape(layer["inputs"])
                last = False
            add("Gemm", layer["weights"][0], layer["bias"])
        elif kind in ("convolution", "transposed_convolution"):
            transposed = kind == "transposed_convolution"
            weight = layer["weights"].reshape(*layer["kernel"], layer["inputs"], layer["outputs"])
            add(
                "ConvTranspose" if transposed else "Conv",
                weight.transpose((2, 3, 0, 1) if transposed else (3, 2, 0, 1)),
                layer["bias"],
                strides=[layer["stride"]] * 2,
                pads=[layer["padding"]] * 4,
            )
        elif kind == "channels_last":
            reshape(*maps)
            last = True
        elif kind == "channels_first":
            reshape(int(np.prod(maps)))
            last = False
        elif kind == "frame":
            reshape(*maps)
            edges = [layer[name] for name in ("top", "left", "bottom", "right")]
            add("Pad", np.array([0, 0, *edges[:2], 0, 0, *edges[2:]], np.int64), mode="edge")
            reshape(-1)
        elif kind == "doubling":
            add("Resize", "", np.array([1, 1, 2, 2], np.float32), mode="linear")
        elif kind == "halving":
            add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
        elif kind == "sum":
            add("Add", results[layer["of"]])
        elif kind == "leaky_relu":
            add("LeakyRelu", alpha=layer["slope"])
        else:
            add({"relu": "Relu", "elu": "Elu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[kind])
        results.append(value)
    graph = helper.make_graph(
        nodes,
        "packed",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", None])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
