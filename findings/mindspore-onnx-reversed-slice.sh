#!/usr/bin/env bash
# MindSpore 2.10: `x[:, ::-1]` (channels or columns turned round) becomes an empty tensor in the exported ONNX file.
#
# Guess: a slice with step -1 runs in MindSpore, and ONNX's Slice has negative steps, so the file holds it. What
# the exporter cannot do it refuses with an error, as it does for many operations.
#
# Seen: the file's Slice runs from 0 to the length with step -1, which is no element at all; from the last
# to before the first is meant. Export and onnx.checker pass, and the file still declares the full shape.
# ops.flip of the same axis, x[:, ::2] and x[:, 2:0:-1] are exported rightly.
#
# Why it matters: turning RGB to BGR, or mirroring, is often a network's last line. The runtime gives an image of 0
# channels; before a concat there is no error either, as the other part alone comes out.
# Instead: ops.flip(x, (1,)), which is right in MindSpore and in the file (checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' onnx==1.23.2 onnxruntime==1.24.3 2>/dev/null
cd "$work"
cat > "$work/slices.py" <<'P'
import mindspore as ms
import numpy as np
import onnx
import onnxruntime
from mindspore import nn, ops

class Channels(nn.Cell):
    def construct(self, x):
        return x[:, ::-1]

class Columns(nn.Cell):
    def construct(self, x):
        return x[:, :, :, ::-1]

class Both(nn.Cell):
    def construct(self, x):
        return ops.concat((x, x[:, ::-1]), 1)

class Flip(nn.Cell):
    def construct(self, x):
        return ops.flip(x, (1,))

class Second(nn.Cell):
    def construct(self, x):
        return x[:, ::2]

class Part(nn.Cell):
    def construct(self, x):
        return x[:, 2:0:-1]

print("mindspore", ms.__version__, "onnxruntime", onnxruntime.__version__)
onnxruntime.set_default_logger_severity(4)
image = np.random.default_rng(0).standard_normal((1, 3, 4, 5)).astype(np.float32)
cases = {  # name: network, the shape that comes out of the file
    "x[:, ::-1]": (Channels(), (1, 0, 4, 5)),
    "x[:, :, :, ::-1]": (Columns(), (1, 3, 4, 0)),
    "concat of x and x[:, ::-1]": (Both(), (1, 3, 4, 5)),
    "ops.flip(x, (1,)) (control)": (Flip(), None),
    "x[:, ::2] (control)": (Second(), None),
    "x[:, 2:0:-1] (control)": (Part(), None),
}
changed = []
for number, (name, (net, wrong)) in enumerate(cases.items()):
    file = f"{number}.onnx"
    want = net(ms.Tensor(image)).asnumpy()
    ms.export(net, ms.Tensor(image), file_name=file, file_format="ONNX")
    model = onnx.load(file)
    onnx.checker.check_model(model)
    declared = tuple(d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim)
    session = onnxruntime.InferenceSession(file)
    got = session.run(None, {session.get_inputs()[0].name: image})[0]
    same = got.shape == want.shape and np.array_equal(got, want)
    print(f"{name}: MindSpore {want.shape}, declared {declared}, onnxruntime {got.shape} {'equal' if same else 'WRONG'}")
    assert declared == want.shape, "control"
    if wrong is None: assert same, "control"
    elif got.shape != wrong: changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/slices.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
