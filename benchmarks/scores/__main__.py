"""Scores of recipes, seed by seed, and of the same networks trained in PyTorch.

    python -m benchmarks.scores FOLDER run NAME [NAME ...] [--source DATASET=SOURCE ...]
    python -m benchmarks.scores FOLDER table
    python -m benchmarks.scores FOLDER picture FILE NAME [NAME ...]

A NAME is DATASET:RECIPE:LENGTH:SEED, such as mnist:lecture:50:1. RECIPE is a name of recipes/, or
`pytorch` for the recipe `lecture` in PyTorch, or pytorch-NAME for another one (see twin). LENGTH is
a number of epochs, or of steps with an s behind it.

Each run has a folder of its own in FOLDER; all runs of a data set share its data and judge, which
are made once with what params.yaml has, or from the source given. What is there is not made again,
and a run that was ended is taken up (but for those in PyTorch, which begin anew). `table` shows
these and those of results.json beside this file, and keeps them all there: a campaign may take
several days and machines. What different judges have seen stands in different tables.
"""

import argparse
import json
from pathlib import Path

from benchmarks.scores import runs
from benchmarks.scores.pictures import picture
from benchmarks.scores.tables import scores_of, table

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Parse the arguments and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("action", choices=("run", "table", "picture"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--source", action="append", default=[], help="DATASET=SOURCE")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.action == "run":
        sources = dict(source.split("=", 1) for source in arguments.source)
        for name in arguments.names:
            runs.Run.named(folder, name).finish(sources)
        return
    if arguments.action == "picture":
        file, *names = arguments.names
        picture([runs.Run.named(folder, name) for name in names], Path(file))
        return
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results |= {run.name: scores_of(run) for run in runs.finished(folder)}
    print(table(results))
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
