#!/usr/bin/env bash
# MindSpore 2.10: inside `ms.jit`, 123456789 % 10 is -1, and 123456789 // 10 is one too large.
#
# Guess: `//` and `%` of two Python integers are exact in a compiled function, as `+`, `-` and `*` are. The compiler checks
# those for overflow of 64 bits, so it computes with 64-bit integers.
#
# Seen: the quotient is computed in float32, so it is wrong for many integers above 2 ** 24, and the rest that is made
# from it can be negative or above the divisor: 123456789 % 10 is -1, (2 ** 31 - 1) % 10 is -33, (2 ** 40 + 7) // 10 is
# too large by 1,638. A number in the function and an argument behave alike. No error. Without jit all are right,
# and so is the tensor's own `%` (int64) with jit.
#
# Why it matters: a seed or a step number, taken apart by % and //, chooses other rows, noise or layers than the same code
# without jit; a negative rest as an index reads from the end.
# Instead: compute it before, in Python, and pass the result; or a tensor of int64 (checked below).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/division.py" <<'P'
import mindspore as ms
from mindspore import Tensor

def parts(number):
    return number // 10, number % 10

def of_a_literal():
    return 123456789 // 10, 123456789 % 10

def product(number):
    return number * 3 + 1

print("mindspore", ms.__version__)
changed = []
SEEN = {
    123456789: (12345679, -1),
    2**31 - 1: (214748368, -33),
    2**40 + 7: (109951164416, -16377),
}
for number, wrong in SEEN.items():
    right = number // 10, number % 10
    compiled = tuple(ms.jit(parts)(number))
    print(f"   {number} // 10 and % 10: {right}, in ms.jit {compiled}")
    assert tuple(parts(number)) == right, "control: without jit"
    if compiled != wrong: changed.append(number)
    assert ms.jit(product)(number) == number * 3 + 1, "control: * and + in jit"
    tensor = ms.jit(parts)(Tensor(number, ms.int64))
    assert [int(each) for each in tensor] == list(right), "control: a tensor in jit"
literal = tuple(ms.jit(of_a_literal)())
print(f"   the first as a literal: in ms.jit {literal}")
if literal != SEEN[123456789]: changed.append("literal")
small = tuple(ms.jit(parts)(16777215))
assert small == (1677721, 5), "control: below 2 ** 24"
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/division.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
