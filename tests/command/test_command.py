import importlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages import command
from stages.gan.common.errors import UserError
from tests.helpers.data import write_params
from tests.helpers.project import ROOT


@pytest.fixture
def ended(capsys):
    """The exit code and stderr of a command that raises."""

    def of(error):
        def main():
            raise error

        with pytest.raises(SystemExit) as caught:
            command.guarded(main)
        return caught.value.code, capsys.readouterr().err

    return of


def test_user_error_is_one_line_and_exit_code_1(ended):
    assert ended(UserError("epochs is 0")) == (1, "error: epochs is 0\n")


def test_line_breaks_of_a_user_error_are_removed(ended):
    assert ended(UserError("a\n  b\r\nc")) == (1, "error: a b c\n")


def test_interruption_ends_with_130(ended):
    assert ended(KeyboardInterrupt()) == (130, "error: interrupted\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "data/x"), "data/x: Permission denied"),
        (OSError(30, "Read-only file system", "data"), "data: Read-only file system"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (IsADirectoryError(21, "Is a directory", Path("a")), "a: Is a directory"),
    ],
)
def test_trouble_with_the_disk_is_one_line(ended, error, line):
    assert ended(error) == (1, f"error: {line}\n")


def test_lack_of_memory_names_what_helps(ended):
    code, line = ended(MemoryError())
    assert code == 1
    assert "batch_size" in line


@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError, OSError, AssertionError])
def test_faults_of_this_project_keep_their_traceback(capsys, kind):
    def main():
        raise kind("ours")

    with pytest.raises(kind, match="ours"):
        command.guarded(main)
    assert capsys.readouterr().err == ""


def test_command_that_works_just_ends(capsys):
    command.guarded(lambda: command.say("done"))
    assert capsys.readouterr() == ("done\n", "")


def test_garbage_is_searched_again_after_the_imports():
    """The package's own file stops it in the process of a command."""
    code = (
        "import sys; sys.orig_argv[1:] = ['-m', 'stages.train']; import gc; import stages; "
        "stopped = not gc.isenabled(); from stages import command; "
        "command.guarded(lambda: print(stopped, gc.isenabled(), gc.get_freeze_count() > 1000))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True True True\n"


def test_garbage_is_searched_in_a_program_that_imports_the_stages():
    code = "import gc, stages.command; print(gc.isenabled(), gc.get_freeze_count())"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True 0\n"


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Run a stage with some arguments in a folder that has a params.yaml."""
    write_params(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["stage", *arguments])
        seen = []
        command.run_stage(lambda name, params: seen.append((name, params)))
        return seen

    return run


def test_stage_gets_the_data_set_and_its_params(stage):
    ((name, params),) = stage("faces")
    assert name == "faces"
    assert params.kind.network == "dcgan"


def test_stage_refuses_an_unknown_data_set(stage, capsys):
    with pytest.raises(SystemExit) as caught:
        stage("face")
    assert caught.value.code == 1
    assert "no data set 'face', did you mean faces?" in capsys.readouterr().err


def test_stage_outside_the_project_says_where_to_run(stage, tmp_path, capsys):
    (tmp_path / "params.yaml").unlink()
    with pytest.raises(SystemExit):
        stage("faces")
    expected = "error: params.yaml is not here: run this from the project's folder\n"
    assert capsys.readouterr().err == expected


def test_stage_without_a_data_set_explains_itself(stage, capsys):
    with pytest.raises(SystemExit) as caught:
        stage()
    assert caught.value.code == 2
    assert "dataset" in capsys.readouterr().err


def test_real_stage_ends_in_one_line(tmp_path):
    write_params(tmp_path, mnist__train__epochs="many")
    ended = subprocess.run(
        [sys.executable, "-m", "stages.download", "mnist"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        "error: params.yaml: mnist.train.epochs is 'many': "
        "valid is a whole number from 1 to 100000\n"
    )


def test_name_that_the_terminal_does_not_know_is_shown_nevertheless():
    program = "from stages.command import *; guarded(lambda: say('\\u9854.png'))"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "\\u9854.png\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_output_to_a_full_disk_is_one_line():
    program = "from stages.command import *; guarded(lambda: say('done'))"
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (ended.returncode, ended.stderr) == (1, "error: No space left on device\n")


def test_closed_pipe_is_no_error(tmp_path):
    program = "from stages.command import *; guarded(lambda: [say('x' * 99) for _ in range(9999)])"
    ended = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{program}" | head -1; exit "${{PIPESTATUS[0]}}"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 141
    assert ended.stderr == ""


# Stands in the place of a module that the commands import, and takes its time.
SLOW = "import time; print('importing', flush=True); time.sleep(1); Process = object"
WORK = """
import time
from pathlib import Path
from stages.command import guarded
from stages.gan.common.files import whole_folder
def main():
    with whole_folder(Path("out")) as folder:
        print("working", flush=True)
        time.sleep(60)
guarded(main)
"""
# As a module that is imported late and has a namedtuple.
COMPILED = """
from stages.command import guarded
guarded(lambda: exec("import time; print('working', flush=True); time.sleep(60)"))
"""

# The signal comes while this module is imported, after the command has begun.
LATE = """
import time
from pathlib import Path
print('working', flush=True)
time.sleep(1)
Path('imported').touch()
"""
IMPORTS = """
import time
from stages.command import guarded
def main():
    import late
    time.sleep(60)
guarded(main)
"""


def asked_to_end(tmp_path, number: signal.Signals, *words: str):
    """Start Python, send it a signal as soon as it says something, and give how it ended."""
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(number)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()  # one that heard nothing would be blamed on a later test
    return process.returncode, told


ENDS = [
    (signal.SIGINT, 130, "error: interrupted\n"),
    (signal.SIGTERM, 143, "error: ended by SIGTERM\n"),
    (signal.SIGHUP, 129, "error: ended by SIGHUP\n"),
]


@pytest.mark.parametrize(("number", "code", "line"), ENDS)
def test_a_signal_while_modules_are_imported_is_one_line(tmp_path, number, code, line):
    (tmp_path / "psutil.py").write_text(SLOW)
    assert asked_to_end(tmp_path, number, "-m", "stages.download", "mnist") == (code, line)


@pytest.mark.parametrize(("number", "code", "line"), ENDS)
def test_a_signal_in_code_compiled_from_text_is_one_line(tmp_path, number, code, line):
    (tmp_path / "tool.py").write_text(COMPILED)
    assert asked_to_end(tmp_path, number, "-m", "tool") == (code, line)


@pytest.mark.parametrize(("number", "code", "line"), ENDS)
def test_a_signal_leaves_nothing_half_made(tmp_path, number, code, line):
    assert asked_to_end(tmp_path, number, "-c", WORK) == (code, line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code", "line"), ENDS)
def test_a_signal_waits_for_the_end_of_an_import(tmp_path, number, code, line):
    (tmp_path / "late.py").write_text(LATE)
    assert asked_to_end(tmp_path, number, "-c", IMPORTS) == (code, line)
    assert (tmp_path / "imported").exists()


def imported_and_waited(name: str) -> None:
    """Import a module and let a signal in; nothing wakes a longer sleep there."""
    importlib.import_module(name)
    for _ in range(1000):
        time.sleep(0.01)


def test_a_signal_waits_for_an_import_where_none_is_sent_to_a_thread(tmp_path, monkeypatch):
    monkeypatch.delattr(signal, "pthread_kill", raising=False)  # as on Windows
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(command, "_IMPORTING", 0.01)
    name = f"late_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import os, signal, sys, time\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(0.1)\n"
        "sys.imported_late = True\n"
    )
    monkeypatch.setattr(sys, "imported_late", False, raising=False)
    before = signal.signal(signal.SIGTERM, command._interrupt)
    try:
        with pytest.raises(command._Ended):
            imported_and_waited(name)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert sys.imported_late


def test_every_command_lets_the_signals_in():
    for file in (ROOT / "stages").rglob("*.py"):
        text = file.read_text()
        if '__name__ == "__main__"' in text:
            # `attached` becomes DVC, whose own way with signals counts: it only lets them in.
            entry = (
                r"signal\.pthread_sigmask\(signal\.SIG_UNBLOCK"
                if file.stem == "attached"
                else (r"(guarded|run_stage)\(")
            )
            assert re.search(rf"^ +{entry}", text, re.MULTILINE), file
