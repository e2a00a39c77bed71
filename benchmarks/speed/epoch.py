"""What the real train stage costs beside its steps: data, progress, history, grid, checkpoint.

    python -m benchmarks.speed.epoch DATASET IMAGES EPOCHS

Runs download, preprocess and train in a temporary project on so many images, with everything as
a user has it and a checkpoint after each epoch, and notes when each step began and ended. The
images are random ones for mnist, as there are no more than 1,797 bundled digits, and bundled ones
for faces. What happens once an epoch is set against an epoch of the real data.
"""

import itertools
import json
import os
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from benchmarks import lecture

# 60,000 digits in batches of 128; 7,373 faces for training, of 8,192, in batches of 64.
STEPS_OF_A_REAL_EPOCH = {"mnist": 468, "faces": 115}


def random_digits(folder: Path, count: int) -> None:
    """IDX files of so many images for training and a few for testing."""
    draw = np.random.default_rng(0)
    folder.mkdir()
    for part, images in (("train", count), ("t10k", 100)):
        for kind, shape in (("images-idx3", (images, 28, 28)), ("labels-idx1", (images,))):
            head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
            values = draw.integers(0, 10 if len(shape) == 1 else 256, shape, np.uint8)
            (folder / f"{part}-{kind}-ubyte").write_bytes(head + values.tobytes())


def main() -> None:
    """Print one JSON line."""
    dataset, count, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    shipped = lecture.content(dataset)
    section = shipped[dataset]
    section["train"].update(epochs=epochs, max_steps=None, checkpoint_every=1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sources = [section["download"]["sources"][-1]]
        if dataset == "mnist":
            random_digits(Path("digits"), count)
            sources, count = ["digits"], None
        section["download"].update(sources=sources, bundled_count=count, sha256={})
        Path("params.yaml").write_text(yaml.safe_dump(shipped, sort_keys=False))
        print(json.dumps(measure(dataset)))


def measure(dataset: str) -> dict[str, float]:
    """Run the stages in the current folder; seconds and shares of them."""
    from stages import download, preprocess, train
    from stages.gan import params
    from stages.gan.training import assembly

    settings = params.load(Path("params.yaml"), dataset)
    download.download(dataset, settings)
    preprocess.preprocess(dataset, settings)

    spans: list[tuple[float, float]] = []
    make_step = assembly.make_step

    def timed_make_step(*arguments):
        step = make_step(*arguments)

        def timed(*inputs, **named):
            began = time.perf_counter()
            outputs = step(*inputs, **named)
            for output in outputs:
                output.asnumpy()
            spans.append((began, time.perf_counter()))
            return outputs

        return timed

    assembly.make_step = timed_make_step
    train.train(dataset, settings)
    ended = time.perf_counter()
    # The first step compiles; all that follows counts, up to the last file.
    steps = sum(end - began for began, end in spans[1:])
    rows = Path("metrics", dataset, "history.csv").read_text().splitlines()
    per_epoch = len(spans) // (len(rows) - 1)
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
    gaps.append(ended - spans[-1][1])
    # The last end of an epoch is also the run's, with the animation and all files moved into
    # place, and the first one's grid starts the generator outside of the step.
    at_epoch_ends = gaps[per_epoch - 1 :: per_epoch]
    in_between = statistics.median(at_epoch_ends[1:-1])
    # The first epoch compiles the drawing that the watch looks at, once a run.
    later = list(enumerate(gaps))[per_epoch:]
    within = [gap for index, gap in later if (index + 1) % per_epoch]
    in_an_epoch = STEPS_OF_A_REAL_EPOCH[dataset]
    an_epoch = steps / (len(spans) - 1) * in_an_epoch
    return {
        "steps": len(spans),
        "epochs": len(rows) - 1,
        "seconds_of_steps": steps,
        "seconds_at_epoch_ends": at_epoch_ends,
        "epoch_overhead": (in_between + statistics.mean(within) * in_an_epoch) / an_epoch,
        "grid_history_checkpoint": in_between / an_epoch,
        "steps_of_a_real_epoch": in_an_epoch,
        "whole_run_overhead": sum(gaps[1:]) / steps,
    }


if __name__ == "__main__":
    main()
