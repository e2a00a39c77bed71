"""What is measured and judged after each step of a run; `supervisor` says what comes of it."""

import numpy as np
from numpy.typing import NDArray

from stages.gan.data.prepared import Split
from stages.gan.params import Train
from stages.gan.training.assembly import Assembly
from stages.gan.training.history import History
from stages.gan.training.step.measures import MEASURES, DiversityMeter
from stages.gan.training.watch import diagnosis
from stages.gan.training.watch.verdicts import Verdict
from stages.gan.training.watch.weights import Weights


class Watch:
    """Completes and keeps each step's row of MEASURES, and looks for a failure.

    Parameters
    ----------
    players : Assembly
    codes : (N, latent_size)
        The fixed latent codes; how much their images differ is measured.
    history : History
        Every step is added to it.
    judge : Diagnosis
    """

    def __init__(
        self,
        players: Assembly,
        codes: NDArray[np.float32],
        history: History,
        judge: diagnosis.Diagnosis,
    ) -> None:
        self.history = history
        self.diagnosis = judge
        self.meter = DiversityMeter(players.generator, codes)
        self._weights = Weights(players)

    def look(self, step: int, row: NDArray[np.float32]) -> Verdict | None:
        """The verdict on a run that failed, after a step; None while none is seen."""
        row[MEASURES.index("diversity")] = self.meter.look(step)
        self.history.add_step(step, row)
        return self.diagnosis.failure(self.history, self._weights.look(step))

    def conclusion(self) -> Verdict:
        """The verdict on the finished run."""
        return self.diagnosis.conclusion(self.history, self._weights.broken())


def begun(settings: Train, data: Split, players: Assembly, codes: NDArray[np.float32]) -> Watch:
    """The watch of a run before its first step."""
    return Watch(players, codes, History(), diagnosis.of_run(settings, data, players.generator))
