import os
from dataclasses import replace
from pathlib import Path

import pytest

from stages import queued
from stages.queued import Entry

COMMAND = "python -m stages.train mnist"
KILLED = f"""Running stage 'train@mnist':
> {COMMAND}
epoch 3: loss d 1.2 g 0.7\r
ERROR: failed to reproduce 'train@mnist': failed to run: {COMMAND}, exited with {{}}
"""
TOLD = f"""> {COMMAND}
verdict: discriminator won
verdict: diverged
error: mnist: training was stopped at step 60, as it cannot recover
{KILLED.format(1)}"""
DVC_ENDED = "epoch 3: loss\nerror: stopped by SIGTERM after step 9, and saved\n"


def entry(log: Path, **changes) -> Entry:
    """An entry that runs, or ran."""
    made = Entry("mine", "a" * 40, "b" * 40, queued.RUNNING, None, log, None, None)
    return replace(made, **changes)


@pytest.fixture
def after(tmp_path):
    """An entry whose stages have printed a text."""

    def make(text):
        (tmp_path / "log").write_text(text)
        return entry(tmp_path / "log")

    return make


@pytest.mark.parametrize("code", [-9, -15, 137, 143])
def test_a_stage_that_was_killed_says_nothing_of_its_params(after, code):
    assert after(KILLED.format(code)).was_killed


@pytest.mark.parametrize("code", [1, 2, 13, 100])
def test_a_stage_that_has_ended_by_itself_was_not_killed(after, code):
    assert not after(KILLED.format(code)).was_killed


def test_where_dvc_itself_was_killed_nobody_is_left_to_tell(after):
    assert after(DVC_ENDED).was_killed
    assert after("").was_killed


def test_what_a_failed_one_has_told(after):
    failed = after(TOLD)
    assert not failed.was_killed
    assert failed.verdict() == "diverged"
    assert failed.reason() == "mnist: training was stopped at step 60, as it cannot recover"
    assert failed.last_line().endswith("exited with 1")


def test_one_that_has_not_begun_has_told_nothing(tmp_path):
    none = entry(tmp_path / "none")
    assert (none.verdict(), none.last_line()) == ("", "")
    assert none.reason() == "it left no word why"


def test_the_last_line_is_what_a_terminal_would_show(after):
    assert after("a\n\nepoch 1\repoch 2\r\n").last_line() == "epoch 2"


def test_a_number_that_another_process_has_now_is_not_taken_for_it(tmp_path):
    other = entry(tmp_path / "log", process=os.getpid())
    assert queued.has_worker(other) is None
    queued.end(other)  # or this process would end here
