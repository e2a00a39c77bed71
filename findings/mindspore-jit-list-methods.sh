#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, list.sort(), list.remove(), dict.setdefault() and dict.popitem() do nothing.
#
# Guess: a method of a list or a dictionary works in a compiled function, as append() and insert() do, or the compiler says
# that it does not know it, as it does for `del layers[1]`.
#
# Seen: the four calls are taken, without an error, and leave the list or the dictionary as it was. append(),
# insert(), extend(), pop(), reverse(), update() and sorted() are right. Without jit all are.
#
# Why it matters: `layers.remove("norm")` before a loop over the layers, or `scores.sort()` before the best two
# are taken: the compiled network is another one than the class says, with the right shapes.
# Instead: sorted(a), [x for x in a if x != b], d.update({key: value}), all right in jit (checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/methods.py" <<'P'
import mindspore as ms
from mindspore import Tensor

def sort(x):
    scores = [3, 1, 2]
    scores.sort()
    return scores

def sort_down(x):
    scores = [1, 3, 2]
    scores.sort(reverse=True)
    return scores

def remove(x):
    layers = ["conv", "norm", "relu"]
    layers.remove("norm")
    return layers

def setdefault(x):
    sizes = {"a": 1}
    sizes.setdefault("b", 2)
    return sizes

def popitem(x):
    sizes = {"a": 1, "b": 2}
    sizes.popitem()
    return sizes

def delete(x):
    layers = ["conv", "norm"]
    del layers[1]
    return layers

def as_sorted(x):
    return sorted([3, 1, 2])

def without(x):
    return [name for name in ["conv", "norm", "relu"] if name != "norm"]

def update(x):
    sizes = {"a": 1}
    sizes.update({"b": 2})
    return sizes

def others(x):
    layers = ["relu"]
    layers.append("norm")
    layers.insert(0, "conv")
    layers.extend(["tanh", "pool"])
    layers.pop()
    layers.reverse()
    return layers

print("mindspore", ms.__version__)
changed = []
for name, function, right, wrong in (
    ("sort", sort, [1, 2, 3], [3, 1, 2]),
    ("sort(reverse=True)", sort_down, [3, 2, 1], [1, 3, 2]),
    ("remove", remove, ["conv", "relu"], ["conv", "norm", "relu"]),
    ("setdefault", setdefault, {"a": 1, "b": 2}, {"a": 1}),
    ("popitem", popitem, {"a": 1}, {"a": 1, "b": 2}),
    ("sorted, control", as_sorted, [1, 2, 3], [1, 2, 3]),
    ("list of the others, control", without, ["conv", "relu"], ["conv", "relu"]),
    ("update, control", update, {"a": 1, "b": 2}, {"a": 1, "b": 2}),
    ("append, insert, extend, pop, reverse, control", others, ["tanh", "norm", "relu", "conv"], ["tanh", "norm", "relu", "conv"]),
):
    plain, compiled = function(Tensor(1.0)), ms.jit(function)(Tensor(1.0))
    print(f"   {name}: {plain}, in ms.jit {compiled}")
    assert plain == right, "control"
    if compiled != wrong: changed.append(name)
assert delete(Tensor(1.0)) == ["conv"], "control"
try:
    raise SystemExit(f"control: del gives {ms.jit(delete)(Tensor(1.0))} in ms.jit")
except RuntimeError as error:
    print("   del, control: in ms.jit", str(error).strip().splitlines()[0])
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/methods.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
