#!/usr/bin/env bash
# MindSpore 2.10: four different paddings of a convolution stand in another order in the exported ONNX file.
#
# Guess: nn.Conv2d(..., pad_mode="pad", padding=(top, bottom, left, right)) is exported with ONNX's pads [top, left,
# bottom, right], as the padding=1 of everyday is. What ONNX could not express would be an error.
#
# Seen: the four numbers are copied as they stand, so ONNX takes MindSpore's bottom for its left and the
# left for its bottom. Export and onnx.checker pass. After nn.Conv2d the image has another height and width;
# after nn.Conv2dTranspose the shape is right (it is written down in the file) and the values are wrong,
# by more than the largest value. One number, or bottom equal to left, is right.
#
# Why it matters: TensorFlow's "same" at stride 2 is (0, 1, 0, 1); a network ported from there is exported
# without an error, and gives 3 x 4 maps for 4 x 4, or wrong images of the right size.
# Instead: pad by itself with nn.Pad and use pad_mode="valid" (checked below); compare each export with
# the network in onnxruntime, on an image that is not square.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' onnx==1.23.2 onnxruntime==1.24.3 2>/dev/null
cd "$work"
cat > "$work/pads.py" <<'P'
import mindspore as ms
import numpy as np
import onnx
import onnxruntime
from mindspore import nn

print("mindspore", ms.__version__, "onnxruntime", onnxruntime.__version__)
image = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)
cases = {  # name: network, the pads that ONNX needs, whether the file is right
    "Conv2d (1, 1, 1, 1) (control)": (nn.Conv2d(3, 4, 3, pad_mode="pad", padding=(1, 1, 1, 1)), [1, 1, 1, 1], True),
    "Conv2d (0, 1, 0, 1)": (nn.Conv2d(3, 4, 3, 2, pad_mode="pad", padding=(0, 1, 0, 1)), [0, 0, 1, 1], False),
    "Conv2d (2, 0, 1, 1)": (nn.Conv2d(3, 4, 3, pad_mode="pad", padding=(2, 0, 1, 1)), [2, 1, 0, 1], False),
    "Conv2d (0, 1, 2, 0)": (nn.Conv2d(3, 4, 3, pad_mode="pad", padding=(0, 1, 2, 0)), [0, 2, 1, 0], False),
    "Conv2dTranspose (0, 1, 2, 1)": (
        nn.Conv2dTranspose(3, 4, 4, 2, pad_mode="pad", padding=(0, 1, 2, 1)), [0, 2, 1, 1], False),
    "Pad and Conv2d valid (control)": (
        nn.SequentialCell(nn.Pad(((0, 0), (0, 0), (0, 1), (0, 1))), nn.Conv2d(3, 4, 3, 2, pad_mode="valid")),
        [0, 0, 0, 0], True),
}
changed = []
for number, (name, (net, pads, sound)) in enumerate(cases.items()):
    net.set_train(False)
    file = f"{number}.onnx"
    want = net(ms.Tensor(image)).asnumpy()
    ms.export(net, ms.Tensor(image), file_name=file, file_format="ONNX")
    model = onnx.load(file)
    onnx.checker.check_model(model)
    written = next((list(a.ints) for n in model.graph.node for a in n.attribute
                    if a.name == "pads" and n.op_type.startswith("Conv")), None)
    session = onnxruntime.InferenceSession(file)
    got = session.run(None, {session.get_inputs()[0].name: image})[0]
    same = got.shape == want.shape and np.allclose(got, want, atol=1e-4)
    how = "equal" if same else (f"shape {got.shape[2:]} for {want.shape[2:]}" if got.shape != want.shape
                                else f"off by {abs(got - want).max():.2f}, largest value {abs(want).max():.2f}")
    print(f"{name}: ONNX pads {written}, needed {pads}; onnxruntime: {how}")
    if sound: assert same, "control"
    elif same: changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/pads.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
