"""Damage real images in graded ways and see which measure ranks what.

    python -m benchmarks.calibration data/mnist data/faces [--samples 5000] [--output FOLDER]

Each folder has what the pipeline put there: `prepared` and `judge`; of params.yaml the critic's
settings of the data set of its name are used. Writes calibration.json, .md
and .png into docs, or into the folder given, and ends with 1 if a measure does not rank what it is
meant to see.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.calibration import looks, page, plot, ranking
from stages.gan import params, paths, prepared
from stages.gan.errors import UserError
from stages.gan.files import whole_file, write_json


def main() -> int:
    """Calibrate on each data set; 1 if something is not ranked, or a folder is not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("folders", nargs="+", type=Path, help="data/mnist, data/faces")
    parser.add_argument("--samples", type=int, default=5000, help="at most, of each sample")
    parser.add_argument("--output", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    results = {}
    for folder in arguments.folders:
        try:
            train, test = (prepared.load(folder / "prepared", split) for split in prepared.SPLITS)
            about = prepared.description(folder / "prepared")
            look = looks.by(folder / "judge")
            critic = params.load(paths.PARAMS, folder.name).evaluate.critic
            print(f"{folder.name}: {len(test):,} held-out images", flush=True)
            found = ranking.calibrate(train, test, look, arguments.samples, critic)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        described = {"data": about["source"], "bundled_data": about["bundled"]}
        results[folder.name] = {**described, **found}
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_json(arguments.output / "calibration.json", results)
    with whole_file(arguments.output / "calibration.md") as scratch:
        scratch.write_text(page.text(results), encoding="utf-8")
    plot.draw(results, arguments.output / "calibration.png")
    failed = [line for name, found in results.items() for line in ranking.failures(name, found)]
    print(*(failed or ["every measure ranks what it is meant to see"]), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
