"""What a student is told, in one line."""

from stages.tools.course.outcomes import MISSING, RIGHT, Outcome, State

WRONG = Outcome(State.WRONG, {"en": "Look there.", "zh": "看那里。"}, "a.json is not there.")


def test_the_line_has_name_state_note_and_the_hint_of_the_language():
    assert RIGHT.line("task", "en") == "task: right"
    assert MISSING.line("task", "zh") == "task: not answered"
    assert WRONG.line("task", "en") == "task: not yet right. a.json is not there. Look there."
    assert WRONG.line("task", "zh").endswith(". a.json is not there. 看那里。")
