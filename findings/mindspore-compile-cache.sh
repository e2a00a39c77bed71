#!/usr/bin/env bash
# MindSpore 2.10: with the compilation cache, a compiled step computes with foreign memory at the second start.
#
# Guess: MS_COMPILER_CACHE_ENABLE=1 only saves time. The second start of the same script takes the compiled graph from
# the disk (1.3 s become 0.1 s for a GAN's step), gives it the network's weights, and prints the same numbers.
#
# Seen: a function under `ms.jit` that uses a network gets other numbers instead of its weights: a loss of 2.13 was
# infinite in one run and 1.8e25 in another. A step trains nothing: the network's own weights stay as they were. No
# error; a warning says "Be aware of correctness risks". The same training as nn.TrainOneStepCell, a Cell, is right. And
# a number that comes from the command line keeps its value of the first start, in a function and in a Cell, since
# only source files are compared.
#
# Why it matters: the variable is often set once for a whole shell. Then runs with other settings repeat the first one.
# Instead: leave the variable out (checked below), or compile Cells, and empty the cache when a setting changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' 2>/dev/null
cd "$work"
cat > "$work/train.py" <<'P'
import json
import sys
import numpy as np
import mindspore as ms
from mindspore import Tensor, nn

power = float(sys.argv[1])
draw = np.random.default_rng(0)
x = Tensor(draw.standard_normal((8, 4)).astype(np.float32))
y = Tensor(draw.standard_normal((8, 1)).astype(np.float32))

def network():
    start = Tensor(np.full((1, 4), 0.5, np.float32))
    net = nn.Dense(4, 1, weight_init=start, bias_init="zeros")
    return net, nn.SGD(net.trainable_params(), 0.1)

def as_function():
    net, optimizer = network()
    def loss(x, y):
        return ((net(x) - y) ** 2).mean()
    gradient = ms.value_and_grad(loss, None, optimizer.parameters)
    @ms.jit
    def step(x, y):
        value, gradients = gradient(x, y)
        optimizer(gradients)
        return value
    return net, step

def as_cell():
    net, optimizer = network()
    step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optimizer)
    return net, step.set_train()

@ms.jit
def scaled(x):
    return x * power

seen = {}
for make in (as_function, as_cell):
    net, step = make()
    losses = [round(float(step(x, y).asnumpy()), 4) for _ in range(2)]
    seen[make.__name__] = [str(losses), round(float(net.weight.asnumpy().sum()), 4)]
seen["one times the number"] = float(scaled(Tensor(1.0)).asnumpy())
print(json.dumps(seen))
P
run() { GLOG_v=4 "$work/venv/bin/python" "$work/train.py" "$1" 2>> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }; }
run 2 > plain
export MS_COMPILER_CACHE_ENABLE=1 MS_COMPILER_CACHE_PATH="$work/cache"
run 2 > first
run 2 > second
run 3 > other
"$work/venv/bin/python" - <<'P'
import json
plain, first, second, other = (json.load(open(name)) for name in ("plain", "first", "second", "other"))
for name, seen in (("no cache", plain), ("cache, first start", first), ("cache, second start", second), ("cache, number 3", other)):
    print("  ", name, seen)
cell, function, number = "as_cell", "as_function", "one times the number"
assert plain == first and plain[cell] == plain[function] and plain[number] == 2, "control"
changed = []
if second[cell] != plain[cell]: changed.append("a Cell")
if second[function][0] == plain[function][0] or second[function][1] != 2.0: changed.append("a function")
if other[number] != 2: changed.append("a number")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
