import sys

import pytest

from stages.gan.common.errors import UserError
from stages.tools.dvc import commands
from stages.tools.dvc.commands import dvc


def test_a_command_gives_what_it_prints_and_a_failure_is_told_in_dvcs_words(tmp_path):
    assert dvc("--version", folder=tmp_path)[0].isdigit()
    with pytest.raises(UserError, match="`dvc status` failed: you are not inside of a DVC repo"):
        dvc("status", folder=tmp_path)


def test_what_a_command_prints_is_read_as_it_was_written_in_every_locale(tmp_path, monkeypatch):
    # As on a system whose own encoding is another one; a path may be no text at all.
    program = "import os, sys; print(os.fsdecode(b'\\xe6\\x95\\xb0/\\xff'), sys.stdout.encoding)"
    monkeypatch.setattr(commands, "ATTACHED", (sys.executable, "-c", program))
    monkeypatch.setenv("PYTHONIOENCODING", "gbk")
    assert dvc("cache", "dir", folder=tmp_path) == "数/\udcff utf-8\n"
