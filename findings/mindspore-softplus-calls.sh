#!/usr/bin/env bash
# MindSpore 2.10: `ops.softplus` of the same array gives other last bits in later calls.
#
# Guess: the same operation on the same array, in one process with the number of threads fixed, gives the same
# bits at every call.
#
# Seen, on an Intel Xeon with AVX-512 and two cores: with threads_num(2), 20 calls give two different results
# for 150 and for 299 numbers, and one for 192, a multiple of 64. exp, sigmoid and tanh give one result. The
# reason was not found out. Another processor, whose vectors are shorter, may give other counts, so the script
# ends with code 2 where there is no AVX-512 or only one core.
#
# Why it matters: a score that is computed twice in a process, or after other calls, differs in the last bit.
# A comparison of two nearly equal values then turns out this way or that.
# Instead: pad the array with zeros to a multiple of 64, and cut the result.
set -euo pipefail
if ! grep -q avx512f /proc/cpuinfo || [ "$(nproc)" -lt 2 ]; then
    echo "not tried: this needs a processor with AVX-512 and two cores" >&2
    exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/calls.py" <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

ms.device_context.cpu.op_tuning.threads_num(2)
print("mindspore", ms.__version__)


def kinds(function, count, calls=20):
    array = np.random.default_rng(0).normal(0, 3, (count, 1)).astype(np.float32)
    return len({function(Tensor.from_numpy(array.copy())).asnumpy().tobytes() for _ in range(calls)})


changed = []
for count in (150, 299, 192):
    found = {f.__name__: kinds(f, count) for f in (ops.softplus, ops.exp, ops.sigmoid, ops.tanh)}
    print(f"{count} numbers, 20 calls: different results of", found)
    if (found["softplus"] > 1) != bool(count % 64): changed.append(f"softplus of {count}")
    if max(found["exp"], found["sigmoid"], found["tanh"]) > 1: changed.append(f"another operation of {count}")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/calls.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
