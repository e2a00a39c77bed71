"""An answer is compared with the student's own file."""

import hashlib
import json

import pytest

from stages.tools.course.kinds import own
from stages.tools.course.outcomes import State
from stages.tools.course.places import Project

LOOK = {"en": "look"}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A project with a score, weights and a dvc.lock."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scores.json").write_text(json.dumps({"a": {"distance": 0.62}, "verdict": "Fine"}))
    (tmp_path / "weights").write_bytes(b"weights")
    (tmp_path / "dvc.lock").write_text(
        "stages: {one: {cmd: x}, two: {outs: [{path: data/x, md5: 0123456789abcdef.dir}]}}"
    )
    return tmp_path


def state(task, answer):
    entry = own.seal(task, "s") | {"salt": "s", "look": LOOK}
    return own.check(entry, answer, Project()).state


@pytest.mark.parametrize(("answer", "is_right"), [(0.62, True), ("0.6204", True), (0.63, False)])
def test_a_number_is_right_within_its_error(files, answer, is_right):
    task = {"file": "scores.json", "key": "a.distance", "within": 0.001}
    assert (state(task, answer) is State.RIGHT) == is_right


@pytest.mark.parametrize(("answer", "is_right"), [("fine", True), ("bad", False), ([], False)])
def test_a_word_is_compared(files, answer, is_right):
    task = {"file": "scores.json", "key": "verdict"}
    assert (state(task, answer) is State.RIGHT) == is_right


def test_a_hash_may_be_shortened_but_not_to_nothing(files):
    found = hashlib.sha256(b"weights").hexdigest()
    task = {"file": "weights", "digest": "sha256"}
    assert state(task, found) is State.RIGHT
    assert state(task, found[:8].upper()) is State.RIGHT
    assert state(task, found[:7]) is State.WRONG
    assert state(task, "0" * 64) is State.WRONG


def test_the_hash_of_dvc_lock(files):
    task = {"file": "data/x", "digest": "dvc"}
    assert state(task, "0123456789abcdef.dir") is State.RIGHT
    assert state(task, "fedcba9876543210") is State.WRONG
    entry = own.seal({"file": "data/y", "digest": "dvc"}, "s") | {"look": LOOK}
    assert own.check(entry, "0123456789", Project()).note == "dvc.lock has no data/y."


def test_without_the_file_it_is_named_and_a_bundle_is_not_blamed(files, monkeypatch):
    entry = own.seal({"file": "none.json", "key": "a"}, "s") | {"look": LOOK}
    found = own.check(entry, 1, Project())
    assert (found.state, found.note) == (State.WRONG, "none.json is not there.")
    monkeypatch.setattr(Project, "is_whole", False)
    assert own.check(entry, 1, Project()).state is State.UNSEEN


@pytest.mark.parametrize(
    "task",
    [{"file": "a"}, {"file": "a", "key": "b", "digest": "md5"}, {"file": "a", "digest": "crc"}],
)
def test_a_task_that_says_too_little_is_refused(task):
    with pytest.raises(ValueError, match=r"it needs|choose one of"):
        own.seal(task, "s")
