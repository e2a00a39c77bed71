#!/usr/bin/env bash
# OpenCV 5.0: an ONNX convolution or pooling with "same" padding and stride 2 is computed a pixel off.
#
# Guess: cv2.dnn gives what onnxruntime gives for auto_pad SAME_UPPER, as OpenCV 4 does; where the padding is
# odd, the larger half stands at the end.
#
# Seen: the new engine, which is the default, sets (kernel - 1) // 2 in front whatever the mode, the stride and the
# size. For kernel 3 or 5, stride 2 and an even size that is SAME_LOWER: off by as much as the largest
# values, in the right shape, for Conv, MaxPool and AveragePool. SAME_LOWER fails in the same way for
# an even kernel with stride 1. Right: even paddings, pads written out, and the engine of OpenCV 4
# (ENGINE_CLASSIC) for SAME_UPPER.
#
# Why it matters: MindSpore's "same" is written as SAME_UPPER, and kernel 3 with stride 2 is common in
# classifiers and discriminators. After pip install -U the same file and the same code give other scores.
# Instead: readNetFromONNX(file, cv2.dnn.ENGINE_CLASSIC), or a file with pads in numbers (both checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.24.3 'numpy==2.2.6' 2>/dev/null
cd "$work"
cat > "$work/same.py" <<'P'
import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(0)
x = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)

def results(kind, kernel, stride, engine, **padding):
    """onnxruntime's and OpenCV's result of one layer."""
    weight = rng.standard_normal((4, 3, kernel, kernel)).astype(np.float32)
    conv = kind == "Conv"
    node = helper.make_node(
        kind, ["x", "w"] if conv else ["x"], ["y"], kernel_shape=[kernel] * 2, strides=[stride] * 2, **padding)
    size = 8 // stride
    graph = helper.make_graph(
        [node], "one", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4 if conv else 3, size, size])],
        [numpy_helper.from_array(weight, "w")] if conv else [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "one.onnx")
    right = onnxruntime.InferenceSession("one.onnx").run(None, {"x": x})[0]
    net = cv2.dnn.readNetFromONNX("one.onnx", engine)
    net.setInput(x)
    return right, net.forward()

print("opencv", cv2.__version__, "onnxruntime", onnxruntime.__version__)
auto, classic = cv2.dnn.ENGINE_AUTO, cv2.dnn.ENGINE_CLASSIC
upper, lower, numbers = {"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"}, {"pads": [0, 0, 1, 1]}
changed = []
for kind in ("Conv", "MaxPool", "AveragePool"):
    for name, kernel, stride, engine, padding, sound in (
        ("SAME_UPPER", 3, 2, auto, upper, False),
        ("SAME_UPPER", 5, 2, auto, upper, False),
        ("SAME_LOWER", 4, 1, auto, lower, False),
        ("SAME_LOWER", 3, 2, auto, lower, True),
        ("SAME_UPPER, an even padding", 4, 2, auto, upper, True),
        ("pads 0 0 1 1", 3, 2, auto, numbers, True),
        ("SAME_UPPER, classic engine", 3, 2, classic, upper, True),
    ):
        right, got = results(kind, kernel, stride, engine, **padding)
        off = abs(right - got).max()
        print(f"{kind}, kernel {kernel}, stride {stride}, {name}: off by {off:.2g}, largest value {abs(right).max():.2g}")
        assert got.shape == right.shape, "control"
        if sound: assert off < 1e-4, f"control: {kind}, {name}"
        elif off < 0.1: changed.append(f"{kind}, {name}")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
"$work/venv/bin/python" "$work/same.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
