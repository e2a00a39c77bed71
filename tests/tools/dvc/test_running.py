"""DVC's list of what is running is removed if it is cut off, and at no other time."""

import subprocess
import sys

import pytest

from stages.tools.dvc import running
from tests.helpers.data import message_of


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """DVC's list, in a folder of DVC's that is the working directory."""
    monkeypatch.chdir(tmp_path)
    running.FILE.parent.mkdir(parents=True)
    return running.FILE


def test_one_that_is_whole_or_not_there_is_left(listed):
    assert not running.remove_if_cut_off()
    listed.write_text("{}")
    assert not running.remove_if_cut_off()
    assert listed.read_text() == "{}"


@pytest.mark.parametrize("content", ["", '{"write": {', "[]"])
def test_one_that_is_cut_off_is_removed(listed, content):
    listed.write_text(content)
    assert running.remove_if_cut_off()
    assert not listed.exists()


# As DVC holds it while it writes the list.
_HOLD = """
import sys
from dvc.lock import make_lock
from dvc.rwlock import RWLOCK_LOCK

with make_lock(f".dvc/tmp/{RWLOCK_LOCK}", tmp_dir=".dvc/tmp"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_that_a_dvc_is_writing_is_left(listed):
    listed.write_text("")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as dvc:
        assert dvc.stdout.readline() == b"held\n"
        assert "another DVC process is writing .dvc/tmp/rwlock: try again" in message_of(
            running.remove_if_cut_off
        )
        dvc.stdin.close()
    assert listed.exists()
