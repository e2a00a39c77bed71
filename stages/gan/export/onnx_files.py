"""Writes and runs networks as ONNX files, which any ONNX runtime can read.

The graph has one operator for each layer of a plain network (see `plain`) in evaluation mode.
MindSpore's own exporter cannot be used: onnxruntime refuses its transposed convolutions, and its
batch norm has a fixed batch size.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from mindspore import nn
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.export.plain.composed import Doubling, Residual
from stages.gan.layers import Tanh

# From 2022: onnxruntime reads it from version 1.12 on, and nothing here needs a later opset.
OPSET = 17
_IR_VERSION = 8
# The first axis of every input and output.
_BATCH = "N"
# The largest file that protobuf can write, less some room for the graph.
_MOST_BYTES = 2**31 - 2**20
_WITHOUT_WEIGHTS = {
    nn.ReLU: "Relu",
    nn.ELU: "Elu",
    nn.Sigmoid: "Sigmoid",
    Tanh: "Tanh",
    nn.Flatten: "Flatten",
}


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
        A plain network.
    about : str
        A sentence that is stored in the file.
    taken : (name, shape)
        The input. The shape is without the first axis, which may have any length.
    given : name to shape
        The outputs: the last layer's output and, if there is a second name, its sigmoid.

    Raises
    ------
    UserError
        If the network is too large for one file.
    """
    size = sum(4 * parameter.size for parameter in network.get_parameters())
    if size > _MOST_BYTES:
        raise UserError(
            _(
                "{name} would have {size:,} bytes, valid is up to {most:,}: set smaller widths"
            ).format(name=file.name, size=size, most=_MOST_BYTES)
        )
    graph = _Graph()
    value, shape = taken
    last, *rest = given
    graph.add_row("", network, value, last)
    for name in rest:
        graph.add("Sigmoid", [last], name)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            file.stem,
            [_info(taken[0], shape)],
            [_info(*one) for one in given.items()],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="gan-equilibrium",
        doc_string=about,
    )
    onnx.checker.check_model(model, full_check=True)
    file.write_bytes(model.SerializeToString(deterministic=True))


def run(file: Path, *batches: NDArray[np.float32]) -> list[list[NDArray[np.float32]]]:
    """Load a file in onnxruntime, and return all its outputs for each batch, in order."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return [session.run(None, {taken.name: batch}) for batch in batches]


def _info(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *shape])


class _Graph:
    """Operators in the order of computation, and the constants that they use."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, taken: Sequence[str], result: str, **attributes: Any) -> str:
        """Append one operator; its only output is `result`."""
        self.nodes.append(helper.make_node(operator, taken, [result], name=result, **attributes))
        return result

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Append a constant."""
        self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def add_row(self, prefix: str, network: nn.SequentialCell, taken: str, result: str) -> None:
        """Append the operators of layers, one after the other."""
        cells = [
            (f"{prefix}{name}", cell)
            for name, cell in network.name_cells().items()
            if not isinstance(cell, nn.Identity)
        ]
        for index, (name, cell) in enumerate(cells):
            value = result if index == len(cells) - 1 else f"{name}.output"
            self.add_layer(name, cell, taken, value)
            taken = value

    def add_layer(self, name: str, cell: nn.Cell, taken: str, result: str) -> None:
        """Append the operator of a MindSpore layer.

        Raises
        ------
        TypeError
            If no operator is known for the layer, or ONNX would compute another result.
        """

        def add(operator: str, *weights: str, **attributes: Any) -> None:
            values = {f"{name}.{weight}": getattr(cell, weight).asnumpy() for weight in weights}
            constants = [self.constant(*one) for one in values.items()]
            self.add(operator, [taken, *constants], result, **attributes)

        if isinstance(cell, nn.Dense):
            add("Gemm", "weight", "bias", transB=1)
        elif isinstance(cell, nn.BatchNorm1d | nn.BatchNorm2d):
            statistics = ("moving_mean", "moving_variance")
            add("BatchNormalization", "gamma", "beta", *statistics, epsilon=cell.eps)
        elif isinstance(cell, nn.Conv2d | nn.Conv2dTranspose):
            # MindSpore pads "same" otherwise than ONNX, and fills `output_padding` with zeros.
            if cell.pad_mode == "same" or getattr(cell, "output_padding", 0):
                raise TypeError(
                    f"{name} has pad_mode {cell.pad_mode!r}, or output_padding: valid are "
                    '"pad" and "valid" without output_padding'
                )
            padding = cell.padding if cell.pad_mode == "pad" else 0
            add(
                "Conv" if isinstance(cell, nn.Conv2d) else "ConvTranspose",
                *(("weight", "bias") if cell.has_bias else ("weight",)),
                kernel_shape=cell.kernel_size,
                strides=cell.stride,
                pads=[padding] * 4,
            )
        elif isinstance(cell, nn.AvgPool2d):
            sides = {"kernel_shape": cell.kernel_size, "strides": cell.stride}
            add("AveragePool", **{name: [side] * 2 for name, side in sides.items()})
        elif isinstance(cell, Doubling):
            scales = self.constant(f"{name}.scales", np.array([1, 1, 2, 2], np.float32))
            self.add("Resize", [taken, "", scales], result, mode="linear")
        elif isinstance(cell, Residual):
            inner = f"{name}.layers.output"
            self.add_row(f"{name}.layers.", cell.layers, taken, inner)
            self.add("Add", [inner, taken], result)
        elif isinstance(cell, nn.LeakyReLU):
            add("LeakyRelu", alpha=float(cell.alpha))
        elif isinstance(cell, nn.Unflatten):
            # 0 means: the axis keeps its length.
            shape = self.constant(f"{name}.shape", np.array([0, *cell.unflattened_size], np.int64))
            self.add("Reshape", [taken, shape], result)
        elif type(cell) in _WITHOUT_WEIGHTS:
            add(_WITHOUT_WEIGHTS[type(cell)])
        else:
            raise TypeError(f"no ONNX operator is known for {type(cell).__name__}")
