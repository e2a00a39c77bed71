"""What the check of one task found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """Whether a task is solved."""

    RIGHT = "right"
    WRONG = "not yet right"
    MISSING = "not answered"
    # In a bundle, which does not have every file.
    UNSEEN = "cannot be seen here"


@dataclass(frozen=True)
class Outcome:
    """The state of a task, and what the student is told.

    Parameters
    ----------
    state : State
    look : mapping
        Language to what a student should look at; empty if there is nothing to say.
    note : str
        A fact about the answer or the files, such as that a file is missing; or "".
    """

    state: State
    look: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def line(self, name: str, language: str) -> str:
        """The task's name, its state, and what the student is told in a language."""
        told = " ".join(part for part in (self.note, self.look.get(language, "")) if part)
        return f"{name}: {self.state.value}" + (f". {told}" if told else "")


RIGHT = Outcome(State.RIGHT)
MISSING = Outcome(State.MISSING)
