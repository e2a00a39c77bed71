import os

import pytest

from stages.gan.common import language
from stages.gan.common.errors import UserError
from stages.tools.dvc import queue
from tests.helpers.processes.queue import DVC_ENDED, KILLED, TOLD, entry


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
    assert failed.reason() == "mnist: training was stopped at step 60, because it cannot recover"
    assert failed.last_line().endswith("exited with 1")


def test_one_that_has_not_begun_has_told_nothing(tmp_path):
    none = entry(tmp_path / "none")
    assert (none.verdict(), none.last_line()) == ("", "")
    assert none.reason() == "its log has no error message"
    assert not none.has_begun
    assert not none.was_killed


def test_the_last_line_is_what_a_terminal_would_show(after):
    assert after("a\n\nepoch 1\repoch 2\r\n").last_line() == "epoch 2"


def test_a_number_that_another_process_has_now_is_not_taken_for_it(tmp_path):
    other = entry(tmp_path / "log", process=os.getpid())
    assert queue.has_worker(other) is None
    queue.end(other)  # or this process would end here


def refuse(*words):
    raise UserError(f"`dvc {' '.join(words[:2])}` failed")


@pytest.mark.parametrize("state", [queue.QUEUED, queue.RUNNING, queue.FAILED])
def test_an_entry_that_has_left_the_queue_meanwhile_is_discarded(tmp_path, monkeypatch, state):
    monkeypatch.setattr(queue, "_dvc", refuse)
    monkeypatch.setattr(queue, "look", list)
    folder = tmp_path / "folder"
    folder.mkdir()
    queue.discard(entry(tmp_path / "log", state=state, folder=folder))
    assert not folder.exists()


def test_an_entry_that_cannot_be_removed_is_an_error(tmp_path, monkeypatch):
    there = entry(tmp_path / "log", state=queue.FAILED)
    monkeypatch.setattr(queue, "_dvc", refuse)
    monkeypatch.setattr(queue, "look", lambda: [there])
    with pytest.raises(UserError, match="dvc queue remove"):
        queue.discard(there)


def test_a_log_is_understood_in_each_language(after):
    told = "verdict: discriminator won\nverdict: diverged\nerror: it cannot recover\n"
    for before, now in (
        ("verdict: ", "诊断："),
        ("diverged", language.editions("diverged")[1]),
        ("error: ", "错误："),
    ):
        told = told.replace(before, now)
    ended = after(told)
    assert ended.verdict() == "diverged"
    assert ended.reason() == "it cannot recover"
