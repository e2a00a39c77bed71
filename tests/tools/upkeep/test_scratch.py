import re
import subprocess
import sys

import pytest

from stages.gan.common import unfinished
from stages.gan.common.locks import lock

ROOT = ".scratch"


@pytest.fixture
def run(tmp_path):
    """Runs the command in a folder with two unfinished runs."""
    for dataset, name in (("mnist", "a" * 64), ("faces", "b" * 64)):
        folder = tmp_path / ROOT / dataset / name[:16]
        folder.mkdir(parents=True)
        (folder / "lock").touch()
        unfinished.Run(folder).state(1234).write_bytes(b"x" * 3_000_000)

    def command(*arguments: str):
        words = [sys.executable, "-m", "stages", "scratch", *arguments]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)

    return command


def test_it_lists_what_is_saved(run, tmp_path):
    lines = run().stdout.splitlines()
    assert len(lines) == 2
    line = next(line for line in lines if line.startswith("mnist"))
    assert re.match(
        "mnist  a{16}  step 1,234  3.0 MB  last used 20.*  resumes when it is started again$", line
    )
    with lock(tmp_path / ROOT / "mnist" / ("a" * 16) / "lock", "the run"):
        assert "running" in run("list", "mnist").stdout


@pytest.mark.parametrize("name", ["mnist", "a" * 16])
def test_it_clears_what_is_named(run, tmp_path, name):
    assert "3.0 MB freed" in run("clear", name).stdout
    assert [r.dataset for r in unfinished.runs(tmp_path / ROOT)] == ["faces"]


def test_it_clears_all_but_what_is_running(run, tmp_path):
    with lock(tmp_path / ROOT / "mnist" / ("a" * 16) / "lock", "the run"):
        output = run("clear").stdout
    assert f"removed faces  {'b' * 16}" in output
    assert f"kept mnist  {'a' * 16}: it is running" in output
    assert [r.dataset for r in unfinished.runs(tmp_path / ROOT)] == ["mnist"]


def test_an_unknown_name_is_told_with_the_known_ones(run):
    result = run("clear", "mnits")
    assert result.returncode == 1
    assert result.stderr.startswith("error: no unfinished run mnits: valid is ")
    assert "faces" in result.stderr


def test_where_nothing_is_saved(run):
    run("clear")
    assert run().stdout == "no unfinished runs\n"
    assert run("clear").stdout == "0.0 MB freed\n"
