#!/usr/bin/env bash
# OpenCV 5.0: an upsampling layer as MindSpore exports it comes out a row and a column too large, and so does the image.
#
# Guess: a ConvTranspose with kernel 4, stride 2, pads 1 and output_shape = the doubled size gives the doubled
# size in each runtime, with output_shape or without it, as pads and strides say the same.
#
# Seen: without output_shape 5 x 5 becomes 10 x 10 and agrees with onnxruntime. With output_shape [10, 10] OpenCV gives 11 x 11,
# in both engines: it reads the attribute as one row and column more. Kernel 3, where one more is meant, is right. In
# a generator of three such layers 4 x 4 becomes 39 x 39, not 32 x 32, without an error.
#
# Why it matters: kernel 4, stride 2 is DCGAN's layer, and MindSpore 2.10 writes output_shape into each
# Conv2dTranspose that it exports. An app on OpenCV shows images of another size.
# Instead: delete the attribute where pads and strides already give that size (checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/ms"; python3 -m venv "$work/cv"
"$work/ms/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
"$work/cv/bin/pip" install -q --no-compile opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.24.3 'numpy==2.2.6' 2>/dev/null
cd "$work"
cat > "$work/export.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

def layer(kernel):
    return nn.Conv2dTranspose(3, 3, kernel, stride=2, pad_mode="pad", padding=1)

ms.set_seed(1)
ms.export(layer(4), Tensor(np.zeros((1, 3, 5, 5), np.float32)), file_name="one.onnx", file_format="ONNX")
three = nn.SequentialCell(layer(4), nn.Tanh(), layer(4), nn.Tanh(), layer(4))
ms.export(three, Tensor(np.zeros((1, 3, 4, 4), np.float32)), file_name="three.onnx", file_format="ONNX")
print("mindspore", ms.__version__)
P
cat > "$work/run.py" <<'P'
import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(0)

def run(model, size, engine):
    """Shape of OpenCV's result, and its largest difference from onnxruntime's in the part that both have."""
    onnx.checker.check_model(model)
    file = model.SerializeToString()
    x = rng.standard_normal((1, 3, size, size)).astype(np.float32)
    session = onnxruntime.InferenceSession(file)
    right = session.run(None, {session.get_inputs()[0].name: x})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8), engine)
    net.setInput(x)
    got = net.forward()
    rows, columns = right.shape[2:]
    return right.shape[2:], got.shape[2:], float(abs(got[:, :, :rows, :columns] - right).max())

def without(model):
    """The same file without the attribute."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for node in model.graph.node:
        for attribute in [a for a in node.attribute if a.name == "output_shape"]:
            node.attribute.remove(attribute)
    return model

def small(kernel, **more):
    """One ConvTranspose by hand, 5 x 5 to 10 x 10, where output_shape has the two sizes only."""
    weight = rng.standard_normal((3, 3, kernel, kernel)).astype(np.float32)
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], pads=[1] * 4, **more)
    graph = helper.make_graph(
        [node], "one", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 10, 10])], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)

print("opencv", cv2.__version__, "onnxruntime", onnxruntime.__version__)
one, three = onnx.load("one.onnx"), onnx.load("three.onnx")
changed = []
for name, model, size, right, wrong in (
    ("kernel 4, output_shape [10, 10]", small(4, output_shape=[10, 10]), 5, (10, 10), (11, 11)),
    ("MindSpore's layer", one, 5, (10, 10), (11, 11)),
    ("MindSpore's three layers", three, 4, (32, 32), (39, 39)),
    ("kernel 4, control", small(4), 5, (10, 10), None),
    ("kernel 3, output_shape [10, 10], control", small(3, output_shape=[10, 10]), 5, (10, 10), None),
    ("MindSpore's layer without output_shape, control", without(one), 5, (10, 10), None),
    ("MindSpore's three layers without output_shape, control", without(three), 4, (32, 32), None),
):
    for engine in ("NEW", "CLASSIC"):
        want, got, off = run(model, size, getattr(cv2.dnn, "ENGINE_" + engine))
        print(f"   {name}, {engine}: onnxruntime {want}, OpenCV {got}, off by {off:.1g} in the common part")
        assert want == right, "control"
        if wrong is None: assert got == right and off < 1e-4, "control"
        elif got != wrong: changed.append(f"{name}, {engine}")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/ms/bin/python" "$work/export.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
"$work/cv/bin/python" "$work/run.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
