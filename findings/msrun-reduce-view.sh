#!/usr/bin/env bash
# MindSpore 2.10 on a CPU: mint.distributed.all_reduce of a row or a column sums nothing, and says nothing.
#
# Guess: all_reduce works in place on its argument. `all_reduce(sums[1])` sums that row over all workers, as
# torch.distributed does for a row; what it cannot do (a column, say) is an error.
#
# Seen: a whole tensor, a Parameter and the first row are summed. Every other row, a column, a transpose and a
# narrow() are left exactly as they were on each worker: no error, no warning. ops.AllReduce, which returns
# its result, is right for all of them.
#
# Why it matters: gradients are put side by side into one buffer and its parts reduced; a table of metrics is
# reduced row by row. Each worker then goes on with its own numbers: the copies of the network drift apart,
# and each worker's metrics are of its own share of the data.
# Instead: ops.AllReduce()(x), which returns the sum; or all_reduce of a copy (`part = x[1] * 1`), put back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
export PATH="$work/venv/bin:$PATH" GLOG_v=4 OMP_NUM_THREADS=1 MS_TOPO_TIMEOUT=300 MS_NODE_TIMEOUT=300
cd "$work"
cat > reduce.py <<'P'
import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, mint, ops
from mindspore.communication import get_rank, init

ms.set_device("CPU")
init()
rank = get_rank()
whole = (np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(6, dtype=np.float32).reshape(2, 3) + 100)
cases = {  # name: the part of a tensor that is reduced, whether the sum arrives
    "whole tensor (control)": (lambda x: x, True),
    "Parameter (control)": (lambda x: Parameter(x, name="p"), True),
    "copy of a row (control)": (lambda x: x[1] * 1, True),
    "first row x[0] (control)": (lambda x: x[0], True),
    "row x[1]": (lambda x: x[1], False),
    "rows x[1:2]": (lambda x: x[1:2], False),
    "column x[:, 1]": (lambda x: x[:, 1], False),
    "transpose x.T": (lambda x: x.T, False),
    "mint.narrow(x, 1, 1, 2)": (lambda x: mint.narrow(x, 1, 1, 2), False),
}
changed = []
for name, (part, sound) in cases.items():
    local = part(Tensor(whole[rank])).asnumpy().copy()
    want = sum(part(Tensor(values)).asnumpy() for values in whole)
    x = part(Tensor(whole[rank]))
    mint.distributed.all_reduce(x)
    got = x.asnumpy()
    returned = ops.AllReduce()(part(Tensor(whole[rank]))).asnumpy()
    if rank == 0: print(f"{name}: {local.ravel()} -> {got.ravel()}, right {want.ravel()}; ops.AllReduce {returned.ravel()}")
    assert np.array_equal(returned, want), "control: ops.AllReduce"
    if sound: assert np.array_equal(got, want), "control"
    elif not np.array_equal(got, local): changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
if rank == 0: print("all seen")
P
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "mindspore 2.10.0, two workers"
msrun --worker_num=2 --local_worker_num=2 --master_port="$port" --log_dir=logs --join=True reduce.py > msrun.log 2>&1 || {
    tail -n 5 msrun.log logs/worker_*.log >&2; exit 1; }
grep -v "^\[INFO\]" logs/worker_0.log
grep -qx "all seen" logs/worker_0.log
