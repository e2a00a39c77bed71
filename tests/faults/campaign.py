"""Run the faults, two at a time, and count how they ended."""

import argparse
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.faults.groups import GROUPS
from tests.faults.trial import Ending, Fault, Outcome, References, copy_tree
from tests.faults.world import World
from tests.helpers.processes import cores
from tests.helpers.project import ROOT, tiny_params

BAD = (Ending.LOST, Ending.TRACEBACK, Ending.HANG)
_INSIDE = "FAULTS_INSIDE"
# So many of the quick faults are part of the small campaign; which ones depends on the seed.
_DRAWN = 120


def main() -> None:
    """Parse the command line, run, print, and end with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--full", action="store_true", help="all faults")
    parser.add_argument("--seed", type=int, default=1, help="of random places and moments")
    parser.add_argument("--only", nargs="+", default=[], help="groups, or parts of faults' names")
    parser.add_argument("--table", type=Path, help="write the counts by group as markdown")
    parser.add_argument("--workers", type=int, default=2, help="faults at a time")
    parser.add_argument("--list", action="store_true", help="only name the faults")
    arguments = parser.parse_args()
    chosen = choose(arguments.full, arguments.only, arguments.seed)
    if arguments.list:
        for fault in chosen:
            print(f"{fault.group}: {fault.name}")
        return
    enter_namespaces()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        results = run(chosen, Path(folder), arguments.seed, arguments.workers)
    print(f"{time.monotonic() - began:.0f} seconds")
    report(chosen, results, arguments.seed)
    if arguments.table:
        arguments.table.write_text(table(chosen, results), encoding="utf-8")
    print(summary(chosen, results))
    sys.exit(any(outcome.ending in BAD for outcome in results))


def choose(full: bool, only: Sequence[str], seed: int) -> list[Fault]:
    """The faults of a campaign, or those of all that are asked for, in the order of the groups."""
    found = [fault for group in GROUPS for fault in group.faults()]
    if only:
        return [f for f in found if any(f.group == o or o in f"{f.group}: {f.name}" for o in only)]
    if full:
        return found
    quick = [number for number, fault in enumerate(found) if not (fault.full or fault.always)]
    drawn = random.Random(seed).sample(quick, _DRAWN)
    return [fault for number, fault in enumerate(found) if fault.always or number in drawn]


def enter_namespaces() -> None:
    """Go on in mounts and processes of our own, where the system lets us.

    So a small disk can be mounted and is gone in any case, and no process but our own can be
    hit, nor outlive the campaign.
    """
    if os.environ.get(_INSIDE):
        return
    os.environ[_INSIDE] = "1"
    unshare = shutil.which("unshare")
    if unshare is None:
        return
    command = [unshare, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid():
        command.append("--map-root-user")
    if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        # The shell stays, and buries orphans, as the first process of a system does.
        program = [sys.executable, "-m", "tests.faults", *sys.argv[1:]]
        os.execv(unshare, [*command, "sh", "-c", '"$@"; exit $?', "sh", *program])


def run(chosen: Sequence[Fault], folder: Path, seed: int, workers: int) -> list[Outcome]:
    """Conduct each fault in a world of its own."""
    shared = folder / "shared"
    template = make_template(folder / "template")
    worlds = Worlds(folder, shared, seed)
    references = References(folder, template, shared, worlds.make)

    def conduct(numbered: tuple[int, Fault]) -> Outcome:
        number, fault = numbered
        began = time.monotonic()
        name = f"{fault.group}: {fault.name}"
        world = worlds.make(name)
        try:
            outcome = fault.conduct(references, world)
        except Exception:  # of the campaign itself: it must not pass for a fault survived
            outcome = Outcome(Ending.SUCCEEDED)
            outcome.worsen(Ending.LOST, f"the campaign itself failed: {traceback.format_exc()}")
        finally:
            world.close()
        seconds = time.monotonic() - began
        lines = [f"[{number + 1}/{len(chosen)}] {seconds:5.1f} s  {name}  {outcome.ending.value}"]
        if outcome.ending in BAD:
            lines += [f"    {note}" for note in outcome.notes]
        print("\n".join(lines), flush=True)
        return outcome

    turns = itertools.count()

    def begin() -> None:
        """Bind this thread, and all that it starts: else two stages wait for each other's cores."""
        cores.keep_to_one(next(turns), workers)

    with ThreadPoolExecutor(workers, initializer=begin) as pool:
        return list(pool.map(conduct, enumerate(chosen)))


class Worlds:
    """Makes worlds, whose random numbers depend on the seed and the fault's name alone."""

    def __init__(self, folder: Path, shared: Path, seed: int) -> None:
        self._folder, self._shared, self._seed = folder, shared, seed

    def make(self, name: str) -> World:
        """A new world."""
        folder = Path(tempfile.mkdtemp(dir=self._folder, prefix="world-"))
        return World(folder, random.Random(f"{self._seed} {name}"), self._shared)


def make_template(folder: Path) -> Path:
    """The shipped code with tiny params, compiled once so that each copy starts quickly."""
    folder.mkdir(parents=True)
    copy_tree(ROOT / "stages", folder / "stages")
    for name in ("dvc.yaml", ".dvcignore", ".gitattributes", ".gitignore", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    text = yaml.safe_dump(tiny_params(), sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "compileall", "-q", "stages"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def counts(chosen: Sequence[Fault], results: Sequence[Outcome]) -> dict[Ending, int]:
    """How many faults ended in which way."""
    found = dict.fromkeys(Ending, 0)
    for fault, outcome in zip(chosen, results, strict=True):
        found[outcome.ending] += fault.count
    return found


def summary(chosen: Sequence[Fault], results: Sequence[Outcome]) -> str:
    """The campaign's last line."""
    found = counts(chosen, results)
    injected = sum(found.values()) - found[Ending.SKIPPED]
    parts = [f"{e.value}: {found[e]}" for e in Ending if e is not Ending.SKIPPED]
    return f"faults injected: {injected}, {', '.join(parts)}"


def report(chosen: Sequence[Fault], results: Sequence[Outcome], seed: int) -> None:
    """Print what went wrong with how to see it again, and what could not be injected."""
    for fault, outcome in zip(chosen, results, strict=True):
        if outcome.ending is Ending.SKIPPED:
            print(f"skipped  {fault.group}: {fault.name}: {'; '.join(outcome.notes)}")
    for fault, outcome in zip(chosen, results, strict=True):
        if outcome.ending in BAD:
            print(f"\n{outcome.ending.value.upper()}  {fault.group}: {fault.name}")
            for note in outcome.notes:
                print("  " + note.replace("\n", "\n    "))
            name = f"{fault.group}: {fault.name}"
            print(f"  again: python -m tests.faults --seed {seed} --only '{name}'")
    print()


def table(chosen: Sequence[Fault], results: Sequence[Outcome]) -> str:
    """The counts by group, as markdown."""
    shown = [ending for ending in Ending if ending is not Ending.SKIPPED]
    lines = [
        f"| faults | injected | {' | '.join(e.value for e in shown)} |",
        f"|---|{'---:|' * (len(shown) + 1)}",
    ]
    groups = list(dict.fromkeys(fault.group for fault in chosen))
    for group in [*groups, ""]:
        rows = [(f, r) for f, r in zip(chosen, results, strict=True) if group in ("", f.group)]
        found = counts(*zip(*rows, strict=True))
        injected = sum(found[e] for e in shown)
        cells = [group or "all", str(injected), *(str(found[e]) for e in shown)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
