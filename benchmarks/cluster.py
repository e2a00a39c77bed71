"""Sweeps on a cluster: how much faster two workers are than one, and what 64 hosts would cost.

    python -m benchmarks.cluster speed [TRAININGS] [KEY=VALUE ...]     # on two cores
    python -m benchmarks.cluster simulate [HOSTS] [EXPERIMENTS]        # dask's real scheduler
    python -m benchmarks.cluster traffic [HOSTS] [EXPERIMENTS]         # from the sizes in dvc.lock

Run in the folder of a project whose pipeline has run, with the extra `cluster`. `speed` makes two
clones with remotes in a temporary folder, and binds each worker to a core.
"""

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import yaml

PORT = 8790
DATASET = "mnist"
# Of the simulation: seconds that an experiment takes.
SECONDS = 4.0


def run(*command: str, folder: Path) -> str:
    """Run a command to its end, and return what it prints."""
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def speed(count: int, changes: Sequence[str]) -> None:
    """Print the time of short trainings on one worker and on two, each bound to one core."""
    from stages.tools.dvc import revisions
    from stages.tools.sweep import __main__ as sweep
    from stages.tools.sweep import definitions, plan

    with tempfile.TemporaryDirectory(dir=Path.cwd().parent) as name:
        place = Path(name)
        head, *hosts = clones(place)
        os.chdir(head)
        content = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
        inputs = f"preprocess@{DATASET}", f"judge@{DATASET}"
        times = {}
        sweep.follow, running = timed(sweep.follow)
        # A sweep does not disconnect at its end, and this process outlives its schedulers.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        for workers in (1, 2):
            file = definitions.FOLDER / f"speed{workers}.yaml"
            seeds = [100 * workers + seed for seed in range(count)]
            file.write_text(f"# How fast?\ngrid:\n  train: {{seed: {seeds}}}\n")
            asked = definitions.load(file.stem)
            planned = plan.plan(asked, DATASET, content, plan.overrides(changes))
            with ExitStack() as stack:
                address = start(place, hosts[:workers], stack)
                wait_for_workers(address, workers)
                began = time.monotonic()
                found = sweep.on_cluster(
                    address, planned, DATASET, revisions.head(), f"train@{DATASET}", inputs
                )
                times[workers] = time.monotonic() - began
            assert not any(each.why for each in found)
            print(
                f"{workers} worker(s): {count} trainings in {times[workers]:.1f} s, of which "
                f"{times[workers] - running[-1]:.1f} s before the first and after the last",
                flush=True,
            )
        print(f"two workers are {times[1] / times[2]:.2f} times as fast as one,")
        print(f"from the first training to the last {running[0] / running[1]:.2f} times")


def timed(function: Callable[..., None]) -> tuple[Callable[..., None], list[float]]:
    """The function, and the seconds of each of its calls so far."""
    taken: list[float] = []

    def call(*arguments: Any) -> None:
        began = time.monotonic()
        function(*arguments)
        taken.append(time.monotonic() - began)

    return call, taken


def wait_for_workers(address: str, count: int) -> None:
    """Wait until so many workers have found the scheduler: to start them is not measured."""
    from distributed import Client

    with Client(address, timeout=60) as client:
        client.wait_for_workers(count, timeout=120)


def clones(place: Path) -> list[Path]:
    """Three clones of this project, and the remotes of git and DVC that they share."""
    here = Path.cwd()
    bare, storage = place / "git", place / "storage"
    run("git", "clone", "-q", "--bare", str(here), str(bare), folder=place)
    found = []
    for name in ("head", "host-1", "host-2"):
        run("git", "clone", "-q", str(bare), name, folder=place)
        found.append(place / name)
        for key, value in (("user.name", "t"), ("user.email", "t@t")):
            run("git", "config", key, value, folder=found[-1])
    run("dvc", "remote", "add", "-d", "shared", str(storage), folder=found[0])
    run("git", "commit", "-qam", "remote", folder=found[0])
    run("git", "push", "-q", "origin", "HEAD", folder=found[0])
    targets = [f"{stage}@{DATASET}" for stage in ("preprocess", "judge", "report")]
    run("dvc", "remote", "add", "--local", "near", str(storage), folder=here)
    run("dvc", "push", "-r", "near", "--with-deps", *targets, folder=here)
    run("dvc", "remote", "remove", "--local", "near", folder=here)
    run("dvc", "pull", "-q", "--with-deps", *targets, folder=found[0])
    for host in found[1:]:
        run("git", "pull", "-q", folder=host)
    return found


def start(place: Path, hosts: Sequence[Path], stack: ExitStack) -> str:
    """Start a scheduler, and a worker in each clone, bound to one core; return the address."""
    address = f"tcp://127.0.0.1:{PORT}"

    def begin(name: str, folder: Path, *command: str) -> None:
        with (place / f"{name}.log").open("a") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        stack.callback(process.wait)
        stack.callback(process.terminate)

    begin("scheduler", place, "dask", "scheduler", "--host", address, "--no-dashboard")
    for core, host in enumerate(hosts):
        options = ["--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
        options += ["--local-directory", str(place)]
        begin(host.name, host, "taskset", "-c", str(core), "dask", "worker", address, *options)
    return address


def simulate(hosts: int, experiments: int) -> None:
    """Run short tasks, with the words and leases of real ones, and print the scheduler's cost."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        address = start(Path(name), [], stack)
        workers = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.cluster", "workers", address, str(hosts)]
        )
        stack.callback(workers.wait)
        stack.callback(workers.kill)
        from distributed import Client

        client = stack.enter_context(Client(address, timeout=30))
        client.wait_for_workers(hosts, timeout=120)
        scheduler = psutil.Process(client.run_on_scheduler(os.getpid))
        before, began = cpu(scheduler), time.monotonic()
        from benchmarks.cluster import pretend as task  # as workers import it

        futures = client.map(task, range(experiments), key=[f"e{n}" for n in range(experiments)])
        client.gather(futures)  # pickled by its module's name, so the workers need this folder
        wall, used = time.monotonic() - began, cpu(scheduler) - before
        print(f"{experiments} experiments of {SECONDS:.0f} s on {hosts} workers: {wall:.1f} s")
        print(f"at best: {-(-experiments // hosts) * SECONDS:.1f} s")
        print(f"the scheduler's processor time: {used:.1f} s, {used / experiments:.4f} each")
        print(f"of one core while it ran: {used / wall:.1%}")
        print(f"the scheduler's memory: {scheduler.memory_info().rss / 1e6:.0f} MB")


def pretend(number: int) -> int:
    """What a worker does of an experiment, without the experiment."""
    from stages.tools.sweep.work import Contact

    contact = Contact(f"pretended-{number}")
    with contact.lease():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            contact.line = f"step {int(end - time.monotonic())}"
            time.sleep(0.5)
    contact.close()
    return number


def workers(address: str, hosts: int) -> None:
    """Be so many workers of a scheduler, in one process."""
    import asyncio

    from distributed import Worker

    async def serve() -> None:
        found = [
            Worker(address, nthreads=1, name=f"host-{number}", dashboard=False)
            for number in range(hosts)
        ]
        await asyncio.gather(*found)
        await asyncio.gather(*(worker.finished() for worker in found))

    asyncio.run(serve())


def traffic(hosts: int, experiments: int) -> None:
    """Print the bytes that pass the remote, from the sizes in dvc.lock."""
    stages: dict[str, Any] = yaml.safe_load(Path("dvc.lock").read_text())["stages"]
    cached = {path for path in _cached()}

    def size(*names: str) -> int:
        outs = [out for name in names for out in stages[f"{name}@{DATASET}"]["outs"]]
        return sum(out["size"] for out in outs if out["path"] in cached)

    inputs, results = size("preprocess", "judge"), size("train", "evaluate", "report")
    print(f"{DATASET}: a worker's host fetches {inputs:,} bytes once")
    print(f"an experiment sends {results:,} bytes, and the sweep fetches them once")
    total = hosts * inputs + 2 * experiments * results
    print(f"{hosts} hosts, {experiments} experiments: {total / 1e9:.1f} GB pass the remote")
    for rate in (100e6, 1e9, 10e9):
        print(f"at {rate / 1e6:,.0f} Mbit/s of the remote: {total * 8 / rate / 60:.1f} minutes")


def _cached() -> list[str]:
    from stages.tools.dvc import pipeline

    return [out.path for stage in pipeline.read().stages for out in stage.outs if out.cached]


def cpu(process: psutil.Process) -> float:
    """The processor time of a process so far, in seconds."""
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    words = sys.argv[1:]
    match words[:1]:
        case ["speed"]:
            speed(int(words[1]) if words[1:] else 12, words[2:])
        case ["simulate"]:
            simulate(*map(int, words[1:] or ("64", "1000")))
        case ["traffic"]:
            traffic(*map(int, words[1:] or ("64", "1000")))
        case ["workers"]:
            workers(words[1], int(words[2]))
        case _:
            sys.exit(__doc__)
