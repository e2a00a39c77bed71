import json
import re
import subprocess
import sys

import pytest

from stages.gan.common import unfinished
from stages.gan.common.files import md5
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


def test_a_finished_run_is_listed_until_dvc_lock_has_it(run, tmp_path):
    folder = tmp_path / ROOT / "mnist" / ("a" * 16)
    file = tmp_path / "out"
    file.write_text("out")
    (folder / "finished.json").write_text(json.dumps({"out": {"": md5(file)}}))
    assert "finished, but dvc.lock has not its results" in run("list", "mnist").stdout
    outs = [{"path": "out", "md5": md5(file)}]
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"train@mnist": {"outs": outs}}}))
    assert run("tidy").stdout == ""
    assert [r.dataset for r in unfinished.runs(tmp_path / ROOT)] == ["faces"]


def test_what_was_just_removed_may_be_named(run, tmp_path):
    folder = tmp_path / ROOT / "mnist" / ("a" * 16)
    (folder / "finished.json").write_text(json.dumps({"out": {"": "0"}}))
    outs = [{"path": "out", "md5": "0"}]
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"train@mnist": {"outs": outs}}}))
    result = run("clear", "mnist")
    assert (result.returncode, result.stdout) == (0, "0.0 MB freed\n")


def test_without_names_it_clears_what_has_arrived_of_downloads(run, tmp_path):
    for dataset in ("mnist", "faces"):
        place = tmp_path / ROOT / ".downloads" / dataset / "0123"
        place.mkdir(parents=True)
        (place / "held").touch()
        (place / "part").write_bytes(b"x" * 2_000_000)
    assert "3.0 MB freed" in run("clear", "mnist").stdout
    with lock(tmp_path / ROOT / ".downloads/faces/0123/held", "the download"):
        assert "5.0 MB freed" in run("clear").stdout
    assert [file.parent.parent.name for file in (tmp_path / ROOT).rglob("part")] == ["faces"]
