import json

import pytest

from stages.gan.evaluation import judge
from stages.gan.evaluation.judge import storage
from tests.helpers.data import tree
from tests.helpers.processes import cores
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@pytest.mark.parametrize(
    ("dataset", "task", "classes"),
    [
        pytest.param("mnist", judge.LABELS, 10, marks=pytest.mark.slow),
        ("faces", judge.TRANSFORMATIONS, 3),
    ],
)
def test_it_stores_a_judge_that_is_the_same_on_one_core(
    project: Project, dataset: str, task: str, classes: int
):
    for stage in ("download", "preprocess"):
        project.stage(stage, dataset)
    with cores.on(cores.AVAILABLE):
        output = project.run("python", "-m", "stages.judge", dataset, fork=False).stdout
    folder = project.folder / f"data/{dataset}/judge"
    metrics = json.loads((project.folder / f"metrics/{dataset}/judge.json").read_text())
    about = json.loads((folder / "judge.json").read_text())
    assert metrics == {"accuracy": about["accuracy"]}
    assert (about["task"], about["classes"]) == (task, classes)
    assert 0 <= metrics["accuracy"] <= 1
    assert f"{metrics['accuracy']:.2%}" in output
    files = {"judge.state", "judge.json"}
    files |= {f"{s}_{kind}.npy" for s in ("train", "test") for kind in ("features", "classes")}
    first = tree(folder)
    assert set(first) == files
    assert storage.load(folder).sha256 == about["sha256"]

    with cores.on(frozenset({min(cores.AVAILABLE)})):  # is handed on to what it starts
        project.run("python", "-m", "stages.judge", dataset, **ONE_THREAD)
    assert tree(folder) == first


def test_it_asks_for_what_comes_before(project: Project):
    result = project.stage("judge", "mnist", check=False)
    assert result.returncode == 1
    assert "data/mnist/prepared" in result.stderr
    assert result.stderr.count("\n") == 1
