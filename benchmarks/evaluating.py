"""How long the stage `evaluate` takes beside another version of the code, with the same scores.

    python -m benchmarks.evaluating OTHER DATASET [ROUNDS]

OTHER is a folder with another version of the code, such as a `git worktree` of an earlier commit.
DATASET is a trained data set of this project. Both versions evaluate it in turns (three times by
default), in a folder of its own with the same params, data and networks. It prints seconds and the
peak of memory of each run, the ratio of the medians, and whether all scores are the same. Bind it
to one core with `taskset -c 0` to measure that.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stages.gan.common import paths


def project(folder: Path, code: Path, dataset: str) -> Path:
    """Make a project in `folder` with this project's results of a data set, and other code."""
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(name, folder / name)
    (folder / "stages").symlink_to(code.resolve() / "stages")
    for source in (paths.prepared(dataset), paths.judge(dataset), paths.models(dataset)):
        target = folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())
    return folder


def run(folder: Path, dataset: str) -> tuple[float, float]:
    """Seconds and peak memory in MB of the stage in a project."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "stages.evaluate", dataset]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed in {folder}")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def main() -> None:
    """Print each run, and the comparison."""
    if len(sys.argv) not in (3, 4) or not (Path(sys.argv[1]) / "stages").is_dir():
        raise SystemExit("usage: python -m benchmarks.evaluating OTHER DATASET [ROUNDS]")
    other, dataset = Path(sys.argv[1]), sys.argv[2]
    rounds = int(sys.argv[3]) if sys.argv[3:] else 3
    seconds: dict[str, list[float]] = {"other": [], "this": []}
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        versions = {
            name: project(Path(folder) / name, code, dataset)
            for name, code in (("other", other), ("this", Path()))
        }
        for _ in range(rounds):
            for name, place in versions.items():
                took, peak = run(place, dataset)
                seconds[name].append(took)
                print(f"{name}: {took:.1f} s, {peak:.0f} MB", flush=True)
                file = place / paths.metrics(dataset) / paths.SCORES
                scores[name] = json.loads(file.read_text(encoding="utf-8"))
    ratio = statistics.median(seconds["this"]) / statistics.median(seconds["other"])
    same = "the same" if scores["this"] == scores["other"] else "DIFFERENT"
    print(f"this / other by median: {ratio:.2f}; all scores are {same}")


if __name__ == "__main__":
    main()
