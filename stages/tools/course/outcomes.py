"""What the check of one task found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from stages.gan.common.language import _, marked, spoken, translated


class State(Enum):
    """Whether a task is solved."""

    RIGHT = marked("right")
    WRONG = marked("not yet right")
    MISSING = marked("not answered")
    # In a bundle, which does not have every file.
    UNSEEN = marked("cannot be seen here")


@dataclass(frozen=True)
class Outcome:
    """The state of a task, and what the student is told.

    Parameters
    ----------
    state : State
    look : mapping
        Language to what a student should look at; empty if there is nothing to say.
    note : str
        A fact about the answer or the files, such as that a file is missing, in the language that
        was spoken when it was found; or "".
    """

    state: State
    look: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def line(self, name: str) -> str:
        """The task's name, its state, and what the student is told, in the language now spoken."""
        look, state = self.look.get(spoken(), ""), translated(self.state.value)
        told = self.note or look
        if self.note and look:
            told = _("{note} {look}").format(note=self.note, look=look)
        if not told:
            return _("{task}: {state}").format(task=name, state=state)
        return _("{task}: {state}. {told}").format(task=name, state=state, told=told)


RIGHT = Outcome(State.RIGHT)
MISSING = Outcome(State.MISSING)
