"""A student's answers are read, checked, written down, and taken from a record."""

import json

import pytest

from stages.gan.common.errors import UserError
from stages.tools.course import checking
from stages.tools.course.kinds import KINDS
from stages.tools.course.outcomes import State
from stages.tools.course.parts import ANSWERS, Part
from stages.tools.course.places import Project

LOOK = {"en": "look", "zh": "看"}


@pytest.fixture
def part(tmp_path, monkeypatch):
    """A part with two tasks: a hidden answer, and a file that a bundle does not have."""
    monkeypatch.chdir(tmp_path)
    part = Part(1, tmp_path / "1-small")
    part.folder.mkdir()
    ANSWERS.mkdir(parents=True)
    shared = {"salt": "s", "look": LOOK}
    tasks = [
        {"name": "a", "kind": "exact", **KINDS["exact"].seal({"right": 7}, "s"), **shared},
        {"name": "b", "kind": "own", "file": "own.json", "key": "x", **shared},
    ]
    content = {"title": {"en": "Small", "zh": "小"}, "minutes": 1, "tasks": tasks}
    part.checks.write_text(json.dumps(content))
    return part


def states(checked):
    return {name: outcome.state for name, outcome in checked.outcomes.items()}


def test_no_file_of_answers_is_no_answer(part):
    checked = checking.check_part(part, Project())
    assert states(checked) == {"a": State.MISSING, "b": State.MISSING}
    assert (checked.right, checked.is_begun) == (0, False)


def test_answers_are_written_one_by_one_and_checked(part, tmp_path):
    (tmp_path / "own.json").write_text('{"x": 3}')
    checking.write_answer(part, "a", 7)
    checking.write_answer(part, "b", 4)
    checking.write_answer(part, "b", 3)
    checked = checking.check_part(part, Project())
    assert states(checked) == {"a": State.RIGHT, "b": State.RIGHT}
    assert (checked.right, checked.is_begun) == (2, True)
    assert part.answers.read_text() == "a: 7\nb: 3\n"


def test_a_file_written_by_hand_counts_too(part):
    part.answers.write_text("# my answers\na: '7'\nc: 1\n")
    assert states(checking.check_part(part, Project()))["a"] is State.RIGHT
    assert checking.unknown(part, checking.read_answers(part, Project())) == ["c"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [", "is not valid YAML"),
        (b"- 7", "should hold lines such as"),
        (b"\xff", "is not valid YAML"),
        (b"a: " + b"7" * 70000, "more than 65,536 bytes"),
    ],
)
def test_a_damaged_file_is_named(part, content, why):
    part.answers.write_bytes(content)
    with pytest.raises(UserError, match=why):
        checking.check_part(part, Project())


def test_an_empty_file_is_no_answer(part):
    part.answers.write_text("# nothing yet\n")
    assert not checking.check_part(part, Project()).is_begun


class Elsewhere(Project):
    """A place that has the answers and the record, but not the results."""

    is_whole = False

    def read(self, name):
        return super().read(name) if name.startswith(ANSWERS.as_posix()) else None


def test_a_record_tells_of_what_cannot_be_seen_and_of_nothing_else(part, tmp_path):
    (tmp_path / "own.json").write_text('{"x": 3}')
    checking.write_answer(part, "a", 8)
    checking.write_answer(part, "b", 3)
    checking.write_record(checking.check_part(part, Project()))
    record = json.loads(part.record.read_text())
    assert record["tasks"] == {"a": "WRONG", "b": "RIGHT"}
    record["tasks"]["a"] = "RIGHT"  # by hand
    part.record.write_text(json.dumps(record))
    seen = checking.check_part(part, Elsewhere())
    assert states(seen) == {"a": State.WRONG, "b": State.UNSEEN}
    told = checking.with_record(seen, Elsewhere())
    assert states(told) == {"a": State.WRONG, "b": State.RIGHT}
    assert told.recorded == {"b"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"answers": "x", "tasks": {"b": "RIGHT"}}'])
def test_a_record_of_other_answers_or_a_damaged_one_tells_nothing(part, content):
    checking.write_answer(part, "b", 3)
    part.record.write_text(content)
    seen = checking.check_part(part, Elsewhere())
    assert states(checking.with_record(seen, Elsewhere()))["b"] is State.UNSEEN
