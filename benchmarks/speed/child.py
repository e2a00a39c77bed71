"""One variant in a process of its own: waits for a number on stdin, runs so many steps.

python -m benchmarks.speed.child VARIANT BATCH PROBLEM

PROBLEM is JSON, see problems.py.
"""

import importlib
import json
import sys
import time
from types import SimpleNamespace

# Variant: its module here, and the arguments of its `make`.
VARIANTS = {
    "ours": ("ours", {}),
    "lecture": ("lecture", {}),
    "torch": ("pytorch", {}),
    "torch_best": ("pytorch", {"best": True}),
    "torch_compiled": ("pytorch", {"best": True, "compiled": True}),
}


def main() -> None:
    """Answer each number with a JSON line: the wall time of each step in seconds."""
    variant, batch, problem = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    module, options = VARIANTS[variant]
    make = importlib.import_module(f"benchmarks.speed.{module}").make
    step = make(SimpleNamespace(**problem), batch, **options)
    began = time.perf_counter()
    step(0)
    print(json.dumps({"first_step": time.perf_counter() - began}), flush=True)
    done = 1
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            began = time.perf_counter()
            losses = step(done)
            times.append(time.perf_counter() - began)
            done += 1
        print(json.dumps({"times": times, "losses": losses}), flush=True)


if __name__ == "__main__":
    main()
