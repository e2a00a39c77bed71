"""Ends of a run that are asked for from outside: Ctrl-C, SIGTERM, a closed terminal."""

import signal
from types import FrameType
from typing import Any

from stages.gan.common.errors import UserError

# Within a compiled function MindSpore turns the one into the other.
_ASKED = {
    signal.SIGINT: "Ctrl-C",
    signal.SIGTERM: "SIGTERM or Ctrl-C",
    signal.SIGHUP: "the end of its terminal (SIGHUP)",
}


class Stopped(UserError):
    """The run was asked to end and did; the exit code is that of the signal, as in a shell."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.code = 128 + number


class Stops:
    """Notes the first request to end, so that work can be brought to a good end.

    It is a context. Within it the first signal is noted; a second one, of who cannot wait,
    interrupts at once. A signal that was ignored before, as under nohup, still is.
    """

    def __init__(self) -> None:
        self._noted: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether the run was asked to end."""
        return self._noted is not None

    @property
    def number(self) -> signal.Signals:
        """The signal that asked; SIGTERM where another process of a group was asked."""
        return self._noted or signal.SIGTERM

    def error(self, message: str) -> Stopped:
        """What to raise then; `message` says by what it was stopped where it holds {reason}."""
        reason = _ASKED[self._noted] if self._noted else "a signal to another of its workers"
        return Stopped(message.format(reason=reason), self.number)

    def __enter__(self) -> "Stops":
        for number in _ASKED:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_exception) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._noted is not None:
            raise KeyboardInterrupt
        self._noted = signal.Signals(number)
