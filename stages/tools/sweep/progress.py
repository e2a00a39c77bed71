"""Tracks each experiment of a sweep in DVC's queue, and queues killed experiments again."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.command import say
from stages.gan.common.language import _, translated
from stages.tools.dvc import queue as queued
from stages.tools.dvc import revisions
from stages.tools.dvc.queue import DONE, FAILED, QUEUED, RUNNING, Entry
from stages.tools.sweep import plan, workers
from stages.tools.sweep.plan import Planned

# How often an experiment is tried before it counts as failed, if it is killed each time.
_TRIES = 3
# An entry counts as lost after so many looks without a worker: workers may answer late.
_LOOKS = 3


@dataclass
class Progress:
    """The state of a planned experiment: queued, finished as `result`, or failed (`why`)."""

    planned: Planned
    revision: str = ""
    result: str = ""
    verdict: str = ""
    why: str = ""
    tries: int = 1
    missed: int = 0
    state: str = QUEUED

    @property
    def is_open(self) -> bool:
        """Whether it has neither finished nor failed."""
        return not self.result and not self.why


def begin(planned: Sequence[Planned], dataset: str, head: str) -> list[Progress]:
    """Find the experiments that exist already, and queue the others."""
    experiments = []
    entries = queued.look()
    for each in planned:
        progress = Progress(each)
        experiments.append(progress)
        if plan.is_in_workspace(each, dataset):
            progress.result = revisions.WORKSPACE
            say(
                _("{name} ({about}): the workspace has its results").format(
                    name=each.name, about=each.about
                )
            )
            continue
        if there := plan.finished(each, dataset, head):
            progress.result = there
            say(
                _("{name} ({about}): already finished as experiment {there}").format(
                    name=each.name, about=each.about, there=there
                )
            )
            continue
        entry = plan.waiting(each, dataset, head, entries)
        if entry and entry.state != FAILED:
            progress.revision = entry.revision
            say(
                _("{name} ({about}): already {state} as {entry}").format(
                    name=each.name,
                    about=each.about,
                    state=translated(entry.state),
                    entry=entry.name,
                )
            )
            continue
        if entry:
            queued.discard(entry)
        queue(progress, dataset)
        say(_("{name} ({about}): queued").format(name=each.name, about=each.about))
    return experiments


def queue(progress: Progress, dataset: str) -> None:
    """Put an experiment into DVC's queue."""
    entries = queued.look()
    taken = [name for entry in entries for name in (entry.name, entry.result) if name]
    name = revisions.free_name(progress.planned.name, taken)
    progress.revision = queued.add(name, progress.planned.options, f"report@{dataset}", entries)
    progress.missed = 0


def look_at(each: Progress, entry: Entry | None, dataset: str) -> None:
    """Update the state of an experiment; queue it again if it was killed or lost."""
    if entry is None:
        each.missed += 1
        if each.missed >= _LOOKS:
            _again(each, None, _("is no longer in DVC's queue"), dataset)
        return
    each.state = entry.state
    if entry.state == DONE:
        each.result = entry.result or entry.name
        say(
            _("{name} ({about}): done, {verdict}").format(
                name=each.result,
                about=each.planned.about,
                verdict=translated(entry.verdict()) or _("no verdict"),
            )
        )
    elif entry.state == FAILED and not entry.has_begun:
        _fail(each, entry, _("it never began: {reason}").format(reason=workers.last_error()))
    elif entry.state == FAILED and entry.was_killed:
        _again(each, entry, _("was killed"), dataset)
    elif entry.state == FAILED:
        _fail(each, entry, entry.reason())
    elif entry.state == RUNNING and _is_lost(each, entry):
        _again(each, entry, _("has lost its worker"), dataset)


def _is_lost(each: Progress, entry: Entry) -> bool:
    has_worker = queued.has_worker(entry)
    if has_worker is None:  # it is starting or ending now, or all its processes were killed
        each.missed = 0 if entry.revision in queued.claimed() else each.missed + 1
        return each.missed >= _LOOKS
    each.missed = 0
    return not has_worker


def _again(each: Progress, entry: Entry | None, what: str, dataset: str) -> None:
    if each.tries >= _TRIES:
        _fail(each, entry, _("it {what}, {tries} times").format(what=what, tries=_TRIES))
        return
    each.tries += 1
    say(
        _("{name} {what}: queued again; training resumes from its last saved state").format(
            name=each.planned.name, what=what
        )
    )
    if entry:
        queued.discard(entry)
    queue(each, dataset)
    each.state = QUEUED


def _fail(each: Progress, entry: Entry | None, why: str) -> None:
    each.verdict = (entry and entry.verdict()) or FAILED
    each.why = why
    say(
        _("{name} ({about}): failed, {verdict}: {why}").format(
            name=each.planned.name,
            about=each.planned.about,
            verdict=translated(each.verdict),
            why=why,
        )
    )


def counts(experiments: Sequence[Progress]) -> str:
    """The number of experiments in each state, in one line."""
    states = [
        DONE if each.result else FAILED if each.why else each.state for each in experiments
    ]  # fmt: skip
    return ", ".join(
        f"{states.count(state)} {translated(state)}" for state in (QUEUED, RUNNING, DONE, FAILED)
    )
