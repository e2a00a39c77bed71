"""Runs the facts on the installed MindSpore, and says which still hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from stages.tools.mindspore_check import (
    compiling,
    evaluating,
    exporting,
    feeding,
    loading,
    measuring,
    penalising,
    training,
)
from stages.tools.mindspore_check.facts import Fact, facts_of

# In the order of docs/mindspore.md.
GROUPS = {
    "Load and keep weights": facts_of(loading),
    "Train": facts_of(training),
    "Compile with jit": facts_of(compiling),
    "Penalise a gradient": facts_of(penalising),
    "Evaluate": facts_of(evaluating),
    "Feed data": facts_of(feeding),
    "Export": facts_of(exporting),
    "Measure time and memory": facts_of(measuring),
}

HOLDS = "holds"
CHANGED = "changed"
UNKNOWN = "cannot be checked here"


@dataclass(frozen=True)
class Outcome:
    """What became of one fact: HOLDS, CHANGED or UNKNOWN, and what was seen."""

    fact: Fact
    state: str
    seen: str


def look(fact: Fact) -> Outcome:
    """Check one fact. An error of MindSpore is no answer, so the outcome is then UNKNOWN."""
    try:
        seen = fact.check()
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip(" -")]
        reason = lines[0].strip() if lines else "no reason given"
        return Outcome(fact, UNKNOWN, f"{type(error).__name__}: {reason[:200]}")
    return Outcome(fact, HOLDS if seen.holds else CHANGED, seen.figures)


def outcomes() -> Iterator[tuple[str, Outcome]]:
    """Check all facts, one after the other: the group of each, and its outcome."""
    for group, facts in GROUPS.items():
        for each in facts:
            yield group, look(each)
