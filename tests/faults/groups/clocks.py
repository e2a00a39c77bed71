"""Clocks that jump, stand still, or are decades off; files dated in the past and the future."""

import os
import shutil
import subprocess
from functools import partial

from tests.faults.groups import archives, servers
from tests.faults.trial import SUCCESS, Fault, Skip, stage_trial
from tests.faults.world import World
from tests.helpers.project import ROOT

GROUP = "clocks"
_SOURCE = ROOT / "tests/data/clock.c"


def clock(order: str, world: World) -> None:
    """Let the commands see a clock of our own."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    library = world.shared / f"clock-{world.mark}.so"
    if compiler is None:
        raise Skip("there is no C compiler for a clock that jumps")
    world.shared.mkdir(exist_ok=True)
    command = [compiler, "-shared", "-fPIC", "-O", "-o", library, _SOURCE, "-ldl"]
    if subprocess.run(command, capture_output=True).returncode:
        raise Skip("a clock that jumps cannot be compiled here")
    world.environment = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": order}


def dated(seconds: int, world: World) -> None:
    """All files and folders of the project were changed at that moment."""
    for place in world.project.rglob("*"):
        os.utime(place, (seconds, seconds))


ORDERS = {
    "in 1970": "set 5",
    "in 1900": "set -2208988800",
    "in 2038, after 31 bits": "set 2147483700",
    "in 2110": "set 4417977600",
    "jumps by an hour": "jump 3600",
    "jumps back by a day": "jump -86400",
    "jumps by 60 years": "jump 1900000000",
    "stands still": "stop",
}

# With these the stages that take long run, too.
LONG = ("in 1970", "in 2110", "jumps back by a day")


def faults() -> list[Fault]:
    """All faults of this kind."""
    found = []

    def add(name, trial, full=False) -> None:
        found.append(Fault(GROUP, name, trial, full))

    for name, order in ORDERS.items():
        spoil = partial(clock, order)
        add(f"preprocess faces: {name}", stage_trial("faces", "preprocess", spoil, may=SUCCESS))
        trial = stage_trial(
            "mnist", "download", spoil, given=servers.given, key="server-set.zip", may=SUCCESS
        )
        add(f"download from a server: {name}", trial)
        if name not in LONG:
            continue
        given = partial(archives.given, "faces")
        trial = stage_trial("faces", "download", spoil, given=given, key="archive", may=SUCCESS)
        add(f"download from disk: {name}", trial)
        add(f"train: {name}", stage_trial("mnist", "train", spoil, may=SUCCESS), full=True)
        add(f"report: {name}", stage_trial("mnist", "report", spoil, may=SUCCESS), full=True)
    for name, seconds in {"1970": 1, "2100": 4102444800}.items():
        spoil = partial(dated, seconds)
        add(f"files of {name}", stage_trial("mnist", "preprocess", spoil, may=SUCCESS))
    return found
