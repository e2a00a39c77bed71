"""How long a step takes beside other work: busy processes, and a second training.

The busy processes are shells in an empty loop. `bound` is what a sweep does: two trainings at
once, each bound to a core of its own, PyTorch's with one thread.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.speed import ENVIRONMENT
from benchmarks.speed.recipes import recipe
from benchmarks.turns import Child

BATCHES = {"mlp": 128, "dcgan": 64}
BUSY = {"mlp": (0, 1, 2), "dcgan": (0, 2)}
ROUNDS = 10
OURS, YIELDING, BEST, ONE = "ours", "ours_yielding", "torch_best", "torch_one_thread"
# Variant: that of `child`, and what its environment has.
VARIANTS: dict[str, tuple[str, Mapping[str, str]]] = {
    OURS: ("ours", {}),
    YIELDING: ("ours", {"GAN_WAITING": "yield"}),
    BEST: ("torch_best", {}),
    ONE: ("torch_best", {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}),
}
NAMES = {
    OURS: "ours",
    YIELDING: "ours, waiting as MindSpore has it",
    BEST: "PyTorch, at its best",
    ONE: "PyTorch, at its best, one thread",
}
Times = dict[str, list[float]]


class _Variant(Child):
    """One variant of one network, in a process of its own."""

    def __init__(self, name: str, network: str) -> None:
        kind, changes = VARIANTS[name]
        problem = json.dumps(vars(recipe(network)))
        command = [sys.executable, "-m", "benchmarks.speed.child", kind, str(BATCHES[network])]
        super().__init__(name, [*command, problem], {**ENVIRONMENT, **changes})
        self.run(2)  # warm-up


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """So many processes that compute without end."""
    processes = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _in_turn(plan: Mapping[str, int], rounds: int, run: Callable[[str, int], list[float]]) -> Times:
    """Milliseconds of the steps of each variant; `plan` says how many each gets."""
    times: Times = {name: [] for name in plan}
    for turn in range(rounds):
        for name, steps in plan.items():
            share = steps * (turn + 1) // rounds - steps * turn // rounds
            if share:
                times[name] += [1000 * seconds for seconds in run(name, share)]
    return times


def beside(network: str, plan: Mapping[str, int], rounds: int) -> dict[str, Times]:
    """Times alone and beside busy processes."""
    children = {name: _Variant(name, network) for name in plan}
    found = {}
    for count in BUSY[network]:
        with _busy(count):
            found[f"beside_{count}" if count else "alone"] = _in_turn(
                plan, rounds, lambda name, steps: children[name].run(steps)
            )
    for child in children.values():
        child.end()
    return found


def bound(network: str, steps: int, rounds: int) -> Times:
    """Times of two trainings at once, each bound to a core."""
    cores = sorted(os.sched_getaffinity(0))
    pairs: dict[str, list[_Variant]] = {OURS: [], ONE: []}
    try:
        for core in cores[:2]:
            os.sched_setaffinity(0, {core})
            for name, pair in pairs.items():
                pair.append(_Variant(name, network))
    finally:
        os.sched_setaffinity(0, cores)
    with ThreadPoolExecutor(2) as pool:

        def run(name: str, share: int) -> list[float]:
            halves = pool.map(lambda child: child.run(share), pairs[name])
            return [seconds for half in halves for seconds in half]

        times = _in_turn(dict.fromkeys(pairs, steps), rounds, run)
    for child in (*pairs[OURS], *pairs[ONE]):
        child.end()
    return times


def measure(quick: bool) -> dict[str, dict[str, Times]]:
    """One run of all that is measured here, by network and by company."""
    steps = {"mlp": 60, "dcgan": 10} if quick else {"mlp": 300, "dcgan": 30}
    rounds = 5 if quick else ROUNDS
    # A step that waits as MindSpore has it can take half a second beside two busy processes.
    mlp = {OURS: steps["mlp"], YIELDING: steps["mlp"] // 5, BEST: steps["mlp"], ONE: steps["mlp"]}
    found = {"mlp": beside("mlp", mlp, rounds)}
    if len(os.sched_getaffinity(0)) > 1:
        found["mlp"]["bound"] = bound("mlp", steps["mlp"], rounds)
    found["dcgan"] = beside("dcgan", dict.fromkeys((OURS, YIELDING, BEST), steps["dcgan"]), rounds)
    return found


def summary(runs: list[dict[str, dict[str, Times]]]) -> dict:
    """Figures over all runs; ratios are by mean, within each run."""
    result: dict[str, dict] = {}
    for network in runs[0]:
        result[network] = {"batch": BATCHES[network]}
        for company, first in runs[0][network].items():
            each = [run[network][company] for run in runs]
            rivals = [name for name in (BEST, ONE) if name in first]
            ratios = [
                float(np.mean(one[OURS]) / min(np.mean(one[rival]) for rival in rivals))
                for one in each
            ]
            result[network][company] = {
                "milliseconds": {name: _figures([one[name] for one in each]) for name in first},
                "ratio_mean_to_best_torch": statistics.median(ratios),
                "ratio_of_each_run": ratios,
            }
        alone = [float(np.mean(run[network]["alone"][OURS])) for run in runs]
        beside_two = [float(np.mean(run[network]["beside_2"][OURS])) for run in runs]
        times = [two / one for one, two in zip(alone, beside_two, strict=True)]
        result[network]["beside_2_to_alone_of_each_run"] = times
    return result


def _figures(runs: list[list[float]]) -> dict:
    times = np.concatenate(runs)
    return {
        "mean": float(times.mean()),
        "median": float(np.median(times)),
        "p5": float(np.percentile(times, 5)),
        "p95": float(np.percentile(times, 95)),
        "steps": len(times),
        "mean_of_each_run": [float(np.mean(one)) for one in runs],
    }


def report(results: dict) -> None:
    """Print a table for each network and company."""
    for network, part in results.items():
        for company, found in part.items():
            if not isinstance(found, dict):
                continue
            print(f"\n{network}, batch {part['batch']}, {company.replace('_', ' ')}")
            print(f"{'ms a step':36s}{'mean':>10s}{'median':>10s}{'steps':>7s}")
            for name, row in found["milliseconds"].items():
                print(f"{NAMES[name]:36s}{row['mean']:10.1f}{row['median']:10.1f}{row['steps']:7d}")
            runs = ", ".join(f"{ratio:.2f}" for ratio in found["ratio_of_each_run"])
            ratio = found["ratio_mean_to_best_torch"]
            print(f"ours / best PyTorch by mean: {ratio:.2f} (runs: {runs})")
        times = ", ".join(f"{ratio:.1f}" for ratio in part["beside_2_to_alone_of_each_run"])
        print(f"{network}: beside two busy processes / alone, ours (runs): {times}")
