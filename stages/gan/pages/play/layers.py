"""The layers of a trained network, one after the other, as the page's engine computes them.

A layer is a dict of its kind and sizes, with `weights` (taps, inputs, outputs) and `bias`
(outputs,) in float32 where it has any; a tap is a place of a convolution's kernel. Batch norm is
folded into the weights before it. Layers with maps take and give them channels last.

    dense                    inputs, outputs
    convolution              height, width (of what it takes), inputs, outputs, kernel, stride,
    transposed_convolution   padding
    relu leaky_relu elu tanh sigmoid     size; slope
    channels_last            channels, height, width: (C, H, W) becomes (H, W, C)
    channels_first           the same sizes: back
    doubling halving         channels, height, width (of what it takes), channels last: by bilinear
                             interpolation to twice or half as many pixels along each axis
    sum                      of: the place of an earlier layer, whose result is added; size
    frame                    (C, H, W) and top, bottom, left, right: copies of its edge around it
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from mindspore import nn
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, to_terminal
from stages.gan.layers.normalisation import NormalisedActivation
from stages.gan.networks.dcgan.convolution import Convolution, columns_to_conv

Layer = dict[str, Any]

# Operators that take maps, with channels last here.
_OF_MAPS = ("Conv", "ConvTranspose", "Resize", "AveragePool")

_ACTIVATIONS = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
}


class _Row:
    """Layers in the order of computation, and the shape of what the last one gives."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.layers: list[Layer] = []
        self.shape = tuple(shape)
        self.last = False  # whether channels lie last

    def dense(self, weight: NDArray[np.floating], bias: NDArray[np.floating]) -> None:
        """`weight` is (inputs, outputs)."""
        inputs, outputs = weight.shape
        self._add("dense", inputs=inputs, outputs=outputs, weights=weight[None], bias=bias)
        self.shape = (outputs,)

    def convolution(
        self,
        weight: NDArray[np.floating],
        stride: int,
        padding: int,
        transposed: bool,
        bias: NDArray[np.floating] | None = None,
    ) -> None:
        """`weight` is (kernel height, kernel width, inputs, outputs)."""
        self.maps()
        *kernel, inputs, outputs = weight.shape
        _, height, width = self.shape
        self._add(
            "transposed_convolution" if transposed else "convolution",
            height=height,
            width=width,
            inputs=inputs,
            outputs=outputs,
            kernel=kernel,
            stride=stride,
            padding=padding,
            weights=weight.reshape(-1, inputs, outputs),
            bias=np.zeros(outputs) if bias is None else bias,
        )
        sides = (
            (side - 1) * stride + taps - 2 * padding
            if transposed
            else (side + 2 * padding - taps) // stride + 1
            for side, taps in zip((height, width), kernel, strict=True)
        )
        self.shape = (outputs, *sides)

    def normalisation(
        self, gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float
    ) -> None:
        """Fold it into the weights of the layer before it.

        Raises
        ------
        TypeError
            If that layer has none.
        """
        before = self.layers[-1] if self.layers else {}
        if "weights" not in before:
            raise TypeError("batch norm follows a layer without weights: it cannot be folded")
        factor = np.asarray(gamma, np.float64) / np.sqrt(np.asarray(variance, np.float64) + epsilon)
        before["weights"] = before["weights"] * factor
        before["bias"] = (before["bias"] - mean) * factor + beta

    def activation(self, name: str, slope: float) -> None:
        """By its name in params.yaml."""
        self._add(name, size=math.prod(self.shape), **{"slope": slope} if "leaky" in name else {})

    def resampling(self, name: str, factor: float) -> None:
        """`doubling` or `halving`."""
        self.maps()
        channels, height, width = self.shape
        self._add(name, channels=channels, height=height, width=width)
        self.shape = (channels, int(height * factor), int(width * factor))

    def sum(self, of: int) -> None:
        """Add the result of the layer at the place `of`."""
        self._add("sum", size=math.prod(self.shape), of=of)

    def maps(self) -> None:
        """From here on channels lie last."""
        if not self.last:
            self._reorder("channels_last")

    def rows(self) -> None:
        """From here on what comes are plain numbers, in the order of (C, H, W)."""
        if self.last:
            self._reorder("channels_first")

    def frame(self, channels_height_width: Sequence[int], edges: dict[str, int]) -> None:
        """Put copies of an image's edge around it."""
        sizes = dict(zip(("channels", "height", "width"), channels_height_width, strict=True))
        self._add("frame", **sizes, **edges)
        channels, height, width = channels_height_width
        self.shape = (
            channels, height + edges["top"] + edges["bottom"],
            width + edges["left"] + edges["right"],
        )  # fmt: skip

    def finished(self) -> list[Layer]:
        """All layers; what they give is in the order of (C, H, W)."""
        self.rows()
        for layer in self.layers:
            for name in {"weights", "bias"} & set(layer):
                layer[name] = layer[name].astype(np.float32)
        return self.layers

    def _reorder(self, kind: str) -> None:
        channels, height, width = self.shape
        self._add(kind, channels=channels, height=height, width=width)
        self.last = kind == "channels_last"

    def _add(self, kind: str, **values: Any) -> None:
        self.layers.append({"kind": kind, **values})


@to_terminal()
def load(file: Path) -> onnx.ModelProto:
    """Read a file that the stage export wrote.

    Raises
    ------
    UserError
        If it is missing, or is no ONNX file.
    """
    try:
        return onnx.load(file)
    except FileNotFoundError:
        raise UserError(_("{file} is missing: run `dvc repro` first").format(file=file)) from None
    except Exception as error:  # protobuf's errors have no common class of their own
        raise UserError(
            _("{file} is damaged ({error}): remove it and run `dvc repro`").format(
                file=file, error=error
            )
        ) from None


def from_onnx(file: Path) -> list[Layer]:
    """The layers from the input to the first output of a file that the stage export wrote.

    Raises
    ------
    UserError
        If the file is missing, or is no ONNX file.
    TypeError
        If an operator is not known here.
    """
    model = load(file)
    graph = model.graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    (taken,) = graph.input
    row = _Row([axis.dim_value for axis in taken.type.tensor_type.shape.dim[1:]])
    places: dict[str, int] = {}  # of the layer that gives a value, in the order last used
    for node in _way(graph):
        if node.op_type in _OF_MAPS:
            row.maps()
        places[node.input[0]] = len(row.layers) - 1
        options = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        values = [constants[name].astype(np.float64) for name in node.input if name in constants]
        if node.op_type == "Gemm":
            row.dense(values[0].T, values[1])
        elif node.op_type in ("Conv", "ConvTranspose"):
            transposed = node.op_type == "ConvTranspose"
            row.convolution(
                values[0].transpose((2, 3, 0, 1) if transposed else (2, 3, 1, 0)),
                options["strides"][0],
                options["pads"][0],
                transposed,
                *values[1:],
            )
        elif node.op_type == "Resize":
            row.resampling("doubling", 2)
        elif node.op_type == "AveragePool":
            row.resampling("halving", 0.5)
        elif node.op_type == "Add":
            row.sum(places[node.input[1]])
        elif node.op_type == "BatchNormalization":
            gamma, beta, mean, variance = values
            row.normalisation(gamma, beta, mean, variance, options["epsilon"])
        elif node.op_type in _ACTIVATIONS:
            row.activation(_ACTIVATIONS[node.op_type], options.get("alpha", 0.0))
        elif node.op_type == "Reshape":
            row.rows()
            row.shape = tuple(int(side) for side in values[0][1:])
        elif node.op_type == "Flatten":
            row.rows()
            row.shape = (math.prod(row.shape),)
        else:
            raise TypeError(f"{file}: the page knows no operator {node.op_type}")
    return row.finished()


def _way(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The operators up to the first output. Each takes what the one before it gives."""
    value = graph.input[0].name
    for node in graph.node:
        if node.input[0] != value:
            raise TypeError(f"{node.name} does not follow the operator before it")
        yield node
        value = node.output[0]
        if value == graph.output[0].name:
            return


def from_judge(network: nn.Cell, image_shape: Sequence[int]) -> list[Layer]:
    """The layers of a judge from images to logits.

    Parameters
    ----------
    network : nn.Cell
        The classifier of the room evaluation.judge: convolutions, a dense layer and another, each
        but the last followed by batch norm and an activation; images are framed so that each
        convolution can halve their sides.
    image_shape : (channels, height, width)
    """
    row = _Row(image_shape)
    cells = [
        cell
        for _, cell in network.cells_and_names()
        if isinstance(cell, Convolution | nn.Dense | NormalisedActivation)
    ]
    halvings = sum(isinstance(cell, Convolution) for cell in cells)
    missing = [-side % 2**halvings for side in image_shape[1:]]
    if any(missing):
        down, right = missing
        row.frame(
            image_shape,
            {
                "top": down // 2, "bottom": down - down // 2,
                "left": right // 2, "right": right - right // 2,
            },
        )  # fmt: skip
    for cell in cells:
        if isinstance(cell, Convolution):
            weight = columns_to_conv(cell.weight.asnumpy()).transpose(2, 3, 1, 0)
            row.convolution(weight.astype(np.float64), 2, 1, False)
        elif isinstance(cell, NormalisedActivation):
            parameters = (cell.gamma, cell.beta, cell.moving_mean, cell.moving_variance)
            gamma, beta, mean, variance = (one.asnumpy() for one in parameters)
            row.normalisation(gamma, beta, mean, variance, cell.epsilon)
            row.activation("leaky_relu", cell.activation.plain().slope)
        else:  # of channels-last maps, as the classifier flattens them
            bias = cell.bias.asnumpy() if cell.has_bias else 0.0
            weight = cell.weight.asnumpy().T.astype(np.float64)
            row.dense(weight, np.zeros(weight.shape[1]) + bias)
            row.last = False
    return row.finished()
