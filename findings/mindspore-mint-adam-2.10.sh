#!/usr/bin/env bash
# mint.optim.Adam trains in MindSpore 2.9; in 2.10 the same lines train nothing, without an error.
#
# Guess: between 2.9 and 2.10 an optimizer's results on a CPU stay the same, or a call that is no longer
# supported raises.
#
# Seen: from 1.0, with lr 0.1 and gradient 1, three steps give 0.7 in 2.9.0 (as the formula says and as nn.Adam
# does), and 1.0 in 2.10.0: the weights never move. The first moment is updated rightly in both; the step
# counter is 3 in 2.9.0 and stays 0 in 2.10.0.
#
# Why it matters: a training script that worked is run again after an upgrade. It ends without an error, the losses
# move a little with the batches, and the checkpoint holds the initial weights.
# Instead: nn.Adam or mindspore.experimental.optim.Adam, the same in both versions; after an upgrade a test that
# one step moves every weight.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > "$work/steps.py" <<'P'
import sys
import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, mint, nn
from mindspore.experimental import optim

def three_steps(make):
    """The weight after three steps with gradient 1, and the optimizer."""
    weight = Parameter(Tensor(np.ones(2, np.float32)), name="weight")
    optimizer = make([weight])
    for _ in range(3):
        optimizer((Tensor(np.ones(2, np.float32)),))
    return weight.asnumpy().tolist(), optimizer

seen = {}
for name, make in {
    "mint.optim.Adam": lambda weights: mint.optim.Adam(weights, lr=0.1),
    "nn.Adam (control)": lambda weights: nn.Adam(weights, learning_rate=0.1),
    "experimental.optim.Adam (control)": lambda weights: optim.Adam(weights, lr=0.1),
}.items():
    seen[name], optimizer = three_steps(make)
    print(f"mindspore {ms.__version__}, {name}: {seen[name]}", end="")
    if name == "mint.optim.Adam":
        state = {p.name: p.asnumpy().ravel()[0] for p in optimizer.get_parameters()}
        print(f", step counter {state['state_step']:g}, first moment {state['exp_avg.weight']:.3f}", end="")
        assert np.isclose(state["exp_avg.weight"], 0.271), "control"
    print()
for name in list(seen)[1:]:
    assert np.allclose(seen[name], 0.7, atol=1e-4), "control"
want = {"2.9.0": 0.7, "2.10.0": 1.0}[ms.__version__]
if not np.allclose(seen["mint.optim.Adam"], want, atol=1e-4): raise SystemExit(f"CHANGED: not {want} in {ms.__version__}")
P
for version in 2.9.0 2.10.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --no-compile mindspore==$version 'numpy==1.26.4' 2>/dev/null
    GLOG_v=4 "$work/$version/bin/python" "$work/steps.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
done
