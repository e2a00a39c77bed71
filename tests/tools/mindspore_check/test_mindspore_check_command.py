import sys

import mindspore
import pytest

from stages.tools.mindspore_check import __main__ as command
from stages.tools.mindspore_check.facts import Fact, Seen
from stages.tools.mindspore_check.running import CHANGED, HOLDS, UNKNOWN, Outcome
from tests.helpers.project import ROOT


def outcome(heading: str, state: str) -> Outcome:
    return Outcome(Fact(heading, lambda: Seen(True, "")), state, f"seen {heading}")


@pytest.fixture
def said(monkeypatch, capsys):
    def run(*found: tuple[str, Outcome]) -> str:
        monkeypatch.setattr(command, "outcomes", lambda: iter(found))
        monkeypatch.setattr(sys, "argv", ["mindspore_check"])
        command.main()
        return capsys.readouterr().out

    return run


def test_each_fact_is_told_under_its_group(said):
    lines = said(
        ("Load", outcome("a", HOLDS)),
        ("Load", outcome("b", UNKNOWN)),
        ("Train", outcome("c", HOLDS)),
    ).splitlines()
    assert lines[0].startswith(f"MindSpore {mindspore.__version__}; docs/mindspore.md ")
    assert lines[1:8] == [
        "", "Load", "  holds: a", "      seen a", "  cannot be checked here: b", "      seen b", "",
    ]  # fmt: skip
    assert lines[-1] == "2 hold, 0 changed, 1 cannot be checked here"


def test_a_changed_fact_is_a_note(said):
    text = said(("Load", outcome("a", CHANGED)))
    assert "  changed: a\n" in text
    assert text.endswith("What changed works otherwise than docs/mindspore.md says: report it\n")


def test_the_page_that_is_named_exists():
    assert (ROOT / command.PAGE).is_file()
