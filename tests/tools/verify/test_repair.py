"""Every command that is told is run here, and has to mend what it was told for."""

import shutil
from pathlib import Path

import pytest

from stages.gan.common.files import md5
from stages.tools.dvc import pipeline as locked
from stages.tools.dvc.cache import Cache
from stages.tools.verify import repair
from stages.tools.verify.damage import check
from tests.helpers.damage import flip
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline

RAW = Path("data/mnist/raw/train-images-idx3-ubyte")
PAGE = Path("reports/mnist/index.html")
METRICS = Path("metrics/mnist/train.json")


def copy_of(file: Path) -> Path:
    """DVC's copy of a sound file."""
    return Cache(locked.read().cache).object(md5(file))


def list_of(out: str) -> Path:
    """DVC's list of the files of a folder."""
    pipeline = locked.read()
    (name,) = (o.md5 for stage in pipeline.stages for o in stage.outs if o.path == out)
    return Cache(pipeline.cache).object(name)


def mend(project: Project) -> list[str]:
    """Run what is told until nothing more is, and give the commands."""
    commands = []
    for _ in range(3):
        pipeline = locked.read()
        found = check(pipeline, pipeline.stages, whole_cache=True)
        if not found.damages:
            break
        told = [repair.command(damage, pipeline) for damage in found.damages]
        for command in dict.fromkeys(told):
            project.run("bash", "-c", command)
        commands += told
    assert found.damages == ()
    assert not [note for note in found.notes if "would run" in note]
    assert project.run("git", "status", "--porcelain").stdout == ""
    return commands


def test_a_damaged_file_is_taken_from_the_cache(copied):
    copied.run("dvc", "status")  # fills DVC's database with the files of this copy
    flip(RAW, 1000)
    assert "up to date" in copied.run("dvc", "status").stdout  # DVC does not see it
    copied.run("dvc", "checkout", str(RAW.parent))
    pipeline = locked.read()
    assert check(pipeline, pipeline.stages).damages  # nor mend it by itself
    assert mend(copied) == [f"rm -f {RAW} && dvc checkout {RAW.parent}"]


def test_missing_files_and_folders_are_taken_from_the_cache(copied):
    RAW.unlink()
    PAGE.unlink()
    shutil.rmtree("models/faces/checkpoints")
    assert mend(copied) == [
        f"dvc checkout {RAW.parent}",
        "dvc checkout models/faces/checkpoints",
        f"dvc checkout {PAGE}",
    ]


def test_an_extra_file_is_removed(copied):
    extra = RAW.with_name("it's")
    extra.touch()
    assert mend(copied) == ["""rm -f 'data/mnist/raw/it'"'"'s'"""]


def test_damaged_metrics_are_taken_from_git(copied):
    flip(METRICS, 10)
    assert mend(copied) == [f"rm -f {METRICS} && git checkout HEAD -- {METRICS}"]


@pytest.mark.slow
def test_metrics_that_git_has_not_are_made_again(copied):
    copied.run("git", "rm", "-q", "--cached", str(METRICS))
    copied.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "none")
    (copied.folder / ".git/info/exclude").write_text(f"{METRICS}\n")
    flip(METRICS, 10)
    assert mend(copied) == [f"rm -f {METRICS} && dvc repro train@mnist"]


def test_a_damaged_copy_is_replaced_by_the_sound_file(copied):
    copy = copy_of(RAW)
    flip(copy, 1000)
    assert mend(copied) == [f"cp -f {RAW} {copy.relative_to(copied.folder)}"]


def test_a_damaged_list_is_written_again(copied):
    copy = list_of("data/mnist/raw")
    flip(copy, 5)
    name = copy.relative_to(copied.folder)
    assert mend(copied) == [f"rm -f {name} && dvc commit -f download@mnist"]


@pytest.mark.slow
def test_a_damaged_list_is_not_committed_along_with_changed_code(copied):
    """DVC would then take the outs for those of the changed code."""
    file = Path("stages/download.py")
    file.write_text(file.read_text() + "# a remark\n")
    copy = list_of("data/mnist/raw")
    flip(copy, 5)
    pipeline = locked.read()
    (damage,) = check(pipeline, pipeline.stages).damages
    name = copy.relative_to(copied.folder)
    command = repair.command(damage, pipeline)
    assert command == f"rm -f {name} && dvc repro -f -s download@mnist"
    copied.run("bash", "-c", command)
    assert check(locked.read(), pipeline.stages).damages == ()
    assert copy.is_file()


@pytest.mark.slow
def test_a_damaged_list_is_fetched_where_there_is_a_remote(copied, tmp_path):
    copied.run("dvc", "remote", "add", "-q", "--local", "-d", "shared", str(tmp_path / "remote"))
    copied.run("dvc", "push", "-q")
    copy = list_of("data/mnist/raw")
    flip(copy, 5)
    name = copy.relative_to(copied.folder)
    assert mend(copied) == [f"rm -f {name} && dvc pull data/mnist/raw"]
    assert copy.is_file()


@pytest.mark.slow
def test_file_and_copy_are_fetched_where_there_is_a_remote(copied, tmp_path):
    copied.run("dvc", "remote", "add", "-q", "--local", "-d", "shared", str(tmp_path / "remote"))
    copied.run("dvc", "push", "-q")
    copy = copy_of(RAW)
    flip(RAW, 1000)
    flip(copy, 2000)
    name = copy.relative_to(copied.folder)
    assert mend(copied) == [f"rm -f {RAW} && rm -f {name} && dvc pull {RAW.parent}"]


@pytest.mark.slow
def test_file_and_copy_are_made_again_where_there_is_none(copied):
    copy = copy_of(PAGE)
    name = copy.relative_to(copied.folder)
    flip(PAGE, 1000)
    flip(copy, 2000)
    assert mend(copied) == [f"rm -f {PAGE} && rm -f {name} && dvc repro report@mnist"]


def test_a_file_without_a_copy_is_made_again(copied):
    copy_of(RAW).unlink()
    flip(RAW, 1000)
    assert mend(copied) == [f"rm -f {RAW} && dvc repro download@mnist"]


@pytest.mark.slow
def test_a_folder_whose_list_is_lost_is_made_again(copied):
    list_of("data/mnist/raw").unlink()
    flip(RAW, 1000)
    commands = mend(copied)
    assert f"rm -r {RAW.parent} && dvc repro download@mnist" in commands


@pytest.mark.slow
def test_what_dvc_lock_agrees_with_is_made_again(copied):
    content = RAW.read_bytes()
    RAW.unlink()
    RAW.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    copied.run("dvc", "commit", "-q", "-f", "download@mnist")
    pipeline = locked.read()
    (damage,) = check(pipeline, pipeline.stages).damages
    assert repair.command(damage, pipeline) == "dvc repro -f -s download@mnist"
    copied.run("dvc", "repro", "-f", "-s", "download@mnist")
    assert RAW.read_bytes() == content


@pytest.mark.slow
def test_what_dvc_lock_has_not_is_made(copied):
    lock = Path("dvc.lock")
    entries = lock.read_text()
    beginning = entries.index("  report@mnist:\n")
    end = entries.find("\n  report@", beginning) + 1
    lock.write_text(entries[:beginning] + (entries[end:] if end else ""))
    assert mend_without_git(copied) == ["dvc repro report@mnist"]


def mend_without_git(project: Project) -> list[str]:
    pipeline = locked.read()
    (damage,) = check(pipeline, pipeline.stages).damages
    command = repair.command(damage, pipeline)
    project.run("bash", "-c", command)
    assert check(locked.read(), locked.read().stages).damages == ()
    return [command]
