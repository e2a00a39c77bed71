"""Requests from outside to end a run: Ctrl-C, SIGTERM, a closed terminal."""

import signal
from types import FrameType
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated

# Within a compiled function MindSpore turns Ctrl-C (SIGINT) into SIGTERM.
_REASONS = {
    "SIGINT": marked("Ctrl-C"),
    "SIGTERM": marked("SIGTERM or Ctrl-C"),
    "SIGHUP": marked("the end of its terminal (SIGHUP)"),
    "SIGBREAK": marked("the end of its window, or Ctrl-Break"),
}
# Each system has SIGHUP or SIGBREAK.
_ASKED = {
    signal.Signals[name]: reason
    for name, reason in _REASONS.items()
    if name in signal.Signals.__members__
}


class Stopped(UserError):
    """The run has ended on request. The exit code is that of the signal, as in a shell."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.code = 128 + number


class Stops:
    """Notes the first request to end, so that the run can save before it ends.

    Use it as a context manager. In the block the first signal is noted, and a second one
    interrupts at once. A signal that was ignored before, as under nohup, is still ignored.
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
        """The signal that was noted; SIGTERM if another process of the group was asked."""
        return self._noted or signal.SIGTERM

    def error(self, message: str, **values: Any) -> Stopped:
        """The error to raise: `message` with these values, and {reason}: what stopped the run."""
        reason = _("a signal to another of its workers")
        if self._noted:
            reason = translated(_ASKED[self._noted])
        return Stopped(message.format(reason=reason, **values), self.number)

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
