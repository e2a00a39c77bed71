#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, `x.argmax()` takes the largest of each row, not of the whole tensor.
#
# Guess: without an axis, Tensor.argmax() gives the index of the largest element of all, as its documentation says (axis=None),
# as NumPy's and PyTorch's do, and as argmin() does.
#
# Seen: without jit it does. In jit (and in a Cell in graph mode) its axis is -1: for (2, 3) it gives two indices, not one
# number, and no error. argmax(None), argmin(), ops.argmax(x) and mindspore.numpy.argmax(x) are right in jit.
#
# Why it matters: the place of the brightest pixel or of the largest weight is another tensor once the function is compiled, and
# it goes on silently by broadcasting: (x.argmax() == target).sum() is 2 (checked below), where it was 1.
# Instead: always give the axis, also None.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/largest.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

VALUES = np.array([[0.0, 5.0, 1.0], [0.0, 4.0, 1.0]], np.float32)  # the largest is element 1 of all, and of each row
x = Tensor(VALUES)

class Largest(nn.Cell):
    def construct(self, x):
        return x.argmax()

print("mindspore", ms.__version__)
changed = []

def show(name, function, right, wrong=None):
    without, compiled = (each(x).asnumpy().tolist() for each in (function, ms.jit(function)))
    print(f"   {name}: {without}, in ms.jit {compiled}")
    assert without == right, "control: without jit"
    if wrong is None: assert compiled == right, "control: in jit"
    elif compiled != wrong: changed.append(name)

def largest(x):
    return x.argmax()

def hits(x):
    return (x.argmax() == 1).sum()

def of_none(x):
    return x.argmax(None)

def of_rows(x):
    return x.argmax(-1)

def smallest(x):
    return x.argmin()

def by_ops(x):
    return ops.argmax(x)

def by_numpy(x):
    return ms.numpy.argmax(x)

assert VALUES.argmax() == 1, "control: NumPy"
show("x.argmax()", largest, 1, [1, 1])
show("(x.argmax() == 1).sum()", hits, 1, 2)
show("x.argmax(None)", of_none, 1)
show("x.argmax(-1)", of_rows, [1, 1])
show("x.argmin()", smallest, 0)
show("ops.argmax(x)", by_ops, 1)
show("mindspore.numpy.argmax(x)", by_numpy, 1)
assert Largest()(x).shape == (), "control: a Cell without graph mode"
ms.set_context(mode=ms.GRAPH_MODE)
shape = Largest()(x).shape
print(f"   a Cell in graph mode: shape {shape}")
if shape != (2,): changed.append("graph mode")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/largest.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
