"""Tests run commands as forks of a process that has imported MindSpore: they are as any other."""

import signal
import sys

import pytest

from tests.helpers.data import tree
from tests.helpers.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")

ABOUT = """
import os, sys
print(sys.argv, os.getcwd(), os.environ["COLOUR"], sys.stdin.read(), "mindspore" in sys.modules)
print("to stderr", file=sys.stderr)
sys.exit(7)
"""


@pytest.mark.parametrize("fork", [True, False])
def test_words_folder_variables_output_and_exit_code_are_those_of_a_process(tmp_path, fork):
    words = ("python", "-c", ABOUT, "a", "b c")
    done = Project(tmp_path).run(*words, check=False, fork=fork, COLOUR="red")
    expected = f"['-c', 'a', 'b c'] {tmp_path} red  {fork}\n"
    assert (done.returncode, done.stdout, done.stderr) == (7, expected, "to stderr\n")


@pytest.mark.parametrize("words", [(), ("bash", "-c", 'exec python -c "$0"')])
def test_a_signal_that_ends_it_is_told(tmp_path, words):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = Project(tmp_path).run(*(words or ("python", "-c")), code, check=False)
    assert done.returncode == -signal.SIGKILL


def test_modules_are_those_of_its_own_folder(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "stages").mkdir(parents=True)
        (tmp_path / name / "stages/__init__.py").write_text("")
        (tmp_path / name / "stages/tell.py").write_text(f"print({name!r}, __name__)")
        done = Project(tmp_path / name).run("python", "-m", "stages.tell")
        assert done.stdout == f"{name} __main__\n"


def test_what_a_library_reads_when_it_is_loaded_makes_it_a_usual_process(tmp_path):
    code = "import sys; print('mindspore' in sys.modules)"
    project = Project(tmp_path)
    assert project.run("python", "-c", code).stdout == "True\n"
    assert project.run("python", "-c", code, OMP_NUM_THREADS="1").stdout == "False\n"


def test_a_shell_finds_them_too(tmp_path):
    script = "python -c 'import sys; print(\"mindspore\" in sys.modules, sys.argv[1:])' 'x  y'"
    assert Project(tmp_path).run("bash", "-c", script).stdout == "True ['x  y']\n"


@pytest.mark.pipeline
def test_a_stage_computes_the_same_bytes(project):
    for stage in ("download", "preprocess"):
        project.stage(stage, "mnist")
    left = []
    for fork in (True, False):
        project.run("python", "-m", "stages.train", "mnist", fork=fork)
        left.append({name: tree(project.folder / name) for name in ("models", "metrics")})
    assert left[0] == left[1]
    assert left[0]["models"]
