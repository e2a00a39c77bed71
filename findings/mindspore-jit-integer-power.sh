#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, 10 ** -8 is 0, and 10 ** 20 is negative.
#
# Guess: a power of two Python numbers is what Python says, 1e-08. It does not depend on whether the function around it is
# compiled; what the compiler cannot do is an error (as the product 2 ** 62 * 4 is: "Overflow").
#
# Seen: the power of integers stays an integer of 64 bits. 2 ** -1 and pow(2, -1) and 10 ** -8 are 0, written as such or
# by a variable; 10 ** 20 is -9223372036854775808. No error. Without jit all are right, and in jit 2.0 ** -1,
# 1e-8 and 1 / 10 ** 8 are.
#
# Why it matters: x / (norm + 10 ** -8) divides by zero where it was written not to: NaN for an all-zero row, in the
# compiled training only. A rate 10 ** -3 is a rate of 0, and nothing is learned.
# Instead: a point in the base, 10.0 ** -8, or 1e-8.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/powers.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor

def half(x):
    return 2 ** -1

def half_by_pow(x):
    return pow(2, -1)

def halves(x):
    total = 0
    for k in range(4):
        total = total + 2 ** -k
    return total

def small(x):
    return 10 ** -8

def large(x):
    return 10 ** 20 / 1e20

def unit(x):
    return x / ((x * x).sum() ** 0.5 + 10 ** -8)

def half_of_float(x):
    return 2.0 ** -1

def small_by_quotient(x):
    return 1 / 10 ** 8

def unit_by_literal(x):
    return x / ((x * x).sum() ** 0.5 + 1e-8)

def product(x):
    return 2 ** 62 * 4

def number(result):
    return result.asnumpy().tolist() if isinstance(result, Tensor) else result

print("mindspore", ms.__version__)
zeros = Tensor(np.zeros(2, np.float32))
changed = []
for name, function, right, wrong in (
    ("2 ** -1", half, 0.5, 0),
    ("pow(2, -1)", half_by_pow, 0.5, 0),
    ("sum of 2 ** -k, k = 0..3", halves, 1.875, 1),
    ("10 ** -8", small, 1e-8, 0),
    ("10 ** 20 / 1e20", large, 1, -0.0922337),
    ("x / (norm + 10 ** -8), x = 0", unit, [0, 0], [float("nan")] * 2),
    ("2.0 ** -1, control", half_of_float, 0.5, 0.5),
    ("1 / 10 ** 8, control", small_by_quotient, 1e-8, 1e-8),
    ("x / (norm + 1e-8), x = 0, control", unit_by_literal, [0, 0], [0, 0]),
):
    plain, compiled = number(function(zeros)), number(ms.jit(function)(zeros))
    print(f"   {name}: {plain}, in ms.jit {compiled}")
    assert np.allclose(plain, right, rtol=1e-6, atol=0), "control"
    if not np.allclose(compiled, wrong, rtol=1e-5, atol=0, equal_nan=True): changed.append(name)
assert product(zeros) == 2 ** 64, "control"
try:
    raise SystemExit(f"control: the product is {ms.jit(product)(zeros)} in ms.jit")
except ValueError as error:
    print("   2 ** 62 * 4, control: in ms.jit", str(error).strip().splitlines()[0])
    assert "Overflow" in str(error), "control"
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/powers.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
