"""Disks that are full, resources that run out, and output that nobody takes."""

import os
import shutil
import subprocess
from functools import partial

from tests.faults.trial import EITHER, ERROR, SUCCESS, Fault, Skip, remove, stage_fault
from tests.faults.world import World

GROUP = "disks and limits"


def small_disk(path: str, options: str, world: World) -> None:
    """Mount a small disk over a folder, with room for what lies there and some more.

    `options` is `size+` so many kB more, or `inodes+` so many files more.
    """
    folder = world.project / path
    folder.mkdir(parents=True, exist_ok=True)
    aside = world.folder / "aside"
    shutil.copytree(folder, aside)
    used = sum(-(-f.stat().st_size // 4096) * 4 for f in aside.rglob("*") if f.is_file())
    count = len(list(aside.rglob("*"))) + 1
    name, _, extra = options.partition("+")
    limit = f"size={used + int(extra)}k" if name == "size" else f"nr_inodes={count + int(extra)}"
    command = ["mount", "-t", "tmpfs", "-o", limit, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        raise Skip("no disk can be mounted here")
    world.undo.append(lambda: subprocess.run(["umount", "-l", str(folder)], check=True))
    shutil.copytree(aside, folder, dirs_exist_ok=True)
    shutil.rmtree(aside)


def limited(option: str, world: World) -> None:
    """A limit of the shell's on the process."""
    world.before = ("sh", "-c", f'ulimit {option}; exec "$@"', "sh")


def output(to: str, world: World) -> None:
    """What it prints goes elsewhere."""
    world.before = ("sh", "-c", f'exec "$@" {to}', "sh")


def no_room_for_temporary_files(world: World) -> None:
    """TMPDIR does not exist."""
    world.environment = {"TMPDIR": "/nonexistent"}
    remove(world.temporary)
    world.undo.append(world.temporary.mkdir)


def faults() -> list[Fault]:
    """All faults of this kind."""
    found = []

    def add(*arguments, **options) -> None:
        found.append(stage_fault(GROUP, *arguments, **options))

    def disk(dataset, stage, path, options, full=False) -> None:
        spoil = partial(small_disk, path.format(dataset), options)
        name = f"{options.replace('+', ' for ')} more in {path.format(dataset)}"
        add(name, dataset, stage, spoil, ERROR, full, mention="No space left")

    for size in (0, 8, 100, 700, 1200):
        disk("mnist", "download", "data/{}", f"size+{size}")
    for size in (0, 40):
        disk("faces", "download", "data/{}", f"size+{size}")
    for size in (0, 60, 110, 300, 560):
        disk("mnist", "preprocess", "data/{}", f"size+{size}")
    for size in (0, 20, 40, 60):
        disk("faces", "preprocess", "data/{}", f"size+{size}")
    disk("mnist", "download", "data/{}", "inodes+2")
    disk("mnist", "preprocess", "data/{}", "inodes+3")
    for number, size in enumerate((0, 100, 500, 900)):
        disk("mnist", "train", "models", f"size+{size}", full=number != 1)
    for size in (0, 8, 40):
        disk("mnist", "train", "reports", f"size+{size}", full=True)
    disk("mnist", "train", "metrics", "size+0", full=True)
    disk("faces", "train", "models", "size+60", full=True)
    disk("mnist", "evaluate", "reports", "size+0", full=True)
    disk("mnist", "evaluate", "reports", "size+24", full=True)
    disk("mnist", "evaluate", "metrics", "size+0", full=True)
    disk("mnist", "report", "reports", "size+0", full=True)
    disk("mnist", "report", "reports", "size+100", full=True)

    for blocks in (1, 8, 600):
        add(f"files of at most {blocks} blocks", "mnist", "download",
            partial(limited, f"-f {blocks}"), mention="File too large")  # fmt: skip
        add(f"files of at most {blocks} blocks", "mnist", "preprocess",
            partial(limited, f"-f {blocks}"), mention="File too large")  # fmt: skip
    add("files of at most 8 blocks", "mnist", "train", partial(limited, "-f 8"), full=True)
    add("20 open files", "mnist", "preprocess", partial(limited, "-n 20"), EITHER)
    add("700 MB of memory", "mnist", "preprocess", partial(limited, "-v 700000"), EITHER)
    add("output to a full disk", "mnist", "preprocess", partial(output, ">/dev/full"), EITHER)
    add("output to nobody", "mnist", "preprocess", partial(output, ">&-"), SUCCESS)
    add("errors to a full disk", "mnist", "preprocess", partial(output, "2>/dev/full"), SUCCESS)
    add("no input", "mnist", "preprocess", partial(output, "<&-"), SUCCESS)
    add("no TMPDIR", "mnist", "download", no_room_for_temporary_files, EITHER)
    add("no TMPDIR", "mnist", "train", no_room_for_temporary_files, EITHER, full=True)
    return found
