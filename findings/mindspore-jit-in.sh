#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, `label in (1, 2)` of a tensor is always False, and `not in` always True.
#
# Guess: `in` compares by ==, as Python does. For a label that is a tensor of one number it says the same as
# `label == 1 or label == 2`, with jit and without. The page on the syntax lists "Tensor in Tuple" and "Tensor in List".
#
# Seen: without jit it is right. In jit, label in (1, 2) and in [1, 2] are False for a label 1, and
# `not in` is True, whatever the label is. No error: one branch is compiled and the other is dropped.
# label == 1 is right in jit.
#
# Why it matters: "treat digits 3 and 8 in another way" or "penalty at steps 0, 16 and 32" runs as the else branch
# for ever, once the step is compiled for speed.
# Instead: `label == 1 or label == 2` (checked below), or a mask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/labels.py" <<'P'
import mindspore as ms
from mindspore import Tensor

def in_tuple(label):
    return 1 if label in (1, 2) else 0

def in_list(label):
    return 1 if label in [1, 2] else 0

def not_in(label):
    return 1 if label not in (1, 2) else 0

def by_equal(label):
    return 1 if label == 1 or label == 2 else 0

def by_number(label):
    return 1 if 2 in (1, 2) else 0

print("mindspore", ms.__version__)
changed = []
for name, function, right, wrong in (
    ("label in (1, 2)", in_tuple, [1, 1, 0], [0, 0, 0]),
    ("label in [1, 2]", in_list, [1, 1, 0], [0, 0, 0]),
    ("label not in (1, 2)", not_in, [0, 0, 1], [1, 1, 1]),
    ("label == 1 or label == 2, control", by_equal, [1, 1, 0], [1, 1, 0]),
    ("2 in (1, 2), control", by_number, [1, 1, 1], [1, 1, 1]),
):
    for kind in (ms.int32, ms.float32):
        labels = [Tensor(value, kind) for value in (1, 2, 3)]
        plain = [int(function(label)) for label in labels]
        compiled = [int(ms.jit(function)(label)) for label in labels]
        print(f"   {name}, {kind}: for 1, 2, 3 {plain}, in ms.jit {compiled}")
        assert plain == right, "control"
        if compiled != wrong: changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/labels.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
