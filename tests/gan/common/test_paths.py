import re
import subprocess
from pathlib import Path

import pytest

from stages.gan.common import paths
from tests.helpers.data import message_of
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


def test_what_a_copy_of_the_project_lacks_is_found_in_the_project(tmp_path, monkeypatch):
    (tmp_path / "copy").mkdir()
    (tmp_path / "faces.zip").touch()
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setattr(paths, "_project", Path())
    paths.set_project(tmp_path)
    assert paths.from_project("faces.zip") == tmp_path / "faces.zip"
    Path("faces.zip").touch()
    assert paths.from_project("faces.zip") == Path("faces.zip")
    assert paths.from_project("none.zip") == tmp_path / "none.zip"


@pytest.mark.parametrize("given", ["{own}", "{own}/final", "./{own}/../checkpoints", "/{own}"])
def test_a_stages_own_result_is_refused_and_the_copy_that_is_told_is_taken(
    tmp_path, monkeypatch, given
):
    monkeypatch.chdir(tmp_path)
    own = paths.models("数字")
    (own / "final").mkdir(parents=True)
    Path("earlier-数字").mkdir()
    path = given.format(own=own) if given[0] != "/" else str(own.absolute())
    told = message_of(paths.refuse_own_result, path, own, "数字.train.init_from")
    command, other = re.findall(r"copy it \(`(.*)`\), then set 数字.train.init_from to (.*)", told)[
        0
    ]
    subprocess.run(["sh", "-c", command], check=True)
    assert Path(other).is_dir()
    assert other.startswith("earlier-数字-2")
    paths.refuse_own_result(other, own, "数字.train.init_from")


def test_a_result_that_dvc_has_removed_is_brought_back_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = paths.models("mnist")
    told = message_of(paths.refuse_own_result, str(own / "final"), own, "mnist.train.init_from")
    assert f"(`dvc checkout {own} && cp -r {own} earlier-mnist`)" in told


@pytest.mark.parametrize("given", ["~no-such-user/x", "a\0b", "x" * 5000, "models/mnist", "data"])
def test_any_other_path_is_left_to_who_reads_it(given):
    paths.refuse_own_result(given, paths.models("mnist"), "mnist.train.init_from")
