"""Looking at a run after every step: measure, ask for a verdict, stop what cannot recover."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import as_yaml
from stages.gan.trained import grids
from stages.gan.trained.sampling import generate
from stages.gan.training.assembly import Setup
from stages.gan.training.history import History
from stages.gan.training.loop import means
from stages.gan.training.progress import ProgressBar, lecture_line
from stages.gan.training.step.measures import MEASURES, DiversityMeter
from stages.gan.training.watch.diagnosis import Diagnosis
from stages.gan.training.watch.verdicts import Verdict


class Failed(UserError):
    """The run cannot recover, and the params ask to stop then."""


class Supervisor:
    """Watches one run.

    Parameters
    ----------
    setup : Setup
        The images of its fixed latent codes are compared and shown, real images are shown beside
        them on the page about a failure.
    history : History
        To which every step is added.
    diagnosis : Diagnosis
    bar : ProgressBar
    write_page : callable
        Writes the page about a failure and returns its path; takes what
        `pages.failure.write_page` takes. It is handed in so that training needs no page.
    """

    def __init__(
        self,
        setup: Setup,
        history: History,
        diagnosis: Diagnosis,
        bar: ProgressBar,
        write_page: Callable[..., str],
    ) -> None:
        self._setup = setup
        self._history = history
        self._diagnosis = diagnosis
        self._bar = bar
        self._write_page = write_page
        self._meter = DiversityMeter(setup.players.generator, setup.codes)
        self._told: list[Verdict] = []

    def look(self, step: int, row: NDArray[np.float32]) -> None:
        """Complete a step's row of MEASURES, keep it, and tell if the run has failed.

        Raises
        ------
        Failed
            If it has, and the params ask to stop then.
        """
        row[MEASURES.index("diversity")] = self._meter.look(step)
        self._history.add_step(step, row)
        self._bar.advance(row)
        verdict = self._diagnosis.failure(self._history)
        if verdict is None or verdict.name in {told.name for told in self._told}:
            return
        self._told.append(verdict)
        self._tell(verdict)
        page = self._page_about(verdict)
        if self._setup.params.train.on_failure == "stop":
            raise Failed(
                f"{self._setup.dataset}: training was stopped at step {step}, as it cannot recover "
                f"({verdict.name}): {page} shows what was seen and what to change; "
                f"{self._setup.dataset}.train.on_failure=warn would go on"
            )

    def state(self) -> dict[str, Any]:
        """What it remembers beside the history, as JSON values."""
        return {
            "told": [verdict.to_json() for verdict in self._told],
            "last_look": self._meter.last.hex(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self._told = [Verdict.from_json(verdict) for verdict in state["told"]]
        self._meter.last = float.fromhex(state["last_look"])

    def conclude(self) -> dict[str, Any]:
        """Tell the verdict on the run that came to its end, and give it as JSON values.

        `earlier` holds the verdicts that were told on the way, `levels` where the curves of both
        losses would be at equilibrium.
        """
        verdict = self._diagnosis.conclusion(self._history)
        self._tell(verdict)
        return {
            **verdict.to_json(),
            "earlier": [told.to_json() for told in self._told],
            "levels": self._diagnosis.levels,
        }

    def _tell(self, verdict: Verdict) -> None:
        if verdict.fatal and self._setup.params.train.lecture_log:
            # The steps since then may be fewer than an epoch, after which it is printed else.
            losses = means(self._history.recent(verdict.step - verdict.since + 1))
            self._bar.say(lecture_line(losses[0], losses[1]))
        self._bar.say(f"verdict: {verdict.name}")
        self._bar.say(f"  seen: {verdict.seen}")
        self._bar.say(f"  this means: {verdict.meaning}")
        for change in verdict.changes:
            self._bar.say(
                f"  to change: {self._setup.dataset}.{change.param} to "
                f"{as_yaml(change.value)}, {change.why}"
            )

    def _page_about(self, verdict: Verdict) -> str:
        setup = self._setup
        setup.players.refresh()
        shown = np.arange(min(len(setup.codes), len(setup.data)))
        return self._write_page(
            setup.dataset,
            setup.params,
            verdict,
            self._history.downsampled(),
            self._diagnosis.levels,
            self._diagnosis.real.diversity,
            grids.grid(generate(setup.players.shown, setup.codes)),
            grids.grid(setup.data.batch(shown)),
        )
