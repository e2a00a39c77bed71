#!/usr/bin/env bash
# MindSpore 2.10: `ms.export(net, ..., file_format="ONNX")` of one network works once in a process.
#
# Guess: export reads the network and writes a file; it can be called after each epoch, as it can with
# file_format="MINDIR", and as torch.onnx.export can.
#
# Seen: the second call raises "i: 3 out of range: 3, cnode: ...", an internal error, for networks with
# Dense, or with Conv2dTranspose and BatchNorm. A Conv2d without bias goes through. MINDIR is fine, before
# and after. The first file stays where it is. It seems that the first call keeps a graph that it has
# rewritten for ONNX with the network object, because a new object around the same network goes through.
#
# Why it matters: a generator exported at each checkpoint is exported at the first one only. Where the
# error is caught and logged, generator.onnx holds the first epoch's weights to the end of training.
# Instead: wrap the network anew for each export, `ms.export(nn.SequentialCell(net), ...)` (same weights,
# checked below); or export once, after training.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/twice.py" <<'P'
import hashlib, pathlib, struct
import mindspore as ms
import numpy as np
from mindspore import nn

def attempt(net, shape, kind):
    """Export and say in one word how it went."""
    try:
        ms.export(net, ms.Tensor(np.ones(shape, np.float32)), file_name="g", file_format=kind)
        return "written"
    except RuntimeError as error:
        assert "out of range" in str(error), error
        return f"RuntimeError {str(error)[:22]}..."

def digest():
    return hashlib.sha256(pathlib.Path("g.onnx").read_bytes()).hexdigest()[:8]

def bias():
    """Which of the two epochs' biases (four times the same float) the file holds."""
    content = pathlib.Path("g.onnx").read_bytes()
    return [value for value in (1.0, 2.0) if struct.pack("<4f", *[value] * 4) in content]

print("mindspore", ms.__version__)
code = (2, 8)
nets = {
    "Dense": (nn.SequentialCell(nn.Dense(8, 4), nn.Tanh()), code),
    "Dense, BatchNorm, ReLU": (nn.SequentialCell(nn.Dense(8, 4), nn.BatchNorm1d(4), nn.ReLU()), code),
    "Conv2dTranspose, BatchNorm": (
        nn.SequentialCell(nn.Conv2dTranspose(4, 3, 4, 2, pad_mode="pad", padding=1), nn.BatchNorm2d(3)), (1, 4, 4, 4)),
    "Conv2d (control)": (nn.SequentialCell(nn.Conv2d(4, 3, 4, 2, pad_mode="pad", padding=1), nn.Tanh()), (1, 4, 4, 4)),
}
changed = []
for name, (net, shape) in nets.items():
    net.set_train(False)
    seen = [attempt(net, shape, kind) for kind in ("MINDIR", "MINDIR", "ONNX", "ONNX", "MINDIR")]
    print(f"{name}: MINDIR {seen[0]}, again {seen[1]}; ONNX {seen[2]}, again {seen[3]}; MINDIR {seen[4]}")
    assert [seen[0], seen[1], seen[2], seen[4]] == ["written"] * 4, "control"
    if (seen[3] == "written") != name.endswith("(control)"): changed.append(name)

net = nn.SequentialCell(nn.Dense(8, 4), nn.Tanh())
net.set_train(False)
for epoch in (1, 2):  # a training step would move the weights; here the bias is set
    net[0].bias[:] = float(epoch)
    how = attempt(net, code, "ONNX")
    print(f"epoch {epoch}: {how}; bias in g.onnx {bias()} (file {digest()})")
    if (how, bias()) != ("written", [1.0]) and epoch == 1: changed.append("epoch 1")
if how == "written" or bias() != [1.0]: changed.append("epoch 2")
how = attempt(nn.SequentialCell(net).set_train(False), code, "ONNX")
print(f"epoch 2, wrapped anew: {how}; bias in g.onnx {bias()}")
assert (how, bias()) == ("written", [2.0]), "the way round it"
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/twice.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
