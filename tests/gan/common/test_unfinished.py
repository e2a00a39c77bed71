import contextlib
import hashlib
import os
from pathlib import Path

import pytest

from stages.gan.common import unfinished
from stages.gan.common.files import remove
from stages.gan.common.locks import Held, lock

SAID: list[str] = []


def leave(root, dataset: str, name: str, used: float = 0.0) -> unfinished.Run:
    """A run that was cut off."""
    with (
        contextlib.suppress(KeyError),
        unfinished.opened(root, dataset, "train", name, SAID.append) as run,
    ):
        run.state(12).write_text("state")
        (run.models / "final").mkdir()
        (run.models / "final/file").write_text("x" * 10)
        raise KeyError("cut off")
    if used:
        os.utime(run.folder, (used, used))
    return run


def test_what_was_cut_off_stays_and_what_has_finished_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    run = leave(tmp_path, "mnist", "a" * 64)
    assert run.folder == tmp_path / "mnist" / ("train-" + "a" * 16)
    assert run.step == 12
    assert run.size >= 15
    assert (run.dataset, run.stage, run.name) == ("mnist", "train", "train-" + "a" * 16)
    assert not run.is_running
    with unfinished.opened(tmp_path, "mnist", "train", "a" * 64, SAID.append) as again:
        assert again == run
        assert again.is_running
        assert (again.models / "final/file").exists()
        assert again.results == {}
        made = Path("out")
        (made / "inner").mkdir(parents=True)
        for file in (made / "a", made / "inner/b", Path("alone")):
            file.write_text(file.name)
        again.finish([made, Path("alone")])
    assert unfinished.runs(tmp_path) == [run]
    md5s = {text: hashlib.md5(text.encode()).hexdigest() for text in ("a", "b", "alone")}
    assert run.results == {
        "out": {"a": md5s["a"], "inner/b": md5s["b"]},
        "alone": {"": md5s["alone"]},
    }
    assert (run.models / "final/file").exists()
    said: list[str] = []
    with unfinished.opened(tmp_path, "mnist", "train", "a" * 64, said.append):
        assert "mnist: train has finished before" in said[0]
    assert unfinished.clear(run)
    assert not run.folder.exists()


@pytest.fixture
def kept(tmp_path, monkeypatch) -> unfinished.Run:
    """A run that keeps its results, a folder and a file."""
    monkeypatch.chdir(tmp_path)
    Path("out/inner").mkdir(parents=True)
    Path("out/inner/a").write_text("a")
    Path("alone").write_text("b")
    with unfinished.opened(tmp_path, "mnist", "judge", "a" * 64, SAID.append) as run:
        run.keep([Path("out"), Path("alone")])
    return run


def test_results_that_were_kept_are_put_back(kept):
    remove(Path("out"))
    Path("alone").write_text("of something else")  # in place, so the kept one changes as well
    assert not kept.put_back()
    assert not Path("out").exists()
    Path("out").mkdir()
    Path("out/inner").mkdir()
    Path("out/inner/a").write_text("a")
    Path("alone").write_text("b")
    kept.keep([Path("out"), Path("alone")])
    for file in (Path("out/inner/a"), Path("alone")):  # DVC's cache has the same file then
        file.chmod(0o444)
        file.unlink()
    for _ in range(2):  # beside nothing, and beside themselves
        assert kept.put_back()
        assert Path("out/inner/a").read_text() == "a"
        assert Path("alone").read_text() == "b"
        assert Path("alone").stat().st_mode & 0o200
    assert unfinished.clear(kept)
    assert Path("out/inner/a").read_text() == "a"


def test_a_run_that_keeps_no_results_puts_none_back(kept):
    remove(kept.folder / "results/out/inner")
    assert not kept.put_back()
    assert not leave(Path("other"), "mnist", "a" * 64).put_back()


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_note_of_the_results_is_none(tmp_path, content):
    run = leave(tmp_path, "mnist", "a" * 64)
    (run.folder / "finished.json").write_text(content)
    assert run.results == {}


def test_another_run_never_sees_it(tmp_path):
    leave(tmp_path, "mnist", "a" * 64)
    with unfinished.opened(tmp_path, "mnist", "train", "b" * 64, SAID.append) as other:
        assert other.states == []
    with unfinished.opened(tmp_path, "faces", "train", "a" * 64, SAID.append) as other:
        assert other.states == []


def test_the_newest_state_comes_first_and_nothing_else_counts(tmp_path):
    run = unfinished.Run(tmp_path)
    for step in (9, 100, 20):
        run.state(step).write_text("")
    (tmp_path / ".incomplete-state-0000000300").write_text("")
    (tmp_path / "state-new").write_text("")
    assert [file.name for file in run.states] == [run.state(s).name for s in (100, 20, 9)]
    assert run.step == 100
    assert unfinished.Run(tmp_path / "none").step == 0


def test_no_more_than_so_many_are_kept(tmp_path):
    runs = [leave(tmp_path, "mnist", f"{i:064x}"[::-1], 1000.0 + i) for i in range(unfinished.KEPT)]
    leave(tmp_path, "faces", "f" * 64, 1.0)
    with unfinished.opened(tmp_path, "mnist", "judge", "f" * 64, SAID.append):
        pass
    with lock(runs[0].folder / "lock", "an old run that still goes on"):
        newest = leave(tmp_path, "mnist", "e" * 64)
        assert runs[0].folder.exists()
    newer = leave(tmp_path, "mnist", "d" * 64)
    left = [run for run in unfinished.runs(tmp_path, "mnist") if run.stage == "train"]
    assert len(left) == unfinished.KEPT
    assert not runs[0].folder.exists()
    assert newest in left
    assert newer in left
    assert len(unfinished.runs(tmp_path)) == unfinished.KEPT + 2


def test_the_last_used_comes_first(tmp_path):
    old, new = leave(tmp_path, "mnist", "a" * 64, 5.0), leave(tmp_path, "faces", "b" * 64, 9.0)
    assert unfinished.runs(tmp_path) == [new, old]


def test_a_running_one_is_not_cleared_nor_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(unfinished, "PATIENCE", 0.0)
    run = leave(tmp_path, "mnist", "a" * 64)
    with lock(run.folder / "lock", "the run"):
        assert not unfinished.clear(run)
        with (
            pytest.raises(Held, match=f"this run of mnist is in use by process {os.getpid()}"),
            unfinished.opened(tmp_path, "mnist", "train", "a" * 64, SAID.append),
        ):
            pass
    assert run.step == 12
    assert unfinished.clear(run)
    assert not run.folder.exists()
