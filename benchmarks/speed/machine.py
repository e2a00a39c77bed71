"""What this machine can do at best: matrix products and copies."""

import os
import platform
import time
from pathlib import Path

import numpy as np


def describe() -> dict[str, object]:
    """Processor, cores in use, memory, system."""
    model = "unknown"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((n.split(":", 1)[1].strip() for n in lines if n.startswith("model name")), "")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _best(function, times: int = 7) -> float:
    function()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def rates() -> dict[str, float]:
    """GFLOPS of a 2048 x 2048 matrix product, NumPy's and MindSpore's, and GB/s of a copy."""
    from stages.gan.common import runtime

    runtime.wait_without_spinning()
    import mindspore as ms
    from mindspore import Tensor, ops

    draw = np.random.default_rng(0)
    a = draw.standard_normal((2048, 2048)).astype(np.float32)
    product = ops.MatMul()

    @ms.jit
    def multiply(x, y):
        return product(x, y)

    x = Tensor(a)
    large = np.ones(50_000_000, np.float32)
    copy = np.empty_like(large)
    operations = 2 * 2048**3
    return {
        "numpy_gflops": operations / _best(lambda: a @ a) / 1e9,
        "mindspore_gflops": operations / _best(lambda: multiply(x, x).asnumpy()) / 1e9,
        "copy_gbyte_per_second": 2 * large.nbytes / _best(lambda: np.copyto(copy, large)) / 1e9,
    }


if __name__ == "__main__":
    import json

    print(json.dumps(rates()))
