"""Several workers train what one process trains: losses, penalties, optimizers, both networks."""

import json
import re
import shutil
from copy import deepcopy

import pytest

from tests.helpers.project import ROOT, Project, make_project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.usefixtures("all_cores")]

# Small batches and high rates, so that a wrong part of a batch would show within a few steps.
SGD = {"optimizer": "sgd", "learning_rate": 0.1}
CASES = {
    "lecture": ("mnist", {"learning_rate": 0.002}),
    "sums": (
        "mnist",
        {
            "loss": "bce_with_logits",
            "loss_options": {"reduction": "sum", "label_smoothing": 0.1},
            "ema": 0.9,
            "discriminator_steps": 2,
            "instance_noise": 0.3,
            "optimizer": "sgd",
            "learning_rate": 0.01,
            "discriminator": {"batch_norm": True},
        },
    ),
    "penalty": ("mnist", {"loss": "wgan_gp", "latents": "fresh", **SGD}),
    "r1": (
        "faces",
        {
            "loss": "mse",
            "loss_options": {"reduction": "sum"},
            "r1": 1000.0,
            "augmentation": ["color", "translation", "cutout"],
            "discriminator": {"batch_norm": False},
            **SGD,
        },
    ),
    "spectral": (
        "faces",
        {"loss": "hinge", "discriminator": {"spectral_norm": True}, **SGD},
    ),
    "pairs": (
        "mnist",
        {
            "loss": "rpgan",
            "r1": 10.0,
            "r2": 10.0,
            # With 0.01 the two logits are so close that float32's rounding shows (0.0065).
            "penalty": {"kind": "difference", "sigma": 0.3},
            "burn_in": {"penalty": 0.1},
            "extragradient": "past",
            **SGD,
        },
    ),
    "soft": ("faces", {"loss": "softplus", "optimizer": "rmsprop", "learning_rate": 0.002}),
}  # fmt: skip


def merged(section: dict, changes: dict) -> dict:
    result = deepcopy(section)
    for name, value in changes.items():
        result[name] = merged(result[name], value) if isinstance(value, dict) else value
    return result


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Project:
    """A project with a data set a case, and the prepared data of each."""
    project = make_project(tmp_path_factory.mktemp("cases") / "project")
    params = project.params
    for dataset in ("mnist", "faces"):
        for stage in ("download", "preprocess"):
            project.stage(stage, dataset)
    for name, (dataset, changes) in CASES.items():
        params["datasets"][name] = params["datasets"][dataset]
        params[name] = merged(params[dataset], {"train": changes})
        (project.folder / "data" / name).mkdir()
        prepared = project.folder / "data" / dataset / "prepared"
        shutil.copytree(prepared, project.folder / "data" / name / "prepared")
    project.write_params(params)
    return project


def differences(project: Project, *arguments: str) -> dict[tuple[str, str], list[float]]:
    """The table that the measurement prints: weights, relative, images, losses by row."""
    measured = project.run(
        "python", "-m", "benchmarks.trajectories", *arguments, PYTHONPATH=str(ROOT)
    )
    rows = re.findall(r"^\| (\w+), \d workers \| (.*?) \| 4 \| (.*) \|$", measured.stdout, re.M)
    return {
        (name, moments): [float(number) for number in numbers.split(" | ")]
        for name, moments, numbers in rows
    }


OWN = "each its own part"


@pytest.mark.parametrize(("workers", "names"), [(2, list(CASES)), (4, ["lecture", "spectral"])])
def test_workers_follow_one_process(cases, workers, names):
    found = differences(
        cases, *names, "--steps", "4", "--workers", str(workers), "--moments", "whole"
    )
    assert {name for name, _ in found} == set(names)
    everything = json.dumps({str(case): row for case, row in found.items()})
    for _, relative, images, losses, _ in found.values():
        assert relative < 1e-3, everything
        assert losses < 1e-4, everything
        # Running means lag behind the biases that wander with Adam (see the measurement).
        assert images < 3e-3, everything


def test_without_the_moments_of_the_whole_batch_they_would_not(cases):
    found = differences(cases, "lecture", "--steps", "4", "--workers", "2", "--moments", "own")
    _, relative, *_ = found["lecture", OWN]
    assert relative > 0.1
