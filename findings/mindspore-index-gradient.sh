#!/usr/bin/env bash
# MindSpore 2.10: x[Tensor([0, -1])] takes the last row rightly, and gives it no gradient.
#
# Guess: a row that is taken by index gets its gradient, however the index is written. `x[[0, -1]]`, `x[Tensor([0, -1])]`
# and `x[Tensor([0, 2])]` of three rows are the same function, with the same gradient.
#
# Seen, in the default mode (PyNative): all three give the same values. With the tensor and -1 the last row's
# gradient is 0, and a row that is taken twice, once as 2 and once as -1, has half of it. No error. The list,
# the tensor without negative numbers, x[:, Tensor([0, -1])] and the same line in `ms.jit` are right.
#
# Why it matters: codes or class vectors are kept in a Parameter and taken by `table[labels - 1]`, and a label is 0.
# The row that is reached by -1 is used, and never trains.
# Instead: `index % x.shape[0]` (checked below), or a list.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/rows.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn

index = Tensor([0, -1])

def by_tensor(x):
    return (x[index] ** 2).sum()

def by_table(x):
    return (x[Tensor([[0], [-1]])] ** 2).sum()

def by_positive(x):
    return (x[Tensor([0, 2])] ** 2).sum()

def by_list(x):
    return (x[[0, -1]] ** 2).sum()

def by_rest(x):
    return (x[index % x.shape[0]] ** 2).sum()

def by_column(x):
    return (x.T[:, index] ** 2).sum()

def by_both(x):
    return x[Tensor([2, -1])].sum()

print("mindspore", ms.__version__)
x = Tensor(np.arange(1, 7, dtype=np.float32).reshape(3, 2))
right = np.array([[2, 4], [0, 0], [10, 12]], np.float32)
lost = right * [[1], [1], [0]]
changed = []
for name, loss, gradient, wanted, sound in (
    ("x[Tensor([0, -1])]", by_tensor, ms.grad(by_tensor), lost, False),
    ("x[Tensor([[0], [-1]])]", by_table, ms.grad(by_table), lost, False),
    ("x[Tensor([0, 2])], control", by_positive, ms.grad(by_positive), right, True),
    ("x[[0, -1]], control", by_list, ms.grad(by_list), right, True),
    ("x.T[:, Tensor([0, -1])], control", by_column, ms.grad(by_column), right, True),
    ("x[Tensor([0, -1])] in ms.jit, control", by_tensor, ms.jit(ms.grad(by_tensor)), right, True),
    ("x[Tensor([0, -1]) % 3], control", by_rest, ms.grad(by_rest), right, True),
):
    value, slope = float(loss(x)), gradient(x).asnumpy()
    print(f"   {name}: value {value}, gradient {slope.tolist()}")
    assert value == 66, "control"
    if sound: assert np.array_equal(slope, wanted), "control"
    elif not np.array_equal(slope, wanted): changed.append(name)
both = ms.grad(by_both)(x).asnumpy()
print("   x[Tensor([2, -1])], the last row twice: gradient", both.tolist())
if not np.array_equal(both, [[0, 0], [0, 0], [1, 1]]): changed.append("twice")

table = Parameter(Tensor(np.ones((3, 2), np.float32)), name="table")
optimizer = nn.SGD([table], learning_rate=0.1)
step = ms.value_and_grad(lambda: by_tensor(table), None, [table])
for _ in range(20):
    optimizer(step()[1])
print("   a table of ones after 20 steps on its rows 0 and -1:", np.round(table.asnumpy(), 3).tolist())
if not (table.asnumpy()[0] < 0.1).all() or not (table.asnumpy()[2] == 1).all(): changed.append("training")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/rows.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
