"""The progress of a training run on the terminal."""

import sys
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from stages.gan.common.language import _


class ProgressBar:
    """Shows losses, steps per second and time left; without a terminal, one line per epoch.

    Parameters
    ----------
    total : int
        Steps of the run.
    lecture_log : bool
        Whether to print the lecture's line instead of this project's.

    Use it as a context manager; the bar is on the screen within the block.
    """

    def __init__(self, total: int, lecture_log: bool) -> None:
        self._total = total
        self._lecture_log = lecture_log
        self._began = time.monotonic()
        self._earlier = 0
        self._done = 0

    def __enter__(self) -> "ProgressBar":
        self._bar = tqdm(total=self._total, unit="step", disable=not sys.stderr.isatty())
        return self

    def __exit__(self, *_exception) -> None:
        self._bar.close()

    def begin_at(self, done: int) -> None:
        """Count the steps that an earlier process took."""
        self._earlier = done
        self._bar.initial = done
        self._bar.n = done

    def advance(self, measures: NDArray[np.float32]) -> None:
        """Count one step and show its losses, the first two of its measures."""
        self._done += 1
        if self._done == 1:  # the first step compiles, so it is left out of the rate
            self._began = time.monotonic()
        self._bar.set_postfix_str(f"loss d {measures[0]:.3f} g {measures[1]:.3f}", refresh=False)
        self._bar.update()

    def finish_epoch(self, number: int, means: Mapping[str, float]) -> None:
        """Print a line about a finished epoch."""
        d_loss, g_loss = means["discriminator_loss"], means["generator_loss"]
        if self._lecture_log:
            self.say(lecture_line(d_loss, g_loss))
            return
        seconds = time.monotonic() - self._began
        rate = (self._done - 1) / seconds if seconds > 0 and self._done > 1 else 0.0
        left = (self._total - self._earlier - self._done) / rate if rate else 0.0
        self.say(
            _(
                "epoch {number}: loss d {d_loss:.4f} g {g_loss:.4f}, D(x) {real:.3f}, "
                "D(G(z)) {fake:.3f}; {rate:.2f} steps/s, {left:.0f} s left"
            ).format(
                number=number,
                d_loss=d_loss,
                g_loss=g_loss,
                real=means["real_probability"],
                fake=means["fake_probability"],
                rate=rate,
                left=left,
            )
        )

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        tqdm.write(message)
        sys.stdout.flush()


def lecture_line(discriminator_loss: float, generator_loss: float) -> str:
    """The losses as the lecture prints them: the discriminator's sum is halved.

    Examples
    --------
    >>> lecture_line(27.631021, -0.0)
    'loss d:13.815511, loss g:-0.000000'
    """
    return f"loss d:{discriminator_loss / 2:.6f}, loss g:{generator_loss:.6f}"
