"""Facts about time and memory."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor

from stages.tools.mindspore_check.facts import Seen, fact, short

_GROWTH = """
import json
import mindspore as ms
import numpy as np
import psutil

def total(x):
    return x.sum()

x = ms.Tensor(np.ones((8, 8), np.float32))
grown = []
for function in (total, ms.jit(total)):
    for _ in range(1000):
        function(x).asnumpy()
    before = psutil.Process().memory_info().rss
    for _ in range(4000):
        function(x).asnumpy()
    grown.append((psutil.Process().memory_info().rss - before) / 4000 / 1000)
print(json.dumps(grown))
"""


@fact("Memory grows with every step")
def memory_grows() -> Seen:
    """Resident memory over 4,000 calls of a sum, and over 4,000 under jit.

    In a process of its own: in one that has freed memory, the calls would take it first.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "growth.py"  # jit reads functions from their file
        script.write_text(_GROWTH, encoding="utf-8", newline="\n")
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=True
        )
    plain, compiled = json.loads(done.stdout.splitlines()[-1])
    return Seen(plain > 1 > compiled, f"KB a call: {short(plain)}, under jit {short(compiled)}")


@fact("Each new learning rate makes a step slow")
def new_numbers_compile() -> Seen:
    """The time of a compiled function with a new Python number, and with the same as before."""
    x = Tensor(np.ones(4, np.float32))

    def scaled(x, rate):
        return x * rate

    compiled = ms.jit(scaled)

    def taken(rate) -> float:
        began = time.perf_counter()
        compiled(x, rate).asnumpy()
        return (time.perf_counter() - began) * 1000

    taken(0.5)
    same = min(taken(0.5) for _ in range(5))
    new = min(taken(0.5 + index) for index in range(1, 6))
    tensors = min(taken(Tensor(0.5 + index, ms.float32)) for index in range(6))
    return Seen(
        new > 10 * max(same, tensors),
        f"ms: the same number {short(same)}, a new one {short(new)}, a new one in a Tensor "
        f"{short(tensors)}",
    )
