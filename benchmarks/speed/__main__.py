"""Run all variants in turn and write results.json and speed.png."""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.speed import ENVIRONMENT, company, machine, plot
from benchmarks.speed.problems import work
from benchmarks.speed.recipes import recipe
from benchmarks.turns import Child

RESULTS = Path("benchmarks/results.json")
PICTURE = Path("benchmarks/speed.png")
ROUNDS = 10
OURS, LECTURE = "ours", "lecture"
TORCH = ("torch", "torch_best", "torch_compiled")
# A step of MindSpore's own convolutions takes minutes at batch 64, so a small batch is timed and
# its time multiplied: the work is the same for each image.
LECTURE_DCGAN_BATCH = 4


class Variant(Child):
    """One variant, in a process of its own."""

    def __init__(self, variant: str, network: str, batch: int) -> None:
        self.batch = batch
        problem = json.dumps(vars(recipe(network)))
        command = [sys.executable, "-m", "benchmarks.speed.child", variant, str(batch), problem]
        super().__init__(variant, command, ENVIRONMENT)


def interleaved(network: str, batch: int, plan: dict[str, int], rounds: int) -> dict[str, dict]:
    """Times of each variant, in milliseconds; `plan` says how many steps each gets."""
    children = []
    for variant in plan:
        try:
            small = (variant, network) == (LECTURE, "dcgan")
            children.append(Variant(variant, network, LECTURE_DCGAN_BATCH if small else batch))
        except RuntimeError as error:
            print(f"  {network} {batch}: {error}, left out", flush=True)
            continue
        if plan[variant] > 2:
            children[-1].run(2)  # warm-up, apart
    for turn in range(rounds):
        for child in children:
            steps = plan[child.name]
            share = steps * (turn + 1) // rounds - steps * turn // rounds
            if share:
                scale = 1000 * batch / child.batch
                child.times += [scale * seconds for seconds in child.run(share)]
    for child in children:
        child.end()
    return {c.name: {"first_step_s": c.first_step, "times": c.times} for c in children}


def summary(runs: list[dict[str, dict]]) -> dict:
    """Figures over all runs, and the ratios of each run by mean."""
    variants = {}
    for variant in {name: None for run in runs for name in run}:
        times = np.array([t for run in runs if variant in run for t in run[variant]["times"]])
        first = [run[variant]["first_step_s"] for run in runs if variant in run]
        variants[variant] = {
            "mean": times.mean(),
            "median": float(np.median(times)),
            "p5": float(np.percentile(times, 5)),
            "p95": float(np.percentile(times, 95)),
            "steps": len(times),
            "first_step_s": max(first),
            "mean_of_each_run": [
                float(np.mean(run[variant]["times"])) for run in runs if variant in run
            ],
        }

    def mean(run: dict, name: str) -> float:
        return float(np.mean(run[name]["times"]))

    by_run = [
        mean(run, OURS) / min(mean(run, name) for name in TORCH if name in run) for run in runs
    ]
    result = {
        "milliseconds": variants,
        "ratio_mean_to_best_torch": statistics.median(by_run),
        "ratio_of_each_run": by_run,
    }
    if LECTURE in variants:
        with_lecture = [run for run in runs if LECTURE in run]
        result["speedup_over_lecture"] = statistics.median(
            mean(run, LECTURE) / mean(run, OURS) for run in with_lecture
        )
    return result


def plans(quick: bool, run: int) -> list[tuple[str, str, int, dict[str, int]]]:
    """(name in the results, network, batch, steps of each variant) of one run.

    The lecture's DCGAN gets a single step, in the first run alone; and torch.compile, which
    compiles for a minute and more, runs there too.
    """
    if quick:
        return [
            ("mlp", "mlp", 128, {OURS: 100, LECTURE: 30, "torch": 100, "torch_best": 100}),
            ("dcgan", "dcgan", 64, {OURS: 10, "torch": 10, "torch_best": 10, LECTURE: 1}),
        ]
    fast = (OURS, *TORCH) if run == 0 else (OURS, "torch", "torch_best")
    mlp = dict.fromkeys(fast, 300) | {LECTURE: 300 if run == 0 else 100}
    dcgan = dict.fromkeys(fast, 30) | ({LECTURE: 1} if run == 0 else {})
    return [
        ("mlp", "mlp", 128, mlp),
        ("dcgan", "dcgan", 64, dcgan),
        ("dcgan_128", "dcgan", 128, {OURS: 30, "torch": 30, "torch_best": 30}),
    ]


def epoch(dataset: str, count: int, epochs: int) -> dict:
    """The real stage's overhead, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.speed.epoch", dataset, str(count), str(epochs)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def main() -> None:
    """Measure, print a table, write the results."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--only",
        choices=["mlp", "dcgan", "dcgan_128", "company"],
        help="keep the other results as they are",
    )
    arguments = parser.parse_args()
    quick, only = arguments.quick, arguments.only
    results: dict[str, object] = {}
    if only:
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        if results.get("quick") != quick:
            parser.error(f"{RESULTS} has no other results of this length: measure all")
    collected: dict[str, list] = {}
    for run in range(1 if quick else 3):
        for name, network, batch, plan in plans(quick, run):
            if only not in (None, name):
                continue
            print(f"run {run + 1}: {name}", flush=True)
            rounds = 5 if quick else ROUNDS
            collected.setdefault(name, []).append(interleaved(network, batch, plan, rounds))
    if not only:
        results = {"quick": quick, "machine": machine.describe() | machine.rates()}
    for name, runs in collected.items():
        network, batch = name.split("_")[0], 128 if name != "dcgan" else 64
        results[name] = summary(runs) | {
            "batch": batch,
            "work": work(recipe(network), batch),
        }
    stages = {"mlp": ("mnist", 6_000 if quick else 60_000, 3)}
    stages["dcgan"] = ("faces", 256 if quick else 2_048, 3)
    for name, what in stages.items():
        if only not in (None, name):
            continue
        print(f"epoch: {name}", flush=True)
        stage = epoch(*what)
        results[name] |= {"epoch_overhead": stage["epoch_overhead"], "epoch": stage}
    if only in (None, "company"):
        beside = []
        for run in range(1 if quick else 3):
            print(f"run {run + 1}: company", flush=True)
            beside.append(company.measure(quick))
        results["company"] = company.summary(beside)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    plot.draw(results, PICTURE)
    report(results)


def report(results: dict) -> None:
    """Print what was measured beside what the machine can do."""
    about = results["machine"]
    print(
        f"\n{about['processor']}, {about['cores']} cores: matrix product "
        f"{about['mindspore_gflops']:.0f} GFLOPS in MindSpore, {about['numpy_gflops']:.0f} in "
        f"NumPy; copies {about['copy_gbyte_per_second']:.1f} GB/s"
    )
    for name in results:
        if name in ("quick", "machine", "company"):
            continue
        part = results[name]
        least = part["work"]
        floor = least["gflop_by_tiles"] / about["mindspore_gflops"] * 1000
        print(
            f"\n{name}, batch {part['batch']}: {least['gflop']:.1f} GFLOP a step, "
            f"{least['gflop_by_tiles']:.1f} by tiles ({floor:.0f} ms at that rate), "
            f"at least {least['least_gbyte']:.2f} GB"
        )
        print(f"{'ms a step':16s}{'mean':>10s}{'median':>10s}{'p5':>10s}{'p95':>10s}{'steps':>7s}")
        for variant, row in part["milliseconds"].items():
            figures = "".join(f"{row[key]:10.1f}" for key in ("mean", "median", "p5", "p95"))
            print(f"{variant:16s}{figures}{row['steps']:7d}")
        print(
            f"ours / best PyTorch by mean: {part['ratio_mean_to_best_torch']:.2f} "
            f"(runs: {', '.join(f'{ratio:.2f}' for ratio in part['ratio_of_each_run'])})"
        )
        if "speedup_over_lecture" in part:
            print(f"the lecture's code / ours: {part['speedup_over_lecture']:.1f}")
        print(f"first step of ours: {part['milliseconds'][OURS]['first_step_s']:.1f} s")
        if "epoch" in part:
            print(
                f"the real stage beside its steps, in an epoch of "
                f"{part['epoch']['steps_of_a_real_epoch']}: {part['epoch_overhead']:.1%}, of which "
                f"grid, history and checkpoint {part['epoch']['grid_history_checkpoint']:.1%}"
            )
    if "company" in results:
        company.report(results["company"])


if __name__ == "__main__":
    main()
