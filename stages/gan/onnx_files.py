"""Networks as ONNX files, which run in any runtime of that format.

The graph is written from the layers of a plain network (see `plain`), one operator a layer, as
it computes in evaluation mode. MindSpore's own exporter writes transposed convolutions that
onnxruntime refuses, and batch norm for one size of batch only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from mindspore import nn
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Of 2022: onnxruntime reads it from 1.12 on, and nothing here needs a later one.
OPSET = 17
_IR_VERSION = 8
# The first axis of every input and output.
_BATCH = "N"


@dataclass(frozen=True)
class _Operator:
    """What a layer becomes; its weights are the inputs after the image or code."""

    name: str
    weights: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def write(
    file: Path,
    network: nn.SequentialCell,
    about: str,
    taken: tuple[str, Sequence[int]],
    given: Mapping[str, Sequence[int]],
) -> None:
    """Write one network.

    Parameters
    ----------
    file : Path
    network : nn.SequentialCell
        A plain one.
    about : str
        A sentence kept in the file.
    taken : (name, shape)
        The input; the shape is without its first axis, which may have any length.
    given : name to shape
        The outputs: what the last layer gives and, if a second is named, its sigmoid.
    """
    nodes, weights = [], []
    value, shape = taken
    operators = [(name, _operator(cell)) for name, cell in network.name_cells().items()]
    operators = [(name, one) for name, one in operators if one.name != "Identity"]
    last, *rest = given
    for index, (name, one) in enumerate(operators):
        kept = {f"{name}.{key}": array for key, array in one.weights.items()}
        weights += [numpy_helper.from_array(array, key) for key, array in kept.items()]
        result = last if index == len(operators) - 1 else f"{name}.output"
        nodes.append(
            helper.make_node(one.name, [value, *kept], [result], name=name, **one.attributes)
        )
        value = result
    nodes += [helper.make_node("Sigmoid", [last], [name], name=name) for name in rest]
    graph = helper.make_graph(
        nodes,
        file.stem,
        [_info(taken[0], shape)],
        [_info(*one) for one in given.items()],
        weights,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="gan-equilibrium",
        doc_string=about,
    )
    onnx.checker.check_model(model, full_check=True)
    file.write_bytes(model.SerializeToString(deterministic=True))


def run(file: Path, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What onnxruntime makes of an input: every output, in their order."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return session.run(None, {taken.name: values})


def _info(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *shape])


def _operator(cell: nn.Cell) -> _Operator:
    """The operator of a layer of MindSpore's.

    Raises
    ------
    TypeError
        If none is known.
    """
    if isinstance(cell, nn.Dense):
        return _Operator("Gemm", _weights(cell, "weight", "bias"), {"transB": 1})
    if isinstance(cell, nn.BatchNorm1d | nn.BatchNorm2d):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        return _Operator("BatchNormalization", _weights(cell, *names), {"epsilon": cell.eps})
    if isinstance(cell, nn.Conv2d | nn.Conv2dTranspose):
        name = "Conv" if isinstance(cell, nn.Conv2d) else "ConvTranspose"
        geometry = {
            "kernel_shape": list(cell.kernel_size),
            "strides": list(cell.stride),
            "pads": [cell.padding] * 4 if cell.pad_mode == "pad" else [0] * 4,
        }
        return _Operator(name, _weights(cell, "weight"), geometry)
    if isinstance(cell, nn.LeakyReLU):
        return _Operator("LeakyRelu", attributes={"alpha": float(cell.alpha)})
    if isinstance(cell, nn.Unflatten):
        # 0 stands for the length that the axis has.
        shape = np.array([0, *cell.unflattened_size], np.int64)
        return _Operator("Reshape", {"shape": shape})
    for kind, name in _WITHOUT_WEIGHTS.items():
        if isinstance(cell, kind):
            return _Operator(name)
    raise TypeError(f"no operator of ONNX is known for {type(cell).__name__}")


_WITHOUT_WEIGHTS = {
    nn.ReLU: "Relu",
    nn.ELU: "Elu",
    nn.Tanh: "Tanh",
    nn.Sigmoid: "Sigmoid",
    nn.Identity: "Identity",
    nn.Flatten: "Flatten",
}


def _weights(cell: nn.Cell, *names: str) -> dict[str, NDArray[np.float32]]:
    return {name: np.array(getattr(cell, name).asnumpy(), order="C") for name in names}
