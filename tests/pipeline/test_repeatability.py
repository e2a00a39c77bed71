"""Twice the same is the same to the bit, on one core and on all."""

import os

import pytest
import yaml

from tests.helpers.forks import commands
from tests.helpers.processes import cores
from tests.helpers.processes.kill import results
from tests.helpers.project import Project, make_project

pytestmark = pytest.mark.pipeline

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@pytest.mark.slow
def test_another_run_on_one_core_gives_the_same_dvc_lock_and_files(reproduced, tmp_path):
    again = make_project(tmp_path / "again")
    again.run("git", "init", "-q")
    again.run("dvc", "init", "-q")
    # Handed on to what it starts; on a Mac threads alone are bounded.
    with cores.on(frozenset({min(cores.AVAILABLE)})):
        served = commands.served({"PATH": os.environ["PATH"]}, **ONE_THREAD)
        again.run("dvc", "repro", fork=False, **served)
    first = results(reproduced, "mnist", "faces")
    assert results(again, "mnist", "faces") == first
    kinds = {name.rsplit(".", 1)[-1] for name in first}
    assert {"lock", "npy", "safetensors", "png", "gif", "html", "json", "csv", "zip"} <= kinds


def test_dvc_lock_names_every_file(reproduced: Project):
    lock = yaml.safe_load((reproduced.folder / "dvc.lock").read_text())["stages"]
    outs = [out["path"] for stage in lock.values() for out in stage.get("outs", [])]
    for name in results(reproduced, "mnist", "faces"):
        assert name == "dvc.lock" or any(f"{name}/".startswith(f"{out}/") for out in outs)
