"""The stage: a page with the trained networks, the same bytes at each run."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.gan.data import prepared
from tests.helpers.project import ROOT, Project

pytestmark = pytest.mark.pipeline

DATASETS = ("mnist", "faces")


def page_of(project: Project, dataset: str) -> str:
    return (project.folder / f"reports/{dataset}/play.html").read_text(encoding="utf-8")


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="play-data">(.*?)</script>', page)
    return json.loads(text)["data"]


@pytest.fixture
def copy(reproduced: Project, tmp_path: Path) -> Project:
    """The reproduced project without git and DVC, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(reproduced.folder, folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    return Project(folder)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_page_holds_what_the_run_made(reproduced: Project, dataset: str):
    data = data_of(page_of(reproduced, dataset))
    params = reproduced.params[dataset]
    held_out = prepared.load(reproduced.folder / f"data/{dataset}/prepared", "test")
    assert data["title"] == params["report"]["title"]
    assert list(data["image"].values()) == list(held_out.images.shape[1:])
    assert data["latent"]["size"] == params["preprocess"]["latent_size"]
    assert data["held_out"]["count"] == len(held_out)  # so few that all have their place
    assert [one["epoch"] for one in data["epochs"]] == [1, 2]
    scores = json.loads((reproduced.folder / f"metrics/{dataset}/scores.json").read_text())
    assert data["scores"]["discriminator_accuracy"] == scores["accuracy"]
    assert data["loss"]["equilibrium"]["discriminator"] == pytest.approx(2 * np.log(2), abs=1e-6)
    # Digits have labels, faces have none.
    assert (data["networks"]["judge"] is None) == (dataset == "faces")
    assert data["classes"] == (None if dataset == "faces" else [str(n) for n in range(10)])
    for network in filter(None, data["networks"].values()):
        assert network["difference"] < 1


@pytest.mark.parametrize("dataset", DATASETS)
def test_it_repeats_and_holds_nothing_of_the_machine(copy: Project, dataset: str):
    before = page_of(copy, dataset)
    output = copy.stage("play", dataset).stdout
    assert f"{dataset}: reports/{dataset}/play.html, " in output
    assert "of 255 levels from the network's" in output
    assert page_of(copy, dataset) == before
    for word in (str(copy.folder), str(ROOT), str(Path.home())):
        assert word not in before, word
    # Packed weights may spell a short name by chance, within their letters.
    assert not re.search(rf"(?<![\w+/]){re.escape(os.uname().nodename)}(?![\w+/=])", before)


@pytest.mark.slow
def test_what_is_missing_is_named_and_the_old_page_stays(copy: Project):
    before = page_of(copy, "mnist")
    for place in (
        "models/mnist/export/generator.onnx",
        "models/mnist/export/discriminator.onnx",
        "metrics/mnist/scores.json",
        "data/mnist/judge/judge.state",
    ):
        file = copy.folder / place
        content = file.read_bytes()
        file.unlink()
        result = copy.stage("play", "mnist", check=False)
        assert result.returncode == 1
        assert result.stderr.startswith("error: ")
        assert f"{place} is missing" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        if place.endswith(".onnx"):
            file.write_bytes(b"no network")
            result = copy.stage("play", "mnist", check=False)
            assert result.returncode == 1
            assert f"error: {place} is damaged" in result.stderr
        assert page_of(copy, "mnist") == before
        file.write_bytes(content)
