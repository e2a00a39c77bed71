"""How a fault goes and how it is judged, by nothing but what can be seen from outside."""

import enum
import json
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.world import Ended, World


class Ending(enum.Enum):
    """What became of a fault; the later, the worse."""

    SKIPPED = "skipped"
    SUCCEEDED = "succeeded"
    CLEAR = "clear errors"
    LOST = "lost or damaged"
    TRACEBACK = "tracebacks"
    HANG = "hangs"


SUCCESS = frozenset({Ending.SUCCEEDED})
ERROR = frozenset({Ending.CLEAR})
EITHER = SUCCESS | ERROR
STAGES = ("download", "preprocess", "judge", "train", "evaluate", "report")
# They import MindSpore or draw, which takes seconds.
LONG = ("judge", "train", "evaluate", "report")
_CRASHES = (
    "Traceback (most recent call last)",
    "Exception ignored in",
    "Fatal Python error",
    "terminate called",
    "Segmentation fault",
    "Bus error",
)
_EARLIER = "earlier.txt"
_LONGEST_LINE = 3000
_NAMED = 6


class Skip(Exception):
    """This machine cannot inject that fault; the text says why."""


@dataclass
class Outcome:
    """What was seen of one fault."""

    ending: Ending
    notes: list[str] = field(default_factory=list)

    def worsen(self, ending: Ending, note: str) -> None:
        """Add a deviation."""
        self.notes.append(f"{ending.value}: {note}")
        order = list(Ending)
        if order.index(ending) > order.index(self.ending):
            self.ending = ending


@dataclass(frozen=True)
class Fault:
    """One fault: `conduct` injects it, runs what it hits, takes it away and judges.

    `full` ones belong to the full campaign alone, `always` ones to every one; of the others the
    small campaign draws some. `count` is how many faults are injected.
    """

    group: str
    name: str
    conduct: Callable[["References", World], Outcome]
    full: bool = False
    always: bool = False
    count: int = 1


def outs(stage: str, dataset: str) -> tuple[str, ...]:
    """The outs of a stage."""
    return {
        "download": (f"data/{dataset}/raw",),
        "preprocess": (f"data/{dataset}/prepared",),
        "judge": (f"data/{dataset}/judge", f"metrics/{dataset}/judge.json"),
        "train": (
            f"models/{dataset}/checkpoints",
            f"reports/{dataset}/training",
            f"metrics/{dataset}/train.json",
            f"metrics/{dataset}/history.csv",
            f"metrics/{dataset}/history_steps.csv",
        ),
        "evaluate": (
            f"reports/{dataset}/evaluation",
            f"metrics/{dataset}/evaluate.json",
            f"metrics/{dataset}/scores.json",
        ),
        "report": (f"reports/{dataset}/index.html",),
    }[stage]


def inputs(stage: str, dataset: str) -> tuple[str, ...]:
    """The outs of all stages before one."""
    earlier = STAGES[: STAGES.index(stage)]
    return tuple(path for name in earlier for path in outs(name, dataset))


class References:
    """Runs without faults, each made once, when it is first asked for."""

    def __init__(self, folder: Path, template: Path, shared: Path, make: Callable[[str], World]):
        self.folder = folder
        self.template = template
        self.shared = shared
        self._make = make
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._found: dict[str, World] = {}

    def world(self, key: str, build: Callable[[World], None]) -> World:
        """A world in which `build` has run, the same one for the same key."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._found:
                world = self._make(f"reference-{key}")
                build(world)
                self._found[key] = world
            return self._found[key]

    def upto(self, dataset: str, stage: str) -> Path:
        """A project in which a data set's stages have run up to that one."""
        position = STAGES.index(stage)

        def build(world: World) -> None:
            copy_tree(self.template, world.project)
            if position:
                earlier = self.upto(dataset, STAGES[position - 1])
                give(earlier, world.project, inputs(stage, dataset))
            succeed(world, "python", "-m", f"stages.{stage}", dataset)

        return self.world(f"{dataset}-{stage}", build).project


def succeed(world: World, *command: str) -> None:
    """Run what must not fail."""
    ended = world.run(*command, seconds=600)
    if ended.code:
        raise RuntimeError(f"without a fault: {ended.command} ended with {ended.code}:\n{ended}")


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder's content, dates included, so that compiled modules stay valid."""
    shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)


def give(source: Path, target: Path, paths: tuple[str, ...]) -> None:
    """Put a project's paths into another as they are, whatever lies there."""
    for path in paths:
        place = target / path
        remove(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        if (source / path).is_dir():
            shutil.copytree(source / path, place)
        else:
            shutil.copy2(source / path, place)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def ending_of(ended: Ended, outcome: Outcome, crashes: tuple[str, ...] = _CRASHES) -> Ending:
    """Whether a command succeeded or ended in a clear error; what is neither is noted."""
    text = f"{ended.output}\n{ended.errors}"
    if ended.hung:
        outcome.worsen(Ending.HANG, f"did not end: {ended.command}")
        return Ending.HANG
    found = [crash for crash in crashes if crash in text]
    if found:
        last = text[text.index(found[0]) :].strip()[-1500:]
        outcome.worsen(Ending.TRACEBACK, f"{ended.command}: {last}")
        return Ending.TRACEBACK
    lines = [line for line in re.split(r"[\r\n]+", ended.errors) if line.startswith("error: ")]
    if ended.code == 0:
        if lines:
            outcome.worsen(Ending.LOST, f"exit code 0 in spite of {lines[0]}")
        return Ending.SUCCEEDED
    if ended.code < 0 or len(lines) != 1 or len(lines[0]) > _LONGEST_LINE:
        shown = f"{len(lines)} error lines: {ended.errors.strip()[-600:]!r}"
        outcome.worsen(Ending.TRACEBACK, f"{ended.command} ended with {ended.code} and {shown}")
        return Ending.TRACEBACK
    return Ending.CLEAR


def compare(seen: dict[str, str], expected: dict[str, str]) -> str:
    """What differs between two snapshots, in a few words, or ""."""
    parts = {
        "missing": sorted(expected.keys() - seen.keys()),
        "not expected": sorted(seen.keys() - expected.keys()),
        "different": sorted(p for p in seen.keys() & expected.keys() if seen[p] != expected[p]),
    }
    return "; ".join(f"{name} {_shortened(paths)}" for name, paths in parts.items() if paths)


def _shortened(paths: list[str]) -> str:
    """The first paths, and how many more there are: one damaged file is not a whole other run."""
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


@dataclass(frozen=True)
class Trial:
    """One run of a command under a fault, and one after it was taken away.

    Parameters
    ----------
    command, outs
        What is run, and what it makes.
    prepare
        Makes everything as it should be; called at first and when the fault is taken away.
    spoil
        Injects the fault.
    key
        Names what `prepare` makes: runs with the same key give the same outs.
    may
        The endings that are allowed.
    mention
        What the error line must hold: the cause.
    accepted
        Looks at the project after a success under the fault and tells what is wrong, or "".
        Without it the outs must be those of a run without the fault.
    earlier
        Whether outs of an earlier run lie there when the fault strikes.
    untouched
        Whether the surroundings must be as before; a fault may lie in them.
    """

    command: tuple[str, ...]
    outs: tuple[str, ...]
    prepare: Callable[[References, World], None]
    spoil: Callable[[World], None]
    key: str
    may: frozenset[Ending] = ERROR
    mention: str = ""
    accepted: Callable[[World], str] | None = None
    seconds: float = 60
    earlier: bool = True

    def __call__(self, references: References, world: World) -> Outcome:
        """Conduct it."""
        outcome = Outcome(Ending.SUCCEEDED)
        reference = references.world(self.key, lambda clean: self._undisturbed(references, clean))
        expected = reference.snapshot(*self.outs)
        self.prepare(references, world)
        planted = self._plant(world) if self.earlier else {}
        try:
            self.spoil(world)
        except Skip as reason:
            return Outcome(Ending.SKIPPED, [str(reason)])
        # What the fault itself put there may stay, too.
        left = {path: world.snapshot(path) for path in self.outs}
        around = world.surroundings()
        ended = world.run(*self.command, seconds=self.seconds)
        ending = ending_of(ended, outcome)
        if outcome.ending is Ending.SUCCEEDED:
            outcome.ending = ending
        if ending in EITHER and ending not in self.may:
            allowed = " or ".join(sorted(e.value for e in self.may))
            shown = ended.errors.strip()[-400:] or ended.output.strip()[-400:]
            outcome.worsen(Ending.LOST, f"{ending.value} where {allowed} is right: {shown}")
        if ending is Ending.CLEAR and self.mention not in ended.errors:
            outcome.worsen(
                Ending.TRACEBACK, f"{self.mention!r} is not in: {ended.errors.strip()[-400:]}"
            )
        self._look(world, ending, expected, planted, left, outcome)
        if alive := world.left_alive(3):
            outcome.worsen(Ending.LOST, f"{len(alive)} processes were left alive")
        if difference := compare(world.surroundings(), around):
            outcome.worsen(Ending.LOST, f"outside of the project: {difference}")
        self._repair(references, world, expected, outcome)
        return outcome

    def _undisturbed(self, references: References, world: World) -> None:
        self.prepare(references, world)
        succeed(world, *self.command)

    def _plant(self, world: World) -> dict[str, str]:
        """What an earlier run with other settings would have left in the place of the outs."""
        for path in self.outs:
            place = world.project / path
            remove(place)
            if not place.suffix:
                place.mkdir(parents=True)
                place /= _EARLIER
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("of an earlier run")
        return world.snapshot(*self.outs)

    def _look(
        self,
        world: World,
        ending: Ending,
        expected: dict[str, str],
        planted: dict[str, str],
        left: dict[str, dict[str, str]],
        outcome: Outcome,
    ) -> None:
        """Each out must be the earlier one, the new one, or not there; the new one on success."""
        for path in self.outs:
            seen = world.snapshot(path)
            wholes = [below(expected, path)]
            if ending is not Ending.SUCCEEDED:
                wholes += [{}, below(planted, path), left[path]]
            elif self.accepted:
                if (world.project / path / _EARLIER).exists():
                    outcome.worsen(Ending.LOST, f"{path} still holds files of an earlier run")
                continue
            if seen not in wholes:
                difference = compare(seen, wholes[0])
                outcome.worsen(Ending.LOST, f"{path} is not whole: {difference}")
        if ending is Ending.SUCCEEDED and self.accepted and (wrong := self.accepted(world)):
            outcome.worsen(Ending.LOST, wrong)
        if half := incomplete(world):
            outcome.worsen(Ending.LOST, f"left behind: {', '.join(half)}")

    def _repair(
        self, references: References, world: World, expected: dict[str, str], outcome: Outcome
    ) -> None:
        world.lift()
        world.before = ()
        world.environment = {}
        self.prepare(references, world)
        ended = world.run(*self.command, seconds=self.seconds)
        if ended.code or ended.hung:
            outcome.worsen(
                Ending.LOST, f"without the fault it still fails: {ended.errors.strip()[-600:]}"
            )
            return
        if difference := compare(world.snapshot(*self.outs), expected):
            outcome.worsen(Ending.LOST, f"afterwards not as without the fault: {difference}")
        if left := incomplete(world):
            outcome.worsen(Ending.LOST, f"left behind afterwards: {', '.join(left)}")


def below(snapshot: dict[str, str], path: str) -> dict[str, str]:
    """The part of a snapshot at or below a path."""
    return {p: h for p, h in snapshot.items() if p == path or p.startswith(f"{path}/")}


def incomplete(world: World) -> list[str]:
    """Half-made files and folders, and what MindSpore leaves when compiling fails."""
    names = [*world.project.rglob(".incomplete-*"), *world.project.glob("rank_*")]
    return [str(path.relative_to(world.project)) for path in names]


def stage_trial(
    dataset: str,
    stage: str,
    spoil: Callable[[World], None],
    *,
    given: Callable[[World], None] | None = None,
    key: str = "",
    **options,
) -> Trial:
    """A trial of one stage whose inputs are those of the reference run.

    `given` makes other inputs on top, which `key` names.
    """

    def prepare(references: References, world: World) -> None:
        copy_tree(references.template, world.project)
        if stage != "download":
            earlier = references.upto(dataset, STAGES[STAGES.index(stage) - 1])
            give(earlier, world.project, inputs(stage, dataset))
        if given:
            given(world)

    options.setdefault("seconds", 45 if stage in ("download", "preprocess") else 200)
    return Trial(
        ("python", "-m", f"stages.{stage}", dataset),
        outs(stage, dataset),
        prepare,
        spoil,
        f"{dataset}-{stage}-{key}" if key else f"{dataset}-{stage}",
        **options,
    )


def stage_fault(
    group: str,
    name: str,
    dataset: str,
    stage: str,
    spoil: Callable[[World], None],
    may: frozenset[Ending] = ERROR,
    full: bool = False,
    **options,
) -> Fault:
    """A fault in a `stage_trial`; of the long stages the small campaign has those that it must."""
    trial = stage_trial(dataset, stage, spoil, may=may, **options)
    return Fault(group, f"{stage} {dataset}: {name}", trial, full, not full and stage in LONG)


def read_json(world: World, path: str) -> dict:
    """A JSON file of the project."""
    return json.loads((world.project / path).read_text(encoding="utf-8"))
