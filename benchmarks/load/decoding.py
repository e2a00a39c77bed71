"""Bare decoding and the stage preprocess, in turn."""

import io
import itertools
import multiprocessing
import os
import shutil
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.load.archives import originals
from benchmarks.load.stages import run_stage
from stages.gan.common.runtime import usable_cores

SIZE = 64
WRITTEN_AT_ONCE = 64


def decode(contents: list[bytes]) -> None:
    """Just decode: what any program that uses Pillow has to do at least."""
    for content in contents:
        with Image.open(io.BytesIO(content)) as picture:
            picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def decode_at(
    begin: Barrier, end: Barrier, contents: list[bytes], target: Path | None, start: int
) -> None:
    """What a process does between two barriers; it may write each image's bytes from `start` on."""
    begin.wait()
    if target is None:
        decode(contents)
    else:
        values = np.ones((WRITTEN_AT_ONCE, 3, SIZE, SIZE), np.float16)
        with target.open("r+b", buffering=0) as file:
            file.seek(start * values[0].nbytes)
            for first in range(0, len(contents), WRITTEN_AT_ONCE):
                part = contents[first : first + WRITTEN_AT_ONCE]
                decode(part)
                file.write(values[: len(part)].data)
    end.wait()


def by_threads(contents: list[bytes], cores: int) -> float:
    """Seconds to decode them all in as many threads."""
    with ThreadPoolExecutor(cores) as pool:
        began = time.perf_counter()
        list(pool.map(decode, [contents[start::cores] for start in range(cores)]))
        return time.perf_counter() - began


def by_processes(contents: list[bytes], cores: int, target: Path | None = None) -> float:
    """Seconds to decode them all in as many processes, once these have their share in memory.

    Their bytes at rest, all the same, are also written to a target.
    """
    context = multiprocessing.get_context("spawn")
    begin, end = context.Barrier(cores + 1), context.Barrier(cores + 1)
    bounds = [len(contents) * number // cores for number in range(cores + 1)]
    if target is not None:
        target.touch()
    processes = [
        context.Process(target=decode_at, args=(begin, end, contents[low:high], target, low))
        for low, high in itertools.pairwise(bounds)
    ]
    for process in processes:
        process.start()
    begin.wait()
    began = time.perf_counter()
    end.wait()
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    if target is not None:
        target.unlink()
    return seconds


def compare(archive: Path, project: Path, runs: int) -> dict[str, Any]:
    """Time decoding and the stage in turn: images a second, and the ratio of each run."""
    contents = originals(archive, project)
    cores = usable_cores()
    ways = {
        "threads": lambda: by_threads(contents, cores),
        "writing": lambda: by_processes(contents, cores, project / "written"),
        "preprocess": lambda: run_stage("preprocess", project, watched=False)["seconds"],
        "processes": lambda: by_processes(contents, cores),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for run in range(runs):
        # The stage in the middle: what changes from minute to minute meets all alike.
        for way in ways if run % 2 else reversed(ways):
            if way == "preprocess":
                shutil.rmtree(project / "data/faces/prepared", ignore_errors=True)
            os.sync()  # what one way has left to be written is not the next one's
            found[way].append(len(contents) / ways[way]())
            print(f"{way:10} {found[way][-1]:8,.0f} images/s", flush=True)
    fastest = [max(pair) for pair in zip(found["threads"], found["processes"], strict=True)]
    ratios, ceilings = (
        [rate / bare for rate, bare in zip(found[way], fastest, strict=True)]
        for way in ("preprocess", "writing")
    )
    return {
        "images_per_second": found,
        "ratios": ratios,
        "ratio": statistics.median(ratios),
        "ceilings": ceilings,
        "cores": cores,
    }
