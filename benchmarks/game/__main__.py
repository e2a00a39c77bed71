"""Measures runs, or writes the page from what was measured.

    python -m benchmarks.game PREPARED OUTPUT [RUN ...]     measure these runs, or all
    python -m benchmarks.game --page OUTPUT docs            from what was measured: table, picture

PREPARED is a folder of prepared digits (data/mnist/prepared).
"""

import sys
from pathlib import Path

from benchmarks.game import page, runs
from stages.gan.common import runtime
from stages.gan.common.files import write_json


def main() -> None:
    """Measure runs, or write the page."""
    if sys.argv[1] == "--page":
        page.write(*map(Path, sys.argv[2:4]))
        return
    runtime.bound_threads()
    folder, output = map(Path, sys.argv[1:3])
    output.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:] or runs.RUNS:
        for result in runs.measure(name, folder, output):
            write_json(output / f"{runs.slug(name)}.json", result)


if __name__ == "__main__":
    main()
