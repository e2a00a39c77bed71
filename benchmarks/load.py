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
The stage is timed from its start to its end. In turn with them the threads also write as many
bytes as the stage does, by plain writes: what the stage could reach if all else were free. It
writes benchmarks/load.json.
"""

import argparse
import io
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml
from PIL import Image, ImageEnhance, ImageOps, JpegImagePlugin

from stages.gan.containers import open_container
from stages.gan.formats.images import bundled, raw
from stages.gan.randomness import stream
from stages.gan.runtime import usable_cores

ROOT = Path(__file__).parents[1]
RESULTS = Path("benchmarks/load.json")
COUNTS = (1_000, 10_000, 70_171)
SIZE = 64
STEPS = 30
EPOCH_BATCH = 512
WRITTEN_AT_ONCE = 64
BOUND = 2_000_000_000


def originals(archive: Path | None, scratch: Path) -> list[bytes]:
    """The image files to begin with."""
    if archive is None:
        bundled.make(scratch, None, partial(stream, 1, "drawing"))
        archive = scratch / raw.ARCHIVE
    with open_container(archive, 1 << 40) as container:
        contents = []
        for name in raw.image_names(container):
            with container.open(name) as file:
                contents.append(file.read())
    return contents


def another(content: bytes, number: int) -> bytes:
    """A JPEG of nearly the same picture, drawn by its number."""
    draw = np.random.default_rng(number)
    with Image.open(io.BytesIO(content)) as picture:
        tables = picture.quantization
        sampling = JpegImagePlugin.get_sampling(picture)
        changed = picture.convert("RGB")
    if draw.random() < 0.5:
        changed = ImageOps.mirror(changed)
    changed = ImageEnhance.Brightness(changed).enhance(draw.uniform(0.85, 1.15))
    buffer = io.BytesIO()
    changed.save(buffer, "JPEG", qtables=tables, subsampling=sampling)
    return buffer.getvalue()


def write_archives(contents: list[bytes], counts: list[int], folder: Path) -> dict[int, Path]:
    """An archive for each count; the smaller ones hold the first images of the largest."""
    files = {count: folder / f"{count}.zip" for count in counts}
    archives = {count: zipfile.ZipFile(file, "w") for count, file in files.items()}
    for number in range(max(counts)):
        content = contents[number % len(contents)]
        if number >= len(contents):
            content = another(content, number)
        for count, archive in archives.items():
            if number < count:
                archive.writestr(zipfile.ZipInfo(f"faces/{number}.jpg"), content)
    for archive in archives.values():
        archive.close()
    return files


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


def run_stage(stage: str, project: Path) -> dict[str, float]:
    """Run a stage; seconds, and its peak memory in bytes: alone, with what it started."""
    process = subprocess.Popen(
        [sys.executable, "-c", _BETWEEN, f"stages.{stage}", "faces"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Watch(process.pid)
    watch.start()
    output = process.communicate()[0]
    watch.end()
    code, seconds, kilobytes = output.splitlines()[-1].split()
    if code != "0":
        raise SystemExit(f"{stage} failed:\n{output}")
    alone = int(kilobytes) * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": float(seconds), "peak": alone, "peak_together": max(alone, watch.peak)}


def write_params(project: Path, archive: Path, network: str) -> None:
    """The shipped params for the faces, with few steps, or one epoch of what goes by epochs."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["datasets"]["faces"]["network"] = network
    faces = params["faces"]
    faces["download"]["sources"] = [str(archive.absolute())]
    faces["judge"]["epochs"] = faces["evaluate"]["critic"]["epochs"] = 1
    faces["train"].update(max_steps=STEPS, on_failure="warn")
    if network == "mlp":
        faces["train"].update(max_steps=None, epochs=1, batch_size=EPOCH_BATCH)
        faces["train"]["generator"]["widths"] = faces["train"]["discriminator"]["widths"] = [64]
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def measure(count: int, archive: Path, project: Path) -> dict[str, dict[str, float]]:
    """Run everything on an archive of so many images."""
    project.mkdir()
    found = {}
    write_params(project, archive, "mlp")
    for stage in ("download", "preprocess", "judge"):
        found[stage] = run_stage(stage, project)
    counts = json.loads((project / "data/faces/prepared/prepared.json").read_text())["counts"]
    # One epoch of it needs a whole batch at least.
    if counts["train"] >= EPOCH_BATCH:
        found["train, an epoch of a small MLP"] = run_stage("train", project)
    write_params(project, archive, "dcgan")
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


def decode(contents: list[bytes]) -> None:
    """Just decode: what any program that uses Pillow has to do at least."""
    for content in contents:
        with Image.open(io.BytesIO(content)) as picture:
            picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def decode_at(begin: Any, end: Any, contents: list[bytes]) -> None:
    """What a process does between two barriers."""
    begin.wait()
    decode(contents)
    end.wait()


def by_threads(contents: list[bytes], cores: int) -> float:
    """Seconds to decode them all in as many threads."""
    with ThreadPoolExecutor(cores) as pool:
        began = time.perf_counter()
        list(pool.map(decode, [contents[start::cores] for start in range(cores)]))
        return time.perf_counter() - began


def by_processes(contents: list[bytes], cores: int) -> float:
    """Seconds to decode them all in as many processes, once these have their share in memory."""
    context = multiprocessing.get_context("spawn")
    begin, end = context.Barrier(cores + 1), context.Barrier(cores + 1)
    processes = [
        context.Process(target=decode_at, args=(begin, end, contents[start::cores]))
        for start in range(cores)
    ]
    for process in processes:
        process.start()
    begin.wait()
    began = time.perf_counter()
    end.wait()
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return seconds


def by_threads_writing(contents: list[bytes], cores: int, file: Path) -> float:
    """As `by_threads`, and each image's bytes at rest are written, which are all the same."""
    values = np.ones((WRITTEN_AT_ONCE, 3, SIZE, SIZE), np.float16)
    began = time.perf_counter()
    with file.open("wb", buffering=0) as target:
        os.posix_fallocate(target.fileno(), 0, len(contents) * values[0].nbytes)

        def work(start: int) -> None:
            part = contents[start : start + WRITTEN_AT_ONCE]
            decode(part)
            os.pwrite(target.fileno(), values[: len(part)].data, start * values[0].nbytes)

        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(work, range(0, len(contents), WRITTEN_AT_ONCE)))
    seconds = time.perf_counter() - began
    file.unlink()
    return seconds


def compare(archive: Path, project: Path, runs: int) -> dict[str, Any]:
    """Time decoding and the stage in turn: images a second, and the ratio of each run."""
    contents = originals(archive, project)
    cores = usable_cores()
    ways = {
        "threads": lambda: by_threads(contents, cores),
        "writing": lambda: by_threads_writing(contents, cores, project / "written"),
        "preprocess": lambda: run_stage("preprocess", project)["seconds"],
        "processes": lambda: by_processes(contents, cores),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for run in range(runs):
        # The stage in the middle: what changes from minute to minute meets all alike.
        for way in ways if run % 2 else reversed(ways):
            if way == "preprocess":
                shutil.rmtree(project / "data/faces/prepared")
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
