"""Whole pipelines under DVC: killed at random moments, run twice at once, params edited."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from tests.faults.trial import (
    STAGES,
    Ending,
    Fault,
    Outcome,
    References,
    compare,
    copy_tree,
    ending_of,
    give,
    incomplete,
    inputs,
    outs,
)
from tests.faults.world import Ended, World

KILLS = "kills"
TOGETHER = "two at once"
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}
_SECONDS = 240
_TRIES = 60


def lengthen(world: World, **changes) -> None:
    """Params with which training lasts some seconds, so that it is hit too."""
    world.params(
        mnist__preprocess__maximum_images=None,
        mnist__train__epochs=6,
        **changes,
    )


def repository(references: References, world: World, **changes) -> None:
    """A project in git and DVC in which nothing has run yet."""
    copy_tree(references.template, world.project)
    lengthen(world, **changes)
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        ended = world.run(*command, seconds=60)
        if ended.code:
            raise RuntimeError(f"{ended}")


def all_outs(dataset: str) -> tuple[str, ...]:
    """What the whole pipeline of a data set makes."""
    return tuple(path for stage in STAGES for path in outs(stage, dataset))


def reference(references: References, dataset: str, **changes) -> tuple[World, float]:
    """An undisturbed run of a data set's pipeline, and how many seconds it took."""
    key = f"pipeline-{dataset}-{sorted(changes.items())}"

    def build(world: World) -> None:
        repository(references, world, **changes)
        began = time.monotonic()
        ended = world.run("dvc", "repro", f"report@{dataset}", seconds=600)
        if ended.code:
            raise RuntimeError(f"without a fault: {ended}")
        (world.folder / "seconds").write_text(str(time.monotonic() - began))

    world = references.world(key, build)
    return world, float((world.folder / "seconds").read_text())


def dvc_ending(ended: Ended, outcome: Outcome) -> Ending:
    """How a command of DVC's ended: its own error line counts where no stage has one."""
    errors = [line for line in ended.errors.splitlines() if line.startswith("error: ")]
    own = [line for line in ended.errors.splitlines() if line.startswith("ERROR: ")]
    if ended.code > 0 and not errors and own and "/stages/" not in ended.errors:
        return Ending.CLEAR
    return ending_of(ended, outcome)


def of_stages(world: World) -> list[int]:
    """The processes that run a stage."""
    found = []
    for process in world.processes():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            if any(word.startswith(b"stages.") for word in words) and b"-c" not in words:
                found.append(process)
    return found


def hit(world: World, running, target: str, number: int) -> None:
    """Send a signal to DVC, to the stage, or to both."""
    if target == "both":
        running.send(number)
    victims = [running.process.pid] if target == "dvc" else []
    if target == "stage":
        victims = of_stages(world) or [running.process.pid]
    for process in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def cut_newest_state(world: World) -> None:
    """As after a power cut: nothing runs, and the newest state of a training run is there in part.

    A stage outlives a DVC that was killed. It would publish a file that is cut while it runs.
    What has a second name is among the outs already, and was flushed long before: to cut it would
    be to damage an out.
    """
    while world.left_alive(0):
        time.sleep(0.05)
    files = (file for file in world.project.glob(".scratch/**/*") if file.is_file())
    states = sorted(
        (file for file in files if file.stat().st_nlink == 1),
        key=lambda file: file.stat().st_mtime,
    )
    if states and states[-1].stat().st_size:
        os.truncate(states[-1], states[-1].stat().st_size // 2)


def finish(world: World, command: tuple[str, ...], outcome: Outcome) -> None:
    """Run a command until it succeeds; on the way it may only say clearly why it cannot yet."""
    end = time.monotonic() + _SECONDS
    for _ in range(_TRIES):
        ended = world.run(*command, seconds=_SECONDS)
        if "Unable to read RWLock-file" in ended.errors:
            # A DVC that was killed while it wrote that file: its next one says so and refuses.
            outcome.ending = max(outcome.ending, Ending.CLEAR, key=list(Ending).index)
            world.run("python", "-m", "stages", "unlock", seconds=60)
            continue
        if dvc_ending(ended, outcome) is not Ending.CLEAR:
            if ended.code:
                outcome.worsen(Ending.LOST, f"did not come to its end: {ended.errors[-800:]}")
            return
        if time.monotonic() > end:
            break
        time.sleep(1)
    outcome.worsen(Ending.LOST, f"still fails after {_SECONDS} seconds: {ended.errors[-800:]}")


def noted(world: World) -> dict[str, str]:
    """What DVC notes of each stage in dvc.lock, if there is one.

    In no order: where not all stages are asked for, it may train before it judges, or after that.
    """
    file = world.project / "dvc.lock"
    stages = yaml.safe_load(file.read_text())["stages"] if file.exists() else {}
    return {f"dvc.lock: {name}": json.dumps(entry) for name, entry in stages.items()}


def settle(world: World, clean: World, paths: tuple[str, ...], outcome: Outcome):
    """In the end all is as without the faults, and nothing runs on."""
    if alive := world.left_alive(10):
        outcome.worsen(Ending.LOST, f"{len(alive)} processes were left alive")
    seen, expected = ({**each.snapshot(*paths), **noted(each)} for each in (world, clean))
    if difference := compare(seen, expected):
        outcome.worsen(Ending.LOST, f"in the end not as without the fault: {difference}")
    if left := incomplete(world):
        outcome.worsen(Ending.LOST, f"left behind: {', '.join(left)}")
    around = [path for path in world.surroundings() if not path.startswith("temporary/")]
    if around:
        outcome.worsen(Ending.LOST, f"outside of the project: {', '.join(around[:4])}")


def killed_repro(
    dataset: str, kills: int, targets: str, names: str, references: References, world: World
) -> Outcome:
    """`dvc repro`, killed several times at random moments, then run to its end."""
    outcome = Outcome(Ending.SUCCEEDED)
    clean, length = reference(references, dataset)
    repository(references, world)
    command = ("dvc", "repro", f"report@{dataset}")
    # Later kills come sooner, as what is done already is not run again.
    for moment in sorted(world.draw.uniform(0.05, 0.95) * length for _ in range(kills)):
        running = world.start(*command)
        wait = moment if kills == 1 else world.draw.uniform(0.1, 1.0) * moment
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(wait)
        number = SIGNALS[world.draw.choice(names.split())]
        hit(world, running, world.draw.choice(targets.split()), number)
        ended = running.end(_SECONDS)
        if ended.hung:
            outcome.worsen(Ending.HANG, "did not end after the signal")
        if "Traceback" in ended.errors and "/stages/" in ended.errors:
            outcome.worsen(Ending.TRACEBACK, ended.errors[-1500:])
        if world.draw.random() < 0.3:
            cut_newest_state(world)
    finish(world, command, outcome)
    paths = all_outs(dataset)
    settle(world, clean, paths, outcome)
    return outcome


def killed_stage(
    dataset: str, stage: str, kills: int, names: str, references: References, world: World
) -> Outcome:
    """One stage's process, killed several times at random moments, then run to its end."""
    outcome = Outcome(Ending.SUCCEEDED)
    command = ("python", "-m", f"stages.{stage}", dataset)
    paths = outs(stage, dataset)

    def prepare(target: World) -> None:
        copy_tree(references.template, target.project)
        if stage != "download":
            earlier = references.upto(dataset, STAGES[STAGES.index(stage) - 1])
            give(earlier, target.project, inputs(stage, dataset))
        if stage == "train":
            target.params(mnist__train__epochs=30)

    def build(clean: World) -> None:
        prepare(clean)
        began = time.monotonic()
        ended = clean.run(*command, seconds=300)
        if ended.code:
            raise RuntimeError(f"without a fault: {ended}")
        (clean.folder / "seconds").write_text(str(time.monotonic() - began))

    clean = references.world(f"killed-{dataset}-{stage}", build)
    expected = clean.snapshot(*paths)
    prepare(world)
    length = float((clean.folder / "seconds").read_text())
    for _ in range(kills):
        running = world.start(*command)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(world.draw.uniform(0.02, 1.0) * length)
        name = world.draw.choice(names.split())
        running.send(SIGNALS[name])
        ended = running.end(60)
        if ended.hung:
            outcome.worsen(Ending.HANG, f"did not end after SIG{name}")
        # Python itself may be hit while it starts, before a line of the stage has run.
        if "Traceback" in ended.errors and "/stages/" in ended.errors:
            outcome.worsen(Ending.TRACEBACK, f"SIG{name}: {ended.errors[-1500:]}")
        for path in paths:
            seen = world.snapshot(path)
            whole = {p: h for p, h in expected.items() if p == path or p.startswith(f"{path}/")}
            if seen and seen != whole:
                outcome.worsen(Ending.LOST, f"{path} is not whole: {compare(seen, whole)}")
        if world.draw.random() < 0.3:
            cut_newest_state(world)
    if alive := world.left_alive(20):
        outcome.worsen(Ending.LOST, f"{len(alive)} processes were left alive")
    finish(world, command, outcome)
    settle(world, clean, paths, outcome)
    return outcome


def both_run(
    commands: tuple[tuple[str, ...], tuple[str, ...]],
    delay: float,
    dataset: str,
    references: References,
    world: World,
) -> Outcome:
    """Two commands at once: each succeeds or says clearly why not; in the end all is right."""
    outcome = Outcome(Ending.SUCCEEDED)
    clean, length = reference(references, dataset)
    repository(references, world)
    if commands[0][0] == "python":
        stage = commands[0][2].partition(".")[2]
        give(clean.project, world.project, inputs(stage, dataset))
    first = world.start(*commands[0])
    time.sleep(delay * length)
    second = world.start(*commands[1])
    endings = [dvc_ending(r.end(_SECONDS), outcome) for r in (first, second)]
    if outcome.ending is Ending.SUCCEEDED and Ending.CLEAR in endings:
        outcome.ending = Ending.CLEAR
    if Ending.SUCCEEDED not in endings:
        outcome.notes.append("neither came to its end at once")
    finish(world, ("dvc", "repro", f"report@{dataset}"), outcome)
    paths = all_outs(dataset)
    settle(world, clean, paths, outcome)
    return outcome


def edited(
    stage: str,
    change: Callable[[World], None],
    changes: dict,
    back: bool,
    references: References,
    world: World,
) -> Outcome:
    """params.yaml is edited while a stage runs; `dvc repro` gives what the file says then.

    With `back` it is set back before that.
    """
    outcome = Outcome(Ending.SUCCEEDED)
    clean, _ = reference(references, "mnist", **({} if back else changes))
    repository(references, world)
    text = (world.project / "params.yaml").read_bytes()
    running = world.start("dvc", "repro", "report@mnist")
    end = time.monotonic() + _SECONDS
    begun = f"Running stage '{stage}@mnist'"
    while begun not in running.out.read_text() and time.monotonic() < end:
        time.sleep(0.02)
    while not of_stages(world) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(world.draw.uniform(0.1, 4.0))  # before or after it has read its params
    change(world)
    outcome.ending = max(
        (outcome.ending, dvc_ending(running.end(_SECONDS), outcome)),
        key=list(Ending).index,
    )
    if back:
        (world.project / "params.yaml").write_bytes(text)
    elif changes:
        lengthen(world, **changes)
    finish(world, ("dvc", "repro", "report@mnist"), outcome)
    paths = all_outs("mnist")
    settle(world, clean, paths, outcome)
    return outcome


def faults() -> list[Fault]:
    """All faults of this kind."""
    draw = random.Random(0)
    found = []
    for number in range(6):
        stage, dataset = ("download", "mnist"), ("preprocess", "faces")
        name, owner = (stage, dataset)[number % 2]
        kill = partial(killed_stage, owner, name, 5, "KILL TERM INT")
        found.append(Fault(KILLS, f"{name} {owner} {number + 1}", kill, always=True, count=5))
    for number in range(6):
        kill = partial(killed_stage, "mnist", "train", 3, "KILL TERM INT")
        found.append(
            Fault(KILLS, f"train mnist {number + 1}", kill, number > 0, number == 0, count=3)
        )
    for number in range(18):
        dataset = "faces" if number % 6 == 5 else "mnist"
        kills = draw.choice((2, 3))
        target = ("dvc stage both", "both", "dvc")[number % 3]
        kill = partial(killed_repro, dataset, kills, target, "KILL KILL TERM INT")
        name = f"dvc repro {dataset} {number + 1}, hitting {target.replace(' ', ' or ')}"
        found.append(Fault(KILLS, name, kill, number > 0, number == 0, count=kills))

    repro = ("dvc", "repro", "report@mnist")
    for number, delay in enumerate((0.0, 0.2, 0.5, 0.8)):
        two = partial(both_run, (repro, repro), delay, "mnist")
        found.append(
            Fault(TOGETHER, f"dvc repro twice {number + 1}", two, number != 2, number == 2)
        )
    for name in STAGES:
        command = ("python", "-m", f"stages.{name}", "mnist")
        two = partial(both_run, (command, command), 0.0, "mnist")
        found.append(Fault(TOGETHER, f"{name} twice", two, True))
    for name in ("preprocess", "train"):
        command = ("python", "-m", f"stages.{name}", "mnist")
        two = partial(both_run, (command, repro), 0.01, "mnist")
        found.append(Fault(TOGETHER, f"{name} beside dvc repro", two, True))

    def broken(world: World) -> None:
        (world.project / "params.yaml").write_text("mnist: [")

    def gone(world: World) -> None:
        (world.project / "params.yaml").unlink()

    edits = [
        ("train", "another rate", {"mnist__train__learning_rate": 0.001}),
        ("train", "another seed of evaluate", {"mnist__evaluate__seed": 8}),
        ("train", "fewer images", {"mnist__train__batch_size": 32}),
        ("preprocess", "another latent size", {"mnist__preprocess__latent_size": 20}),
        ("download", "fewer digits", {"mnist__download__bundled_count": 900}),
        ("evaluate", "another seed", {"mnist__evaluate__seed": 8}),
        ("report", "another title", {"mnist__report__title": "Another"}),
    ]
    for number, (name, what, changes) in enumerate(edits):

        def change(world: World, changes=changes) -> None:
            world.params(**changes)

        trial = partial(edited, name, change, changes, False)
        found.append(Fault("edits", f"{name}: {what}", trial, number > 0, number == 0))
        if number in (0, 3):
            trial = partial(edited, name, change, changes, True)
            found.append(Fault("edits", f"{name}: {what}, and back", trial, True))
    for name, change in (("broken", broken), ("removed", gone)):
        trial = partial(edited, "train", change, {}, True)
        name = f"train: params.yaml {name}, and back"
        found.append(Fault("edits", name, trial, True))
    return found
