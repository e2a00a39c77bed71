"""Watches a run after every step: measures it, reports verdicts, stops a run that failed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, translated
from stages.gan.common.yaml_files import as_yaml
from stages.gan.trained import grids
from stages.gan.trained.sampling import generate
from stages.gan.training.history import History
from stages.gan.training.loop import means
from stages.gan.training.preparation import Setup
from stages.gan.training.progress import ProgressBar, lecture_line
from stages.gan.training.watch import sentences
from stages.gan.training.watch.diagnosis import Diagnosis
from stages.gan.training.watch.verdicts import LINE, Verdict
from stages.gan.training.watch.watch import Watch


class Failed(UserError):
    """The run cannot recover, and `on_failure` is stop."""


class Supervisor:
    """Watches one run.

    Parameters
    ----------
    setup : Setup
        The images of its fixed latent codes are measured. The page about a failure shows them
        beside real images.
    history : History
        Every step is added to it.
    diagnosis : Diagnosis
    bar : ProgressBar
    write_page : callable
        Writes the page about a failure and returns its path: `pages.failure.write_page`. It is a
        parameter, so that training does not import the pages.
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
        self._watch = Watch(setup.players, setup.codes, history, diagnosis)
        self._bar = bar
        self._write_page = write_page
        self._reported: list[Verdict] = []

    def begin(self) -> None:
        """Report the verdict on the real images, if there is one. Call it before the first step."""
        if verdict := self._watch.diagnosis.of_data():
            self._report(verdict)

    def look(self, step: int, row: NDArray[np.float32]) -> None:
        """Complete a step's row of MEASURES, add it to the history, and report a failure.

        Raises
        ------
        Failed
            If the run has failed, and `on_failure` is stop.
        """
        verdict = self._watch.look(step, row)
        self._bar.advance(row)
        if verdict is None or verdict.name in {earlier.name for earlier in self._reported}:
            return
        self._reported.append(verdict)
        self._report(verdict)
        page = self._page_about(verdict)
        if self._setup.params.train.on_failure == "stop":
            raise Failed(
                _(
                    "{dataset}: training was stopped at step {step}, because it cannot "
                    "recover ({verdict}): {page} shows what was seen and what to change. "
                    "With {dataset}.train.on_failure=warn training continues"
                ).format(
                    dataset=self._setup.dataset,
                    step=step,
                    verdict=translated(verdict.name),
                    page=page,
                )
            )

    @property
    def failures(self) -> int:
        """How many failures have been reported."""
        return len(self._reported)

    def state(self) -> dict[str, Any]:
        """The supervisor's state (without the history) as JSON values."""
        return {
            "told": [verdict.to_json() for verdict in self._reported],
            "last_look": self._watch.meter.last.hex(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._reported = [Verdict.from_json(verdict) for verdict in state["told"]]
        self._watch.meter.last = float.fromhex(state["last_look"])

    def conclude(self) -> dict[str, Any]:
        """Report the verdict on the finished run, and return it as JSON values.

        `earlier` holds the verdicts that were reported during the run, `levels` the heights of
        both losses at equilibrium.
        """
        verdict = self._watch.conclusion()
        self._report(verdict)
        return {
            **verdict.to_json(),
            "earlier": [earlier.to_json() for earlier in self._reported],
            "levels": self._watch.diagnosis.levels,
        }

    def _report(self, verdict: Verdict) -> None:
        if verdict.fatal and self._setup.params.train.lecture_log:
            # Otherwise this line is printed after an epoch, and this epoch may never be finished.
            losses = means(self._watch.history.recent(verdict.step - verdict.since + 1))
            self._bar.say(lecture_line(losses[0], losses[1]))
        told = sentences.verdict(verdict.to_json())
        self._bar.say(translated(LINE).format(name=told["name"]))
        self._bar.say(_("  seen: {seen}").format(seen=told["seen"]))
        self._bar.say(_("  this means: {meaning}").format(meaning=told["meaning"]))
        for change in told["changes"]:
            self._bar.say(
                _("  to change: {dataset}.{param} to {value}, {why}").format(
                    dataset=self._setup.dataset,
                    param=change["param"],
                    value=as_yaml(change["value"]),
                    why=change["why"],
                )
            )

    def _page_about(self, verdict: Verdict) -> str:
        setup = self._setup
        setup.players.refresh()
        shown = np.arange(min(len(setup.codes), len(setup.data)))
        return self._write_page(
            setup.dataset,
            setup.params,
            verdict,
            self._watch.history.downsampled(),
            self._watch.diagnosis.levels,
            self._watch.diagnosis.real.diversity,
            grids.grid(generate(setup.players.shown, setup.codes)),
            grids.grid(setup.data.batch(shown)),
        )
