#!/usr/bin/env bash
# MindSpore 2.10 on a CPU: ops.Broadcast of several tensors broadcasts the first; the others come back as zeros.
#
# Guess: ops.Broadcast takes a tuple of tensors and returns a tuple, so `Broadcast(0)(tuple(weights))` gives
# every worker worker 0's weights.
#
# Seen: the first tensor of the tuple is right on each worker. Each other one is all zeros, on worker 0 too,
# which has the values: no error, no warning. One tensor a call is right.
#
# Why it matters: workers start from different random weights unless a seed is set, so the weights are
# broadcast before training. With the whole tuple in one call all layers but the first begin at zero, where a
# network with ReLU has no gradient.
# Instead: one call for each tensor, `Broadcast(0)((w,))[0]`; or the same seed on all workers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
export PATH="$work/venv/bin:$PATH" GLOG_v=4 OMP_NUM_THREADS=1 MS_TOPO_TIMEOUT=300 MS_NODE_TIMEOUT=300
cd "$work"
cat > broadcast.py <<'P'
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.communication import get_rank, init

ms.set_device("CPU")
init()
rank = get_rank()
mine = [np.full(3, 1.0 + number + 10 * rank, np.float32) for number in range(3)]
first = [np.full(3, 1.0 + number, np.float32) for number in range(3)]  # worker 0's
broadcast = ops.Broadcast(0)
singly = [broadcast((Tensor(values),))[0].asnumpy() for values in mine]
together = [t.asnumpy() for t in broadcast(tuple(Tensor(values) for values in mine))]
print(f"worker {rank}: sent", *(values[0] for values in mine), "- one a call:", *(t[0] for t in singly),
      "- three in a call:", *(t[0] for t in together))
assert np.array_equal(singly, first), "control: one a call"
assert np.array_equal(together[0], first[0]), "control: the first"
changed = [] if not np.any(together[1:]) else ["the others"]
net = nn.SequentialCell(nn.Dense(4, 4), nn.ReLU(), nn.Dense(4, 1))
weights = broadcast(tuple(net.trainable_params()))
print(f"worker {rank}: weights of a network, largest of each:", *(f"{abs(w.asnumpy()).max():.2f}" for w in weights))
if any(np.any(w.asnumpy()) for w in weights[1:]): changed.append("a network's weights")
if changed: raise SystemExit(f"CHANGED: {changed}")
print("all seen")
P
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "mindspore 2.10.0, two workers"
msrun --worker_num=2 --local_worker_num=2 --master_port="$port" --log_dir=logs --join=True broadcast.py > msrun.log 2>&1 || {
    tail -n 5 msrun.log logs/worker_*.log >&2; exit 1; }
grep -hv "^\[INFO\]" logs/worker_0.log logs/worker_1.log
[ "$(cat logs/worker_*.log | grep -cx "all seen")" = 2 ]
