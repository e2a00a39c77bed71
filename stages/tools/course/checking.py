"""Checks a student's answers to the tasks of a part."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _
from stages.gan.common.yaml_files import NO_YAML
from stages.tools.course.kinds import KINDS
from stages.tools.course.outcomes import MISSING, Outcome, State
from stages.tools.course.parts import Part, as_json
from stages.tools.course.places import Place, Project

# Answers are some words and numbers. A bundle's file is not trusted.
_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Checked:
    """The outcomes of a part's tasks, by name.

    `has_answers` says whether the student has written any. `recorded` are the tasks of which only
    the student's record tells.
    """

    part: Part
    outcomes: Mapping[str, Outcome]
    has_answers: bool
    recorded: frozenset[str] = frozenset()

    @property
    def right(self) -> int:
        """How many tasks are solved."""
        return sum(outcome.state is State.RIGHT for outcome in self.outcomes.values())

    @property
    def is_begun(self) -> bool:
        """Whether there is any answer, or a result that is as asked."""
        return self.has_answers or self.right > 0


def check_part(part: Part, place: Place) -> Checked:
    """Check all tasks of a part.

    Raises
    ------
    UserError
        If checks.json or the file of answers is damaged.
    """
    answers = read_answers(part, place)
    tasks: Sequence[Mapping[str, Any]] = part.read_checks()["tasks"]
    outcomes = {task["name"]: check_task(task, answers, place) for task in tasks}
    return Checked(part, outcomes, bool(answers))


def check_task(task: Mapping[str, Any], answers: Mapping[str, object], place: Place) -> Outcome:
    """Check one task; `task` is its entry in checks.json."""
    kind = KINDS[task["kind"]]
    answer = answers.get(task["name"])
    if kind.NEEDS_ANSWER and answer is None:
        return MISSING
    return kind.check(task, answer, place)


def read_answers(part: Part, place: Place) -> dict[str, object]:
    """The answers by the names of the tasks; empty if there is no file.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    content = place.read(part.answers.as_posix())
    if content is None:
        return {}
    try:
        if len(content) > _MOST_BYTES:
            raise ValueError(_("it has more than {most:,} bytes").format(most=_MOST_BYTES))
        answers = yaml.safe_load(content.decode("utf-8"))
    except NO_YAML as error:
        reason = " ".join(str(error).split())
        raise UserError(
            _("{path} is not valid YAML: {reason}").format(path=part.answers, reason=reason)
        ) from None
    if answers is None:
        return {}
    if not isinstance(answers, dict):
        raise UserError(
            _("{path} should hold lines such as `name: answer`").format(path=part.answers)
        )
    return {str(name): answer for name, answer in answers.items()}


def unknown(part: Part, answers: Mapping[str, object]) -> list[str]:
    """The names among the answers that no task of the part has."""
    names = {task["name"] for task in part.read_checks()["tasks"]}
    return [name for name in answers if name not in names]


def write_answer(part: Part, name: str, answer: object) -> None:
    """Write one answer into the student's file; the others stay."""
    answers = {**read_answers(part, Project()), name: answer}
    text = yaml.safe_dump(answers, sort_keys=False, allow_unicode=True)
    with whole_file(part.answers) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def write_record(checked: Checked) -> None:
    """Write down what was found here, for results that a bundle does not have."""
    found = {name: outcome.state.name for name, outcome in checked.outcomes.items()}
    content = {"answers": _digest(checked.part, Project()), "tasks": found}
    with whole_file(checked.part.record) as scratch:
        scratch.write_text(as_json(content), encoding="utf-8", newline="\n")


def with_record(checked: Checked, place: Place) -> Checked:
    """Take from the student's own record what this place cannot show.

    The record counts only if it was made with the same answers. It is a student's word: nothing
    keeps anybody from writing it by hand.
    """
    try:
        content = json.loads(place.read(checked.part.record.as_posix()) or b"")
        said = content["tasks"] if content["answers"] == _digest(checked.part, place) else {}
        taken = {
            name: Outcome(State[said[name]])
            for name, outcome in checked.outcomes.items()
            if outcome.state is State.UNSEEN and name in said
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        return checked
    outcomes = {**checked.outcomes, **taken}
    return Checked(checked.part, outcomes, checked.has_answers, frozenset(taken))


def _digest(part: Part, place: Place) -> str:
    return hashlib.sha256(place.read(part.answers.as_posix()) or b"").hexdigest()
