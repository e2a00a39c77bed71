import os
import signal

import pytest

from stages.gan.training.processes.stops import Stops


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "terminal")],
)
def test_a_request_is_noted(number, reason):
    before = signal.getsignal(number)
    with Stops() as stops:
        assert not stops.requested
        os.kill(os.getpid(), number)
        assert stops.requested
    assert signal.getsignal(number) is before
    error = stops.error("stopped by {reason}, and saved")
    assert reason in str(error)
    assert error.code == 128 + number


def test_who_asks_twice_cannot_wait():
    with Stops() as stops:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert stops.requested


def test_what_was_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stops() as stops:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stops.requested
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_another_process_was_asked_is_told_so():
    with Stops() as stops:
        error = stops.error("stopped by {reason}, and saved")
    assert str(error) == "stopped by a signal to another of its workers, and saved"
    assert error.code == 128 + signal.SIGTERM
