"""What a student is told, in one line."""

from stages.tools.course.outcomes import MISSING, RIGHT, Outcome, State

WRONG = Outcome(State.WRONG, {"en": "Look there.", "zh": "看那里。"}, "a.json is not there.")


def test_the_line_has_name_state_note_and_hint(monkeypatch):
    monkeypatch.setenv("GAN_LANGUAGE", "en")
    assert RIGHT.line("task") == "task: right"
    assert MISSING.line("task") == "task: not answered"
    assert WRONG.line("task") == "task: not yet right. a.json is not there. Look there."


def test_it_is_in_the_language_of_the_terminal(monkeypatch):
    monkeypatch.setenv("GAN_LANGUAGE", "zh")
    assert MISSING.line("task") == "task：未作答"
    assert Outcome(State.WRONG, WRONG.look).line("task") == "task：还不对。看那里。"
