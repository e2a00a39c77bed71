from pathlib import Path

import pytest

from stages.gan.common import paths
from tests.helpers.project import ROOT

PLACES = {
    paths.raw: "data/faces/raw",
    paths.prepared: "data/faces/prepared",
    paths.judge: "data/faces/judge",
    paths.models: "models/faces/checkpoints",
    paths.export: "models/faces/export",
    paths.metrics: "metrics/faces",
    paths.training_pictures: "reports/faces/training",
    paths.evaluation_pictures: "reports/faces/evaluation",
    paths.report: "reports/faces/index.html",
}


@pytest.mark.parametrize(("place", "expected"), PLACES.items())
def test_places_are_those_of_dvc_yaml(place, expected):
    assert place("faces") == Path(expected)
    generic = expected.replace("faces", "${key}")
    listed = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert f"- {generic}\n" in listed or f"- {generic}/" in listed


def test_params_lie_in_the_projects_folder():
    assert Path("params.yaml") == paths.PARAMS


def test_path_of_a_user_may_begin_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert paths.from_project("~/a/b") == Path("/home/me/a/b")


@pytest.mark.parametrize("path", ["/a/b", "a/b"])
def test_path_of_a_user_is_kept(path):
    assert paths.from_project(path) == Path(path)
