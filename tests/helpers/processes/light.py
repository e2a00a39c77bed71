"""A project whose one stage computes nothing, but saves, resumes and ends as a training does.

It notes in a file, which no copy of the project has, where it began, resumed and ended. `drive.py`
runs some experiments of it on a cluster, as the command `sweep` does. Those with numbers above 10
take three times as long.
"""

from pathlib import Path

from tests.helpers.project import ROOT, Project, commit

STAGE = """
import os, pathlib, sys, time
import yaml

setting = yaml.safe_load(open("params.yaml"))
notes, number = pathlib.Path(setting["notes"]), setting["a"]
steps = setting["steps"] * (3 if number > 10 else 1)
saved = pathlib.Path(os.environ["GAN_PROJECT"], ".scratch", str(number))
saved.parent.mkdir(exist_ok=True)
step = int(saved.read_text()) if saved.exists() else 0

def note(what):
    with notes.open("a") as file:
        file.write(f"{what} {number} {step}\\n")

note("begin")
starter = os.getppid()
while step < steps:
    time.sleep(0.1)
    step += 1
    if os.getppid() != starter or step % 10 == 0:
        part = saved.with_suffix(".part")
        part.write_text(str(step))
        part.rename(saved)
    if os.getppid() != starter:
        note("stopped")
        sys.exit(143)
    if step % 10 == 0:
        print("step", step, flush=True)
note("end")
pathlib.Path("out").write_text(f"{number} {pathlib.Path('data').read_text()}")
"""
PIPELINE = """stages:
  prepare:
    cmd: echo data > data
    outs: [data]
  make:
    cmd: exec python stage.py
    params: [a]
    deps: [data, stage.py]
    outs: [out]
"""
DRIVER = """
import sys
from stages.command import guarded
from stages.tools.dvc import revisions
from stages.tools.sweep import __main__ as sweep, progress
from stages.tools.sweep.plan import Planned

def main():
    address, *numbers = sys.argv[1:]
    planned = [Planned(f"n{n}", {}, {"a": int(n)}, f"a={n}", {"a": int(n)}) for n in numbers]

    def finished(each, dataset, head):
        names = [found.name for found in revisions.experiments() if found.baseline == head]
        return each.name if each.name in names else None

    progress.plan.is_in_workspace = lambda each, dataset: False
    progress.plan.finished = finished
    found = sweep.on_cluster(address, planned, "light", revisions.head(), "make", ["prepare"])
    failed = [each for each in found if each.why]
    print("all done" if not failed else f"failed: {failed}", flush=True)

if __name__ == "__main__":
    guarded(main)
"""


def make(folder: Path, notes: Path, steps: int) -> Project:
    """Make the project, with its data, in git and DVC."""
    folder.mkdir(parents=True)
    (folder / "stage.py").write_text(STAGE)
    (folder / "drive.py").write_text(DRIVER)
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "params.yaml").write_text(f"a: 0\nsteps: {steps}\nnotes: {notes}\n")
    (folder / ".gitignore").write_text("/.scratch\n")
    project = Project(folder)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.run("dvc", "repro", "-q", "prepare", PYTHONPATH=str(ROOT))
    commit(project, "first")
    notes.write_text("")
    return project
