import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from stages.gan.common.processes import is_alive
from stages.tools.dvc import attached
from tests.helpers.processes.kill import wait_until

# A parent that starts a child which ends with it.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
print(child.pid, flush=True)
child.wait()
"""
CHILD = """
import sys, time
from stages.tools.dvc.attached import end_with
end_with(int(sys.argv[1]))
print("attached", flush=True)
time.sleep(600)
"""


def test_it_ends_when_its_parent_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "attached\n"
        assert is_alive(child)
        parent.kill()
        wait_until(lambda: not is_alive(child))


# The second is in each process another one: a name in its place keeps the tests' names alike.
@pytest.mark.parametrize("number", [lambda: 0, os.getpid], ids=["none", "another"])
def test_a_number_that_is_not_its_parents_ends_it_at_once(number):
    # As if the parent had ended before: between them stands a shell that stays.
    command = f'"{sys.executable}" -c "$0" {number()}; echo "$?"'
    ended = subprocess.run(["sh", "-c", command, CHILD], capture_output=True, text=True)
    assert ended.stdout == "1\n"


def process(number: int, *words: str, parents=()) -> SimpleNamespace:
    return SimpleNamespace(pid=number, cmdline=lambda: list(words), parents=lambda: list(parents))


@pytest.mark.parametrize(("count", "number"), [(2, 7), (1, 7), (0, 0)])
def test_on_windows_a_launcher_stands_between_it_and_who_started_it(monkeypatch, count, number):
    words = ("-m", "stages.tools.dvc.attached", "7", "push")
    launcher = process(8, r".venv\Scripts\python.exe", *words)
    sweep = process(7, r"C:\Python\python.exe", "-m", "stages", "sweep", "beta1")
    parents = [[], [sweep], [launcher, sweep]][count]
    own = process(9, r"C:\Python\python.exe", *words, parents=parents)
    # Not the whole module's: pytest asks for the system, too.
    monkeypatch.setattr(attached, "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(attached.psutil, "Process", lambda: own)
    assert attached.starter() == number


def test_dvc_runs_and_its_exit_code_counts(tmp_path):
    words = [sys.executable, "-m", "stages.tools.dvc.attached", str(os.getpid())]
    assert subprocess.run([*words, "--version"], capture_output=True).returncode == 0
    refused = subprocess.run([*words, "cache", "nothing"], capture_output=True, text=True)
    assert refused.returncode == 254
    assert "Traceback" not in refused.stderr


def test_garbage_is_searched_again_when_dvc_runs():
    """The package's own file stops it in the process of a command."""
    code = (
        "import sys, types; sys.orig_argv[1:] = ['-m', 'stages.tools.dvc.attached']; import gc; "
        "from stages.tools.dvc import attached; stopped = not gc.isenabled(); "
        "dvc = types.ModuleType('dvc.cli'); sys.modules['dvc.cli'] = dvc; "
        "dvc.main = lambda arguments: print(stopped, gc.isenabled(), arguments); "
        "sys.argv[1:] = [str(__import__('os').getppid()), 'status']; attached.main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "True True ['status']\n"
