#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, a list, a dictionary or a tensor that is changed by its second name stays as it was.
#
# Guess: `b = a` gives a second name to one object, and a helper gets the caller's object. So what `b.append(...)`, `b[key] = ...`
# or the helper changes is changed in `a`, too, with jit as without.
#
# Seen: in jit the change is lost for the first name, without an error: for a list and a dictionary (second name, argument
# of a helper function), and for a tensor whose element is assigned (second name, argument of a helper, a row in
# `for row in x`). Changed by its own name, or by its place (`x[0][1] = 5`, `d["a"].append(2)`), all are changed.
#
# Why it matters: a helper that collects losses in a list, that fills a dictionary of features, or that masks a
# tensor in place works without jit, and does nothing once the step is compiled for speed.
# Instead: let the helper return what it made, and assign it (checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/names.py" <<'P'
import mindspore as ms
from mindspore import Tensor, ops

def list_of_two_names(x):
    first = second = [1]
    second.append(2)
    return first

def list_in_helper(x):
    def collect(found):
        found.append(2)
    losses = [1]
    collect(losses)
    return losses

def dictionary_in_helper(x):
    def fill(found):
        found["b"] = 2
    features = {"a": 1}
    fill(features)
    return features

def tensor_of_two_names(x):
    first = x * 1
    second = first
    second[0] = 9
    return first

def tensor_in_helper(x):
    def mask(values):
        values[0] = 9
    images = x * 1
    mask(images)
    return images

def rows(x):
    images = ops.stack([x, x])
    for row in images:
        row[0] = 9
    return images

def by_its_own_name(x):
    losses, images = [1], x * 1
    losses.append(2)
    images[0] = 9
    return losses, images

def by_its_place(x):
    features, images = {"a": [1]}, ops.stack([x, x])
    features["a"].append(2)
    images[0][0] = 9
    return features, images

def returned(x):
    def mask(values):
        values[0] = 9
        return values
    images = x * 1
    images = mask(images)
    return images

def plain(value):
    if isinstance(value, Tensor): return value.asnumpy().tolist()
    if isinstance(value, (list, tuple)): return [plain(each) for each in value]
    if isinstance(value, dict): return {key: plain(each) for key, each in value.items()}
    return value

print("mindspore", ms.__version__)
changed = []
for function, right, wrong in (
    (list_of_two_names, [1, 2], [1]),
    (list_in_helper, [1, 2], [1]),
    (dictionary_in_helper, {"a": 1, "b": 2}, {"a": 1}),
    (tensor_of_two_names, [9.0, 4.0], [3.0, 4.0]),
    (tensor_in_helper, [9.0, 4.0], [3.0, 4.0]),
    (rows, [[9.0, 4.0], [9.0, 4.0]], [[3.0, 4.0], [3.0, 4.0]]),
    (by_its_own_name, [[1, 2], [9.0, 4.0]], None),
    (by_its_place, [{"a": [1, 2]}, [[9.0, 4.0], [3.0, 4.0]]], None),
    (returned, [9.0, 4.0], None),
):
    x = Tensor([3.0, 4.0], ms.float32)
    without, compiled = plain(function(x)), plain(ms.jit(function)(x))
    print(f"   {function.__name__}: {without}, in ms.jit {compiled}")
    assert without == right, "control: without jit"
    if wrong is None: assert compiled == right, "control: in jit"
    elif compiled != wrong: changed.append(function.__name__)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/names.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
