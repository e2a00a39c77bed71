#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit` Python's own floats are computed in single precision; int(0.29 * 100) is another number.
#
# Guess: tensors are float32, but the numbers around them, such as sizes, counters and rates, are Python's, with 53 bits,
# compiled or not. A quotient of two integers below 2 ** 31 is exact to 15 digits.
#
# Seen: arithmetic of Python numbers with a float in it, a quotient of integers and the minus sign round to
# float32: int(0.29 * 100) is 29 (28 without jit), 123456789 / 1 is 123456792.0, 16777216.0 + 1 does not count on,
# 1 - 1e-9 < 1 is False, 0.1 * 3 == 0.3 is True, 1e-50 is 0. A constant that is only passed on, and math.sqrt, keep
# their digits.
#
# Why it matters: a branch on a share of the steps, a layer's width or a number of rows computed inside `construct`
# comes out one off, so the compiled network has another shape than the same class without jit.
# Instead: compute such numbers outside of the compiled function (checked below, with a global name).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/floats.py" <<'P'
import math

import mindspore as ms
import numpy as np
from mindspore import Tensor

WIDTH = int(0.29 * 100)

def width(x):
    return int(0.29 * 100)

def columns(x):
    return x[:, : int(0.29 * x.shape[1])].shape[1]

def whole(x):
    return 123456789 / 1

def counted(x):
    return 16777216.0 + 1

def below(x):
    return 1 - 1e-9 < 1

def equal(x):
    return 0.1 * 3 == 0.3

def tiny(x):
    return 1e-50

def minus(x):
    return -0.1

def outside(x):
    return WIDTH

def passed(x):
    return 0.1

def root(x):
    return math.sqrt(2.0)

print("mindspore", ms.__version__)
x = Tensor(np.zeros((1, 100), np.float32))
changed = []
for name, function, right, wrong in (
    ("int(0.29 * 100)", width, 28, 29),
    ("columns of x[:, :int(0.29 * 100)]", columns, 28, 29),
    ("123456789 / 1", whole, 123456789.0, 123456792.0),
    ("16777216.0 + 1", counted, 16777217.0, 16777216.0),
    ("1 - 1e-9 < 1", below, True, False),
    ("0.1 * 3 == 0.3", equal, False, True),
    ("1e-50", tiny, 1e-50, 0.0),
    ("-0.1", minus, -0.1, -float(np.float32(0.1))),
    ("int(0.29 * 100) outside, control", outside, 28, 28),
    ("0.1, control", passed, 0.1, 0.1),
    ("math.sqrt(2.0), control", root, math.sqrt(2.0), math.sqrt(2.0)),
):
    plain, compiled = function(x), ms.jit(function)(x)
    print(f"   {name}: {plain}, in ms.jit {compiled}")
    assert plain == right, "control"
    if compiled != wrong: changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/floats.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
