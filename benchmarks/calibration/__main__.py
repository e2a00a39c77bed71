"""Damage real images in graded ways and see which measure ranks what.

    python -m benchmarks.calibration data/mnist data/faces [--samples 5000] [--output FOLDER]

Each folder has what the pipeline put there: `prepared` and `judge`; of params.yaml the critic's
settings of the data set of its name are used. Writes calibration.json, .md
and .png into docs, or into the folder given, and ends with 1 if a measure does not rank what it is
meant to see. What calibration.json there has of other data sets stays, if it is of the same
measures.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.calibration import looks, page, plot, ranking
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file, write_json
from stages.gan.data import prepared


def joined(file: Path, results: dict[str, Any]) -> dict[str, Any]:
    """These results in the places of older ones, and the others that tell the same."""
    if not file.exists():
        return results
    earlier = json.loads(file.read_text(encoding="utf-8"))

    def told(found: dict[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(found), frozenset(found["seen"]["noise"])

    told_now = {told(found) for found in results.values()}
    same = {name: found for name, found in earlier.items() if told(found) in told_now}
    return {**same, **results}


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
            look = looks.Eyes(folder / "judge")
            critic = params.load(paths.PARAMS, folder.name).evaluate.critic
            print(f"{folder.name}: {len(test):,} held-out images", flush=True)
            found = ranking.calibrate(train, test, look, arguments.samples, critic)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        described = {
            "data": about["source"],
            "bundled_data": about["bundled"],
            "counts": about["counts"],
            "judge": look.sha256,
        }
        results[folder.name] = {**described, **found}
    arguments.output.mkdir(parents=True, exist_ok=True)
    shown = joined(arguments.output / "calibration.json", results)
    write_json(arguments.output / "calibration.json", shown)
    with whole_file(arguments.output / "calibration.md") as scratch:
        scratch.write_text(page.text(shown), encoding="utf-8")
    plot.draw(shown, arguments.output / "calibration.png")
    failed = [line for name, found in results.items() for line in ranking.failures(name, found)]
    print(*(failed or ["every measure ranks what it is meant to see"]), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
