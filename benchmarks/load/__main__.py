"""Memory and time of the pipeline by the number of images, and how near preprocess is to decoding.

    python -m benchmarks.load [--images ARCHIVE] [--counts 1000 10000 70171] [--runs 3]

The images are those of an archive such as faces.zip, or the bundled avatars. Where more are
wanted than there are, they come again under new names: mirrored or not, a little brighter or
darker (drawn by a seed), with the quantisation tables of the original, so that a file is as
large. Everything is done by the real stages (python -m stages....) in a temporary project.

Peak memory is that of each stage's process as the system counts it (ru_maxrss), and that of it and
the processes it started together, looked at every 20 ms (pages that they share count several
times). A DCGAN is trained for 30 steps; that a whole epoch's batches do not add up is shown by
a small MLP on the same images, all of them, in batches of 512.

Then pure decoding is timed: Pillow's open, convert and resize of the same files in memory, by
as many threads as there are cores and by as many processes, in turn with the preprocess stage.
The stage is timed from its start to its end. In turn with them the processes also write as
many bytes as the stage does, by plain writes: what the stage could reach if all else were free. It
writes results.json beside this file.
"""

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.load.archives import originals, write_archives
from benchmarks.load.decoding import compare
from benchmarks.load.stages import measure

RESULTS = Path(__file__).with_name("results.json")
COUNTS = (1_000, 10_000, 70_171)
BOUND = 2_000_000_000


def table(measured: dict[int, dict[str, dict[str, float]]]) -> str:
    """Markdown: a row a stage, time and memory for each number of images."""
    counts = list(measured)
    stages = list(measured[counts[-1]])
    rows = [
        f"| | {' | '.join(f'{count:,} images' for count in counts)} |",
        f"|---|{'---|' * len(counts)}",
    ]
    for stage in stages:
        cells = []
        for count in counts:
            if figures := measured[count].get(stage):
                cells.append(
                    f"{figures['seconds']:.1f} s, {figures['peak'] / 1e6:,.0f} MB"
                    f" ({figures['peak_together'] / 1e6:,.0f})"
                )
            else:
                cells.append("-")
        rows.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Measure, print tables in Markdown, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=Path, help="an archive of JPEGs; or else the avatars")
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--runs", type=int, default=3, help="of the comparison with decoding")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        contents = originals(arguments.images, scratch)
        archives = write_archives(contents, arguments.counts, scratch)
        mean = archives[max(arguments.counts)].stat().st_size / max(arguments.counts)
        measured = {}
        for count, archive in archives.items():
            measured[count] = measure(count, archive, scratch / f"project-{count}")
        largest = max(arguments.counts)
        compared = compare(archives[largest], scratch / f"project-{largest}", arguments.runs)
    peak = max(
        figures["peak_together"] for stages in measured.values() for figures in stages.values()
    )
    print()
    print(table(measured))
    print()
    print(f"Largest peak {peak / 1e6:,.0f} MB, bound {BOUND / 1e6:,.0f} MB.")
    print(
        f"Preprocess at {compared['ratio']:.0%} of the decoding speed of all {compared['cores']} "
        f"cores (runs: {', '.join(f'{ratio:.0%}' for ratio in compared['ratios'])}); decoding and "
        f"writing as many bytes: {', '.join(f'{ratio:.0%}' for ratio in compared['ceilings'])}."
    )
    RESULTS.write_text(
        json.dumps(
            {
                "images": "bundled avatars" if arguments.images is None else arguments.images.name,
                "mean_bytes": mean,
                "stages": measured,
                "peak": peak,
                "decoding": compared,
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
