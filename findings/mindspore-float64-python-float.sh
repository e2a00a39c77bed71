#!/usr/bin/env bash
# MindSpore 2.10: a float64 tensor times 0.1 is wrong from the eighth digit on, though the result is float64.
#
# Guess: `x * 0.1` of a float64 tensor is as exact as in NumPy and PyTorch. MindSpore's rules say so: the number is
# converted to a tensor of the tensor's type, and the result says Float64.
#
# Seen: the number passes through float32 on its way. x * 0.1, x + 0.1, x - 0.1, x / 0.1, x ** 0.1, 0.1 * x,
# ops.mul(x, 0.1) and a factor np.float64(0.1) compute with 0.10000000149011612, ops.clamp(x, 1.1) alike. So does a
# function in `ms.jit`. A Tensor(0.1, ms.float64) as factor is right. Numbers that float32 can hold, such as 0.5, are, too.
#
# Why it matters: float64 is chosen where float32 is not enough, in covariances, in gradients checked by finite
# differences, in sums over many images. One factor such as 0.9 or 1e-6 in it takes half of the digits away.
# Instead: `Tensor(0.1, ms.float64)` for each such number (checked below), or NumPy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/double.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

@ms.jit
def compiled(x):
    return x * 0.1

array = np.array([0.7, 3.0, 100.0])
x = Tensor(array)
tenth = Tensor(0.1, ms.float64)
print(f"mindspore {ms.__version__}, numpy {np.__version__}; x is {x.dtype}")
cases = {  # name: result, what it should be, is it right
    "x * 0.1": (x * 0.1, array * 0.1, False),
    "0.1 * x": (0.1 * x, 0.1 * array, False),
    "x + 0.1": (x + 0.1, array + 0.1, False),
    "x - 0.1": (x - 0.1, array - 0.1, False),
    "x / 0.1": (x / 0.1, array / 0.1, False),
    "x ** 0.1": (x ** 0.1, array ** 0.1, False),
    "ops.mul(x, 0.1)": (ops.mul(x, 0.1), array * 0.1, False),
    "ops.clamp(x, 1.1)": (ops.clamp(x, 1.1), array.clip(1.1), False),
    "x * np.float64(0.1)": (x * np.float64(0.1), array * 0.1, False),
    "x * 0.1 in ms.jit": (compiled(x), array * 0.1, False),
    "x * Tensor(0.1, ms.float64), control": (x * tenth, array * 0.1, True),
    "x * 0.5, control": (x * 0.5, array * 0.5, True),
    "x * x, control": (x * x, array * array, True),
}
changed = []
for name, (result, right, sound) in cases.items():
    off = np.max(np.abs(result.asnumpy() - right) / np.abs(right))
    print(f"   {name}: {result.dtype}, relative error {off:.1e}")
    assert result.dtype == ms.float64, "control"
    if sound: assert off < 1e-15, "control"
    elif not 1e-10 < off < 1e-7: changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
if (x * 0.1).asnumpy()[1] != 3.0 * float(np.float32(0.1)): raise SystemExit("CHANGED: it is not float32's 0.1")
P
GLOG_v=4 "$work/venv/bin/python" "$work/double.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
