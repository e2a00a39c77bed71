"""A student's table is read, and a missing or damaged one is told."""

import pytest

from stages.tools.course.kinds import table
from stages.tools.course.outcomes import Outcome, State
from stages.tools.course.places import Project

ENTRY = {"file": "runs.csv", "look": {"en": "Look at the rate."}}


def test_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.csv").write_text("setting,seed,quality.recall\nfast,1,0.5\n")
    assert table.rows_of(ENTRY, Project()) == [
        {"setting": "fast", "seed": 1, "quality.recall": 0.5}
    ]


@pytest.mark.parametrize(
    ("content", "note", "look"),
    [
        (None, "runs.csv is not there. The cell with the sweep writes it", {}),
        ("a,b\n1,2\n", "runs.csv is damaged: it is no table of runs.", ENTRY["look"]),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, monkeypatch, content, note, look):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "runs.csv").write_text(content)
    found = table.rows_of(ENTRY, Project())
    assert isinstance(found, Outcome)
    assert (found.state, found.look) == (State.WRONG, look)
    assert found.note.startswith(note)
