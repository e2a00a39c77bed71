#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, what stands after the colon in an f-string is ignored: f"{7:03d}" is "7".
#
# Guess: an f-string in a compiled function gives the text that it gives in Python, as "%03d" % 7 and "{:03d}".format(7) do,
# or the compiler says that it does not know it, as it does for `del` or `:=`.
#
# Seen: width, zeros, digits, percent and `!r` are dropped without a word: f"{0.25:.0%}" is "0.25", f"{7:03d}" is "7".
# "%03d" % 7 and "{:03d}".format(7) are right in jit. Without jit all are.
#
# Why it matters: a name such as f"layer_{number:02d}", made in a compiled function to look something up, is another
# name: `f"layer_{7:02d}" in names` is False (checked below), and the other branch is compiled.
# Instead: "%02d" % number or "{:02d}".format(number) (both checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/texts.py" <<'P'
import mindspore as ms

def zeros():
    return f"{7:03d}"

def digits():
    return f"{3.14159:.2f}"

def percent():
    return f"{0.25:.0%}"

def width():
    return f"{'a':>5}"

def quoted():
    return f"{'a'!r}"

def looked_up():
    names = ["layer_06", "layer_07"]
    return 1 if f"layer_{7:02d}" in names else 0

def plain():
    return f"layer_{7}"

def by_percent():
    return "%03d" % 7

def by_format():
    return "{:03d}".format(7)

print("mindspore", ms.__version__)
changed = []
for function, right, wrong in (
    (zeros, "007", "7"),
    (digits, "3.14", "3.14159"),
    (percent, "25%", "0.25"),
    (width, "    a", "a"),
    (quoted, "'a'", "a"),
    (looked_up, 1, 0),
    (plain, "layer_7", "layer_7"),
    (by_percent, "007", "007"),
    (by_format, "007", "007"),
):
    compiled = ms.jit(function)()
    print(f"   {function.__name__}: {right!r}, in ms.jit {compiled!r}")
    assert function() == right, "control: without jit"
    if right == wrong: assert compiled == right, "control: in jit"
    elif compiled != wrong: changed.append(function.__name__)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/texts.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
