"""Time and memory of every stage, each a process of its own in a temporary project."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from stages.tools.recipe import recipes

ROOT = Path(__file__).parents[2]
STEPS = 30
EPOCH_BATCH = 512


class Watch(threading.Thread):
    """Looks at the memory of all processes that a process started, and these in turn."""

    def __init__(self, number: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(number)
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._ended.wait(0.02):
            together = 0
            try:
                for process in self._process.children(recursive=True):
                    together += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self.peak = max(self.peak, together)

    def end(self) -> None:
        self._ended.set()
        self.join()


# A process begins with the peak of the one that started it: so a small one comes between.
_BETWEEN = """
import os, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run([sys.executable, "-m", *sys.argv[1:]]).returncode
seconds = time.perf_counter() - began
print(code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run_stage(stage: str, project: Path, watched: bool = True) -> dict[str, float]:
    """Run a stage; seconds, and its peak memory in bytes: alone, with what it started.

    To watch what it started takes time of a core itself: not where speed is compared.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _BETWEEN, f"stages.{stage}", "faces"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Watch(process.pid)
    if watched:
        watch.start()
    output = process.communicate()[0]
    if watched:
        watch.end()
    code, seconds, kilobytes = output.splitlines()[-1].split()
    if code != "0":
        raise SystemExit(f"{stage} failed:\n{output}")
    alone = int(kilobytes) * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": float(seconds), "peak": alone, "peak_together": max(alone, watch.peak)}


# The DCGAN for a few steps, and one epoch of an MLP so small that the images take the memory.
FEW_STEPS = {"datasets.faces.network": "dcgan", "faces.train.max_steps": STEPS}
SMALL_EPOCH = {
    "datasets.faces.network": "mlp",
    "faces.train.max_steps": None,
    "faces.train.epochs": 1,
    "faces.train.batch_size": EPOCH_BATCH,
    "faces.train.generator.widths": [64],
    "faces.train.discriminator.widths": [64],
}


def write_params(project: Path, archive: Path, changes: Mapping[str, Any]) -> None:
    """The shipped params for the faces, with one epoch of judge and critic, and these changes."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    faces = params["faces"]
    faces["download"]["sources"] = [str(archive.absolute())]
    faces["judge"]["epochs"] = faces["evaluate"]["critic"]["epochs"] = 1
    faces["train"]["on_failure"] = "warn"
    params = recipes.applied(params, changes, "this benchmark")
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def measure(count: int, archive: Path, project: Path) -> dict[str, dict[str, float]]:
    """Run everything on an archive of so many images."""
    project.mkdir()
    found = {}
    write_params(project, archive, SMALL_EPOCH)
    for stage in ("download", "preprocess", "judge"):
        found[stage] = run_stage(stage, project)
    counts = json.loads((project / "data/faces/prepared/prepared.json").read_text())["counts"]
    # One epoch of it needs a whole batch at least.
    if counts["train"] >= EPOCH_BATCH:
        found["train, an epoch of a small MLP"] = run_stage("train", project)
    write_params(project, archive, FEW_STEPS)
    found[f"train, {STEPS} steps of the DCGAN"] = run_stage("train", project)
    for stage in ("evaluate", "report"):
        found[stage] = run_stage(stage, project)
    for stage, figures in found.items():
        print(
            f"{count:7,} {stage:32} {figures['seconds']:7.1f} s {figures['peak'] / 1e6:7.0f} MB"
            f" {figures['peak_together'] / 1e6:7.0f} MB with its processes",
            flush=True,
        )
    return found
