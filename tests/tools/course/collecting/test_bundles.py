"""Students' bundles are found, and a broken one stops nothing."""

import json

import pytest

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.tools.bundle import __main__ as bundle
from stages.tools.bundle import check
from stages.tools.course import parts
from stages.tools.course.collecting import bundles
from tests.helpers.bundle import pack
from tests.helpers.damage import flip
from tests.helpers.project import ROOT

LOSSES = parts.Part(3, ROOT / "course/3-losses")
ANSWERS = {"course/answers/3.yaml": b"smoothed_p: 0.45\njsd_of_half: 1\n"}


def test_archives_and_unpacked_bundles_are_found_at_any_depth(tmp_path):
    for name in ("b.zip", "a/x.zip", "c.ZIP"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pack(tmp_path / "made.zip").rename(tmp_path / name)
    check.unpack(check.check(tmp_path / "b.zip"), tmp_path / "a/unpacked")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in bundles.find(tmp_path)]
    assert found == ["a/unpacked", "a/x.zip", "b.zip", "c.ZIP"]


def test_a_folder_without_bundles_is_an_error(tmp_path):
    with pytest.raises(UserError, match="has no bundle"):
        bundles.find(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        bundles.find(tmp_path / "none")


def test_answers_are_checked_again(tmp_path):
    student = bundles.read(pack(tmp_path / "li.zip", ANSWERS), tmp_path, [LOSSES])
    assert (student.name, student.is_intact, student.right) == ("li", True, 1)
    assert student.run is None
    assert "params.yaml" in student.problem


def test_damage_is_named_and_nothing_of_it_is_used(tmp_path):
    path = pack(tmp_path / "li.zip", ANSWERS)
    flip(path, -1)
    student = bundles.read(path, tmp_path, [LOSSES])
    assert not student.is_intact
    assert student.problem
    assert student.parts == ()
    (tmp_path / "text.zip").write_text("no archive")
    student = bundles.read(tmp_path / "text.zip", tmp_path, [LOSSES])
    assert "is not a valid zip archive" in student.problem


def test_damaged_answers_do_not_stop_the_rest(tmp_path):
    path = pack(tmp_path / "li.zip", {"course/answers/3.yaml": b"a: ["})
    student = bundles.read(path, tmp_path, [LOSSES])
    assert student.is_intact
    assert "is not valid YAML" in student.problem


@pytest.mark.pipeline
def test_a_real_bundle_brings_run_scores_and_answers(copied, tmp_path, monkeypatch):
    parts.ANSWERS.mkdir(parents=True)
    (parts.ANSWERS / "3.yaml").write_bytes(ANSWERS["course/answers/3.yaml"])
    (parts.ANSWERS / "notes.txt").write_text("not packed")
    folder = tmp_path / "handed-in"
    folder.mkdir()
    bundle.pack("mnist", folder / "li.zip")
    student = bundles.read(folder / "li.zip", folder, [LOSSES])
    assert (student.problem, student.is_intact, student.right) == ("", True, 1)
    scores = json.loads((paths.metrics("mnist") / "scores.json").read_text())
    expected = scores["quality"]["frechet_distance"]
    found = student.scores["quality.frechet_distance"]
    assert found == (expected["value"], expected["error"])
    assert student.run is not None
    assert student.run.picture
    assert len(student.commit) == len("0123456789ab")
    assert "course/answers/notes.txt" not in check.check(folder / "li.zip").manifest.files
    monkeypatch.setattr(bundles.compare, "read", lambda *_: {}["judge"])
    student = bundles.read(folder / "li.zip", folder, [LOSSES])
    assert student.problem == "its results have another form: KeyError('judge')"
    assert (student.is_intact, student.right, student.run) == (True, 1, None)
