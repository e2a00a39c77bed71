"""The state of each experiment of a sweep, and what happens when one has ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.command import say
from stages.gan.common.language import _, marked, translated
from stages.tools.dvc import clones, revisions
from stages.tools.dvc.clones import Experiment
from stages.tools.sweep import plan, runs
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.runs import Outcome

QUEUED, RUNNING = "queued", "running"
DONE, FAILED = marked("done"), marked("failed")
# How often an experiment is tried before it counts as failed, if it is killed each time.
_TRIES = 3


@dataclass
class Progress:
    """The state of a planned experiment: queued, running, finished (`result`), or failed (`why`).

    `line` is the last line that it has printed.
    """

    planned: Planned
    experiment: Experiment
    result: str = ""
    verdict: str = ""
    why: str = ""
    tries: int = 1
    state: str = QUEUED
    line: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it has neither finished nor failed."""
        return not self.result and not self.why

    def settle(self, outcome: Outcome) -> None:
        """Note how it ended; it is queued again if it was killed."""
        name = self.experiment.name
        if outcome.state == runs.DONE:
            self.result = outcome.name or name
            text = _("{name} ({about}): done")
            if outcome.verdict:
                text = _("{name} ({about}): done, {verdict}")
            verdict = translated(outcome.verdict)
            say(text.format(name=self.result, about=self.planned.about, verdict=verdict))
        elif outcome.state == runs.FAILED:
            self._fail(outcome.verdict, outcome.said)
        elif self.tries >= _TRIES:
            what = outcome.said or _("was killed")
            why = _("it {what}, {tries} times").format(what=what, tries=_TRIES)
            self._fail(outcome.verdict or FAILED, why)
        else:
            self.tries += 1
            self.state = QUEUED
            what = outcome.said or _("was killed")
            say(
                _("{name} {what}: queued again; training resumes from its last saved state").format(
                    name=name, what=what
                )
            )

    def _fail(self, verdict: str, why: str) -> None:
        self.verdict, self.why = verdict, why
        say(
            _("{name} ({about}): failed, {verdict}: {why}").format(
                name=self.experiment.name,
                about=self.planned.about,
                verdict=translated(verdict),
                why=why,
            )
        )


def begin(planned: Sequence[Planned], dataset: str, head: str, target: str) -> list[Progress]:
    """Find the experiments that exist already; the others, which make `target`, are queued."""
    experiments: list[Progress] = []
    files = clones.files_now()
    for each in planned:
        taken = [other.experiment.name for other in experiments]
        name = revisions.free_name(each.name, taken)
        key = clones.key(head, files, target, each.outcome)
        options = tuple(each.options)
        progress = Progress(each, Experiment(name, head, files, options, target, each.about, key))
        experiments.append(progress)
        if plan.is_in_workspace(each, dataset):
            progress.result = revisions.WORKSPACE
            say(
                _("{name} ({about}): the workspace has its results").format(
                    name=each.name, about=each.about
                )
            )
        elif there := plan.finished(each, dataset, head):
            progress.result = there
            say(
                _("{name} ({about}): already finished as experiment {there}").format(
                    name=each.name, about=each.about, there=there
                )
            )
        else:
            say(_("{name} ({about}): queued").format(name=name, about=each.about))
    return experiments


def counts(experiments: Sequence[Progress]) -> str:
    """The number of experiments in each state, in one line."""
    states = [
        DONE if each.result else FAILED if each.why else each.state for each in experiments
    ]  # fmt: skip
    return _("{queued} queued, {running} running, {done} done, {failed} failed").format(
        queued=states.count(QUEUED),
        running=states.count(RUNNING),
        done=states.count(DONE),
        failed=states.count(FAILED),
    )
