"""The way of each experiment of a sweep through DVC's queue, and what is done about kills."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.command import say
from stages.tools.dvc import queue as queued
from stages.tools.dvc import revisions
from stages.tools.dvc.queue import DONE, FAILED, QUEUED, RUNNING, Entry
from stages.tools.sweep import plan
from stages.tools.sweep.plan import Wanted

# How often an experiment that was killed is begun anew before it counts as failed.
_TRIES = 3
# Looks in which nobody seems to run an entry, until it is taken for lost: workers answer late.
_LOOKS = 3


@dataclass
class Pursuit:
    """A wanted experiment on its way: in the queue, there as `result`, or failed."""

    wanted: Wanted
    revision: str = ""
    result: str = ""
    verdict: str = ""
    why: str = ""
    tries: int = 1
    missed: int = 0
    state: str = QUEUED

    @property
    def is_open(self) -> bool:
        """Whether it is neither there nor failed."""
        return not self.result and not self.why


def begin(wanted: Sequence[Wanted], dataset: str, head: str) -> list[Pursuit]:
    """Look what there is already, and queue what there is not."""
    pursued = []
    entries = queued.look()
    for each in wanted:
        pursuit = Pursuit(each)
        pursued.append(pursuit)
        if plan.is_in_workspace(each, dataset):
            pursuit.result = revisions.WORKSPACE
            say(f"{each.name} ({each.about}): it is what the workspace has")
            continue
        if there := plan.finished(each, dataset, head):
            pursuit.result = there
            say(f"{each.name} ({each.about}): finished before, as experiment {there}")
            continue
        entry = plan.waiting(each, dataset, head, entries)
        if entry and entry.state != FAILED:
            pursuit.revision = entry.revision
            say(f"{each.name} ({each.about}): {entry.state} before, as {entry.name}")
            continue
        if entry:
            queued.discard(entry)
        queue(pursuit, dataset)
        say(f"{each.name} ({each.about}): queued")
    return pursued


def queue(pursuit: Pursuit, dataset: str) -> None:
    """Put an experiment into DVC's queue."""
    entries = queued.look()
    name = plan.free_name(pursuit.wanted.name, entries)
    pursuit.revision = queued.add(name, pursuit.wanted.options, f"report@{dataset}", entries)
    pursuit.missed = 0


def look_at(each: Pursuit, entry: Entry | None, dataset: str) -> None:
    """Take note of what has become of an experiment; begin anew what was killed."""
    if entry is None:
        each.missed += 1
        if each.missed >= _LOOKS:
            _again(each, None, "is not in DVC's queue any more", dataset)
        return
    each.state = entry.state
    if entry.state == DONE:
        each.result = entry.result or entry.name
        say(f"{each.result} ({each.wanted.about}): done, {entry.verdict() or 'no verdict'}")
    elif entry.state == FAILED and entry.was_killed:
        _again(each, entry, "was killed", dataset)
    elif entry.state == FAILED:
        _fail(each, entry, entry.reason())
    elif entry.state == RUNNING and _is_lost(each, entry):
        _again(each, entry, "has lost its worker", dataset)


def _is_lost(each: Pursuit, entry: Entry) -> bool:
    held = queued.has_worker(entry)
    if held is None:  # it begins or ends just now, or all that ran it was killed
        each.missed = 0 if entry.revision in queued.claimed() else each.missed + 1
        return each.missed >= _LOOKS
    each.missed = 0
    return not held


def _again(each: Pursuit, entry: Entry | None, what: str, dataset: str) -> None:
    if each.tries >= _TRIES:
        _fail(each, entry, f"it {what}, {_TRIES} times")
        return
    each.tries += 1
    say(f"{each.wanted.name} {what}: queued again, training goes on from what it has saved")
    if entry:
        queued.discard(entry)
    queue(each, dataset)
    each.state = QUEUED


def _fail(each: Pursuit, entry: Entry | None, why: str) -> None:
    each.verdict = (entry and entry.verdict()) or "failed"
    each.why = why
    say(f"{each.wanted.name} ({each.wanted.about}): failed, {each.verdict}: {why}")


def counts(pursued: Sequence[Pursuit]) -> str:
    """How many are in which state, in a line."""
    states = [
        DONE if each.result else FAILED if each.why else each.state for each in pursued
    ]  # fmt: skip
    return ", ".join(f"{states.count(state)} {state}" for state in (QUEUED, RUNNING, DONE, FAILED))
