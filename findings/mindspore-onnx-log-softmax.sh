#!/usr/bin/env bash
# MindSpore 2.10: nn.LogSoftmax over the channels of an image is exported as one over the whole image.
#
# Guess: nn.LogSoftmax(1) on (N, C, H, W) becomes ONNX's LogSoftmax with axis 1, and that is the same:
# the logarithms of each pixel's C probabilities, whose exponentials sum to 1 in each pixel.
#
# Seen: the file has axis 1, but declares opset 11. There LogSoftmax with axis 1 flattens channels, rows and
# columns into one row and normalises that; "each axis by itself" began with opset 13. So the sum
# over a pixel's channels is 1/64 for 8 x 8 pixels on average, and 1 over the image. nn.Softmax(1) beside it
# is exported with a transposition and is right; LogSoftmax(1) on (N, C) is right. onnx.checker passes.
#
# Why it matters: the classes of a segmentation still come out in the right order in each pixel (the difference is the
# same for all classes of one), so an eye sees nothing; every probability, likelihood and threshold is wrong.
# Instead: export the logits and take the logarithm of the softmax in the runtime; or ops.log(nn.Softmax(1)(x)), or
# transpose so that the classes come last (both checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' onnx==1.23.2 onnxruntime==1.24.3 2>/dev/null
cd "$work"
cat > "$work/softmax.py" <<'P'
import mindspore as ms
import numpy as np
import onnx
import onnxruntime
from mindspore import nn, ops

class Logarithm(nn.Cell):
    def construct(self, x):
        return ops.log(x)

class Last(nn.Cell):
    """The classes last, the softmax there, and back."""
    def __init__(self):
        super().__init__()
        self.softmax = nn.LogSoftmax(-1)
    def construct(self, x):
        return ops.transpose(self.softmax(ops.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))

print("mindspore", ms.__version__, "onnxruntime", onnxruntime.__version__)
rng = np.random.default_rng(0)
image, row = (rng.standard_normal(shape).astype(np.float32) for shape in ((1, 3, 8, 8), (2, 5)))
cases = {  # name: network, input, whether the file is right
    "LogSoftmax(1), image": (nn.LogSoftmax(1), image, False),
    "LogSoftmax(1), row (control)": (nn.LogSoftmax(1), row, True),
    "Softmax(1), image (control)": (nn.Softmax(1), image, True),
    "log of Softmax(1), image (control)": (nn.SequentialCell(nn.Softmax(1), Logarithm()), image, True),
    "classes last, image (control)": (Last(), image, True),
}
changed = []
for number, (name, (net, x, sound)) in enumerate(cases.items()):
    file = f"{number}.onnx"
    want = net(ms.Tensor(x)).asnumpy()
    ms.export(net, ms.Tensor(x), file_name=file, file_format="ONNX")
    model = onnx.load(file)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(file)
    got = session.run(None, {session.get_inputs()[0].name: x})[0]
    same = np.allclose(got, want, atol=1e-4)
    total = (got if name.startswith("Softmax") else np.exp(got)).sum(1).mean()
    print(f"{name}: opset {model.opset_import[0].version}; off by {abs(got - want).max():.2g}; "
          f"probabilities sum to {total:.4f}; same order {np.array_equal(got.argmax(1), want.argmax(1))}")
    if sound: assert same, "control"
    elif same or not np.isclose(total, 1 / 64): changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/softmax.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
