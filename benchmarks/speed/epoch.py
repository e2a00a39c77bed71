"""What the real train stage costs beside its steps: data, progress, history, grid, checkpoint.

    python -m benchmarks.speed.epoch DATASET IMAGES EPOCHS

Runs download, preprocess and train in a temporary project on so many bundled images, with
everything as a user has it, and notes when each step began and ended.
"""

import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import yaml


def main() -> None:
    """Print one JSON line."""
    dataset, count, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    shipped = yaml.safe_load(Path("params.yaml").read_text())
    section = shipped[dataset]
    section["download"].update(sources=[section["download"]["sources"][-1]], bundled_count=count)
    section["train"].update(epochs=epochs, max_steps=None)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("params.yaml").write_text(yaml.safe_dump(shipped, sort_keys=False))
        print(json.dumps(measure(dataset)))


def measure(dataset: str) -> dict[str, float]:
    """Run the stages in the current folder; seconds and shares of them."""
    from stages import download, preprocess, train
    from stages.gan import params

    settings = params.load(Path("params.yaml"), dataset)
    download.download(dataset, settings)
    preprocess.preprocess(dataset, settings)

    spans: list[tuple[float, float]] = []
    make_step = train.make_step

    def timed_make_step(*arguments):
        step = make_step(*arguments)

        def timed(*inputs):
            began = time.perf_counter()
            outputs = step(*inputs)
            for output in outputs:
                output.asnumpy()
            spans.append((began, time.perf_counter()))
            return outputs

        return timed

    train.make_step = timed_make_step
    train.run(dataset, settings)
    ended = time.perf_counter()
    # The first step compiles; all that follows counts, up to the last file.
    steps = sum(end - began for began, end in spans[1:])
    rows = Path("metrics", dataset, "history.csv").read_text().splitlines()
    per_epoch = len(spans) // (len(rows) - 1)
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
    gaps.append(ended - spans[-1][1])
    at_epoch_ends = sum(gaps[per_epoch - 1 :: per_epoch])
    return {
        "steps": len(spans),
        "epochs": len(rows) - 1,
        "seconds_of_steps": steps,
        "epoch_overhead": sum(gaps[1:]) / steps,
        "grid_history_checkpoint": at_epoch_ends / steps,
    }


if __name__ == "__main__":
    main()
