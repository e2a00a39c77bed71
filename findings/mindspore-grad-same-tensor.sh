#!/usr/bin/env bash
# MindSpore 2.10: if one tensor is given for two inputs, ms.grad gives the sum of both gradients for each of them.
#
# Guess: `ms.grad(f, (0, 1))(x, x)` is (df/da, df/db) at that point, as `ms.grad(f, (0, 1))(x, y)` is for an equal y.
# A function's derivative depends on the values that it is given, and not on whether two of them are one object.
#
# Seen, in the default mode (PyNative), for f = sum(2 a + 3 b): (x, y) gives 2 and 3; (x, x) gives 5 and 5, and
# `ms.grad(f, 0)(x, x)` alone gives 5. So does a gradient of a function under `ms.jit`. No error.
# With the gradient itself under `ms.jit`, and with ms.jacrev and ms.jacfwd, (x, x) gives 2 and 3.
#
# Why it matters: to see that two inputs of a loss cancel or are treated alike, one passes the same batch twice,
# as `loss(images, images)`. Both gradients then come out as the gradient of the whole, here 0 for a distance.
# Instead: a copy for one of them, `x.copy()` (checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/same.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor

def f(a, b):
    return (2.0 * a + 3.0 * b).sum()

def squares(a, b):
    return (a**2 - b**2).sum()

def numbers(found):
    return [float(each.asnumpy().reshape(-1)[0]) for each in found]

print("mindspore", ms.__version__)
x = Tensor(np.ones(2, np.float32))
y = Tensor(np.ones(2, np.float32))
both = ms.grad(f, (0, 1))
changed = []
for name, gradient, given, wanted, sound in (
    ("ms.grad(f, (0, 1))(x, y), control", both, (x, y), [2, 3], True),
    ("ms.grad(f, (0, 1))(x, x.copy()), control", both, (x, x.copy()), [2, 3], True),
    ("ms.jit(ms.grad(f, (0, 1)))(x, x), control", ms.jit(both), (x, x), [2, 3], True),
    ("ms.jacrev(f, (0, 1))(x, x), control", ms.jacrev(f, (0, 1)), (x, x), [2, 3], True),
    ("ms.jacfwd(f, (0, 1))(x, x), control", ms.jacfwd(f, (0, 1)), (x, x), [2, 3], True),
    ("ms.grad(f, (0, 1))(x, x)", both, (x, x), [5, 5], False),
    ("ms.grad(ms.jit(f), (0, 1))(x, x)", ms.grad(ms.jit(f), (0, 1)), (x, x), [5, 5], False),
):
    found = numbers(gradient(*given))
    print(f"   {name}: {found}")
    if sound: assert found == wanted, "control"
    elif found != wanted: changed.append(name)
first = float(ms.grad(f, 0)(x, x).asnumpy()[0])
print("   ms.grad(f, 0)(x, x):", first)
if first != 5: changed.append("position 0 alone")
found = numbers(ms.grad(squares, (0, 1))(x, x))
print("   of sum(a^2 - b^2), where 2 and -2 are right:", found)
if found != [0, 0]: changed.append("squares")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/same.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
