import os
import signal
import subprocess
import sys
import time

import pytest

from stages.tools.collapse.child_process import run_module
from tests.helpers.project import ROOT

# A module that takes its time to end, and one that starts it.
SLOW = """
import pathlib, signal, sys, time
def end(number, frame):
    time.sleep(1)
    pathlib.Path("saved").touch()
    sys.exit(3)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
print("at work", flush=True)
time.sleep(60)
"""
STARTS = """
from pathlib import Path
from stages.tools.collapse.child_process import run_module
from stages.command import guarded
guarded(lambda: run_module(Path.cwd(), "slow"))
"""


def test_it_runs_in_the_folder_and_gives_the_exit_code(tmp_path):
    (tmp_path / "mine.py").write_text("import sys; open('here', 'w'); sys.exit(int(sys.argv[1]))")
    assert run_module(tmp_path, "mine", "7") == 7
    assert run_module(tmp_path, "mine", "0") == 0
    assert (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("number", "everyone", "code"), [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 143)]
)
def test_what_it_runs_has_the_time_to_save(tmp_path, number, everyone, code):
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "-c", STARTS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "at work\n"
    time.sleep(0.2)
    (os.killpg if everyone else os.kill)(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == code
    assert (tmp_path / "saved").exists()
