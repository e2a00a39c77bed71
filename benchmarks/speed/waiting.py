"""What it brings that the main thread sleeps while it waits (stages/gan/common/runtime.py).

    python -m benchmarks.speed.waiting

With MindSpore's switch off and on, in turn: on one core and on all, alone and beside another
busy process.
"""

import contextlib
import json
import os
import subprocess
import sys

import numpy as np

from benchmarks.speed.recipes import recipe

STEPS = {"mlp": (128, 40), "dcgan": (64, 3)}
SAMPLES = {"mlp": 10_000, "dcgan": 200}


@contextlib.contextmanager
def busy_process(wanted: bool):
    """A process that computes without end, if wanted."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run(module: str, arguments: list[str], given: str, sleeps: bool) -> dict:
    """Run a module of this package; its last line of output."""
    result = subprocess.run(
        [sys.executable, "-m", f"benchmarks.speed.{module}", *arguments],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MS_DEV_HOST_BLOCKING_RUN": "1" if sleeps else "0"},
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    """Print a table in Markdown."""
    cores = os.sched_getaffinity(0)
    print("| network | cores | beside | step, spinning | step, sleeping | samples, spinning |"
          " samples, sleeping |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for network, (batch, steps) in STEPS.items():
        problem = json.dumps(vars(recipe(network)))
        for used in sorted({1, len(cores)}):
            for busy in (False, True):
                os.sched_setaffinity(0, sorted(cores)[:used])
                cells = []
                with busy_process(busy):
                    for sleeps in (False, True):
                        times = run(
                            "child", ["ours", str(batch), problem], f"2\n{steps}\n", sleeps
                        )["times"]
                        cells.append(f"{1000 * np.mean(times):,.0f} ms")
                    for sleeps in (False, True):
                        made = run("samples", [network, str(SAMPLES[network])], "", sleeps)
                        cells.append(f"{made['generate_s']:.1f} s")
                beside = "a busy process" if busy else "nothing"
                print(f"| {network} | {used} | {beside} | {' | '.join(cells)} |", flush=True)
                os.sched_setaffinity(0, cores)


if __name__ == "__main__":
    main()
