"""A student's files in the project, and in a bundle."""

import pytest

from stages.gan.common import paths
from stages.tools.bundle import check
from stages.tools.course.places import Bundle, Project
from tests.helpers.bundle import pack
from tests.helpers.damage import flip

pytestmark = pytest.mark.pipeline


def test_files_are_read_by_their_paths_from_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundle = Bundle(check.check(pack(tmp_path / "a.zip", {"x/y.json": b"{}"})))
    (tmp_path / "x").mkdir()
    (tmp_path / "x/y.json").write_bytes(b"{}")
    for place in (Project(), bundle):
        assert place.read("x/y.json") == b"{}"
        assert place.read("x/z.json") is None
        assert place.read("x") is None
    assert bundle.trouble("train@mnist") == ""


def test_outs_of_a_stage_are_compared_with_dvc_lock(copied):
    place = Project()
    assert place.trouble("train@mnist") == ""
    assert "has not run" in place.trouble("train@nothing")
    flip(paths.models("mnist") / "final" / "generator.safetensors", -1)
    assert "generator.safetensors is damaged: `dvc repro train@mnist`" in (
        place.trouble("train@mnist")
    )
    params = copied.params
    params["mnist"]["train"]["seed"] = 99
    copied.write_params(params)
    assert place.trouble("preprocess@mnist") == ""
    assert place.trouble("train@mnist") != ""
