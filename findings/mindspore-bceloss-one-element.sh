#!/usr/bin/env bash
# The mean and the sum of nn.BCELoss are twice the loss if there is one element, on a CPU.
#
# Guess: the mean of one number is that number. So with one element reduction "mean", "sum" and "none" agree, as
# they do in PyTorch, and as nn.BCEWithLogitsLoss does in MindSpore.
#
# Seen: MindSpore 2.10.0 and 2.9.0, p = 0.5, label 0: "none" gives 0.693147 = ln 2, "mean" and "sum" give 1.386294.
# Of two elements the mean is half of the sum, as it should be. The gradient is right (2 for p, not 4).
# nn.BCEWithLogitsLoss, nn.MSELoss and nn.L1Loss are right (controls).
#
# Why it matters: who tries the loss on one number to see what it says reads 2 ln 2. The last batch of a
# test set can have one image.
# Instead: reduction "none" and a mean by hand, or nn.BCEWithLogitsLoss on the logits.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > "$work/one.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

def reduced(make, count, value=0.5):
    """The loss of so many equal numbers, reduced in three ways."""
    x, y = Tensor(np.full(count, value, np.float32)), Tensor(np.zeros(count, np.float32))
    return [float(make(how)(x, y).asnumpy().sum()) for how in ("none", "mean", "sum")]

def entropy(how):
    return nn.BCELoss(reduction=how)

for name, make in {"BCEWithLogitsLoss": lambda how: nn.BCEWithLogitsLoss(reduction=how),
                   "MSELoss": nn.MSELoss, "L1Loss": nn.L1Loss}.items():
    each, mean, total = reduced(make, 1)
    assert np.isclose(each, mean) and np.isclose(each, total), ("control", name)
two = reduced(entropy, 2)
assert np.allclose(two, [2 * np.log(2), np.log(2), 2 * np.log(2)], rtol=1e-5), "control"
one = reduced(entropy, 1)
slope = ops.grad(lambda p: entropy("mean")(p, Tensor([0.0], ms.float32)))(Tensor([0.5], ms.float32))
print(f"mindspore {ms.__version__}: nn.BCELoss of one element, none, mean, sum: {one}; slope by p {slope.asnumpy()}")
assert np.isclose(one[0], np.log(2)) and np.allclose(slope.asnumpy(), 2), "control"
if not np.allclose(one[1:], 2 * np.log(2), rtol=1e-5): raise SystemExit("CHANGED: mean and sum of one element are right")
P
for version in 2.9.0 2.10.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --no-compile mindspore==$version 'numpy==1.26.4' 2>/dev/null
    GLOG_v=4 "$work/$version/bin/python" "$work/one.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
done
