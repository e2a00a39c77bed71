"""What a training step costs with some params changed, beside the step of params.yaml.

    python -m benchmarks.costs DATASET [-S KEY=VALUE ...]

Run in a folder with params.yaml and prepared data. Both steps are those of the train stage, on its
data, unwatched; each in a process of its own, in turns, on the cores that this command may use
(`taskset -c 0 python ...` for one).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.turns import Child
from stages.gan.common import paths
from stages.gan.common.yaml_files import read_mapping
from stages.tools.recipe import recipes

ROUNDS = 6
SECONDS = 1.5  # for each of both in a round, about


class _Enough(Exception):
    """So many steps were run."""


def ratio(dataset: str, changes: Mapping[str, Any]) -> float:
    """The cost of a step with the changes, as a multiple of one without."""
    if not changes:
        return 1.0
    content = read_mapping(paths.PARAMS)
    with tempfile.TemporaryDirectory() as scratch:
        children = []
        for name, made in (("as it is", {}), ("changed", changes)):
            file = Path(scratch) / f"{len(children)}.yaml"
            applied = recipes.applied(content, made, name)
            file.write_text(yaml.safe_dump(applied, sort_keys=False), encoding="utf-8")
            command = [sys.executable, "-m", "benchmarks.costs", "--child", str(file), dataset]
            children.append(Child(name, command, os.environ))
        steps = [max(2, round(SECONDS / statistics.median(child.run(3)))) for child in children]
        for _ in range(ROUNDS):
            for child, count in zip(children, steps, strict=True):
                child.times += child.run(count)
        for child in children:
            child.end()
    plain, changed = (statistics.mean(child.times) for child in children)
    return changed / plain


def _child(file: Path, dataset: str) -> None:
    """Answer each number with the times of so many steps of those params."""
    from stages.gan.common import runtime

    runtime.wait_without_spinning()
    from stages.gan import params
    from stages.gan.data import prepared
    from stages.gan.training import assembly, preparation

    runtime.bound_threads()
    settings = params.load(file, dataset)
    data = prepared.load(paths.prepared(dataset), "train")
    plan = replace(preparation.plan_of(dataset, settings.train, len(data)), watched=False)
    players = assembly.assemble(settings, data, plan.total_steps(len(data)), watched=False)
    times: list[float] = []

    def run(count: int) -> list[float]:
        times.clear()
        began = time.perf_counter()

        def note(step, row) -> None:
            nonlocal began
            now = time.perf_counter()
            times.append(now - began)
            began = now
            if len(times) == count:
                raise _Enough

        endless = replace(plan, epochs=100_000, max_steps=None, on_step=note)
        try:
            for _ in players.train(data, endless):
                pass
        except _Enough:
            return times
        raise AssertionError("an endless run ended")

    if players.recorder is not None:  # compiles: the last step always has an update
        players.recorder.follow(plan.total_steps(len(data)))
    print(json.dumps({"first_step": run(1)[0]}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"times": run(int(line))}), flush=True)


def main() -> None:
    """Print the ratio, or be one of both."""
    if sys.argv[1:2] == ["--child"]:
        _child(Path(sys.argv[2]), sys.argv[3])
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("-S", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    changes = {}
    for change in arguments.changes:
        key, value = change.split("=", 1)
        changes[key] = yaml.safe_load(value)
    print(f"{ratio(arguments.dataset, changes):.3f} times the cost of a step")


if __name__ == "__main__":
    main()
