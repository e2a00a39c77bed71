"""What is damaged is found and named, however well the damage hides."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan.common.files import md5
from stages.tools.dvc import pipeline as locked
from stages.tools.dvc.cache import Cache
from stages.tools.verify import repair
from stages.tools.verify.damage import Findings, Kind, check
from tests.helpers.damage import flip, restored, rewrite
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def shared(reproduced: Project, tmp_path_factory):
    """A copy whose every test puts back what it damages, and what DVC says of it."""
    folder = tmp_path_factory.mktemp("damage") / "project"
    shutil.copytree(reproduced.folder, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder, locked.read()


@pytest.fixture
def pipeline(shared, monkeypatch):
    """What dvc.lock says of a sound project, which is the working directory."""
    folder, found = shared
    monkeypatch.chdir(folder)
    return found


def look(pipeline: locked.Pipeline, **options) -> Findings:
    return check(pipeline, pipeline.stages, **options)


def kinds(found: Findings) -> dict[str, Kind]:
    return {damage.path.as_posix(): damage.kind for damage in found.damages}


def artifacts() -> list[Path]:
    """Every file that the pipeline made, found without asking DVC."""
    files = (
        file
        for folder in ("data", "models", "metrics", "reports")
        for file in sorted(Path(folder).rglob("*"))
        if file.is_file()
    )
    return list(files)


def test_a_sound_project_is_sound(pipeline):
    found = look(pipeline, whole_cache=True)
    assert found.damages == ()
    assert found.notes == ()
    assert found.files == len(artifacts())
    assert found.size == sum(file.stat().st_size for file in artifacts())


def test_every_kind_of_artifact_is_there(pipeline):
    """Else the tests below would test less than they say."""
    names = {file.name for file in artifacts()}
    assert {
        "source.json", "images.zip", "train-images-idx3-ubyte", "prepared.json", "index.html",
        "train_images.npy", "train_latents.npy", "train_labels.npy", "checkpoint.json",
        "generator.safetensors", "discriminator.safetensors", "optimizers.safetensors",
        "history.csv", "history_steps.csv", "train.json", "evaluate.json", "scores.json",
        "verdict.json", "animation.gif", "generated.png",
    } <= names  # fmt: skip


def test_a_flipped_byte_of_any_file_is_found_and_the_file_named(pipeline):
    draw = random.Random(1)
    for file in artifacts():
        size, before = file.stat().st_size, file.stat()
        with restored(file):
            flip(file, draw.choice([0, size - 1, draw.randrange(size)]), 1 << draw.randrange(8))
            after = file.stat()
            assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
            assert kinds(look(pipeline)) == {file.as_posix(): Kind.DAMAGED}
    assert look(pipeline).damages == ()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damages_at_once_are_found_and_nothing_else(shared, data):
    _, pipeline = shared
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shared[0])
        files = artifacts()
        chosen = data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=4, unique=True))
        expected = {}
        with restored(*chosen):
            for file in chosen:
                content = file.read_bytes()
                how = data.draw(st.sampled_from(["flip", "cut", "grow", "empty", "remove"]))
                position = data.draw(st.integers(0, len(content) - 1))
                if how == "flip":
                    flip(file, position, data.draw(st.integers(1, 255)))
                elif how == "remove":
                    file.unlink()
                else:
                    cases = {"cut": content[:position], "grow": content + b"\0", "empty": b""}
                    rewrite(file, cases[how])
                expected[file.as_posix()] = Kind.MISSING if how == "remove" else Kind.DAMAGED
            assert kinds(look(pipeline)) == expected


def test_swapped_files_are_both_named(pipeline):
    first, second = (Path(f"models/mnist/checkpoints/{name}") for name in ("epoch-0001", "final"))
    pair = [folder / "generator.safetensors" for folder in (first, second)]
    with restored(*pair):
        contents = [file.read_bytes() for file in pair]
        for file, content in zip(pair, reversed(contents), strict=True):
            rewrite(file, content)
        assert kinds(look(pipeline)) == {file.as_posix(): Kind.DAMAGED for file in pair}


def test_extra_files_are_named_but_not_what_dvc_ignores(pipeline):
    folder = Path("data/mnist/raw")
    extra = [folder / name for name in ("more", "deep/er/file", "__pycache__/a.pyc")]
    try:
        for file in extra:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        assert kinds(look(pipeline)) == {file.as_posix(): Kind.EXTRA for file in extra[:2]}
    finally:
        extra[0].unlink()
        shutil.rmtree(folder / "deep")
        shutil.rmtree(folder / "__pycache__")


@pytest.mark.parametrize("path", ["data/mnist/raw", "reports/mnist/index.html"])
def test_a_missing_out_is_named(pipeline, path):
    Path(path).rename("elsewhere")
    try:
        assert kinds(look(pipeline)) == {path: Kind.MISSING}
    finally:
        Path("elsewhere").rename(path)


def test_a_file_for_a_folder_and_a_folder_for_a_file_are_named(pipeline):
    file, folder = Path("reports/mnist/index.html"), Path("data/mnist/raw")
    file.rename("file")
    folder.rename("folder")
    try:
        file.mkdir()
        folder.touch()
        found = look(pipeline)
        assert kinds(found) == {path.as_posix(): Kind.DAMAGED for path in (file, folder)}
        reasons = {damage.path: damage.reason for damage in found.damages}
        assert reasons == {file: "it should be a file", folder: "it should be a folder"}
    finally:
        file.rmdir()
        folder.unlink()
        Path("file").rename(file)
        Path("folder").rename(folder)


def test_a_pipe_and_a_dead_link_stop_nothing(pipeline):
    pipe, link = Path("metrics/mnist/train.json"), Path("metrics/mnist/history.csv")
    with restored(pipe, link):
        pipe.unlink()
        os.mkfifo(pipe)
        link.unlink()
        link.symlink_to("nowhere")
        found = look(pipeline)
        assert kinds(found) == {path.as_posix(): Kind.DAMAGED for path in (pipe, link)}
        reasons = {damage.path: damage.reason for damage in found.damages}
        assert reasons[pipe] == "it is not a regular file"
        assert reasons[link] == "it cannot be read: No such file or directory"


def test_a_stage_is_checked_for_itself(pipeline):
    file = Path("data/faces/raw/images.zip")
    faces = [stage for stage in pipeline.stages if stage.dataset == "faces"]
    mnist = [stage for stage in pipeline.stages if stage.dataset == "mnist"]
    with restored(file):
        flip(file, 100)
        assert kinds(check(pipeline, faces)) == {file.as_posix(): Kind.DAMAGED}
        assert check(pipeline, mnist).damages == ()


def test_damaged_copies_of_dvc_are_found_if_asked_for(pipeline):
    cache = Cache(pipeline.cache)
    whole = {out.path: out.md5 for stage in pipeline.stages for out in stage.outs if out.cached}
    for path, name in whole.items():
        names = {Path(path): name} if not name.endswith(".dir") else {}
        names |= {Path(path) / inner: each for inner, each in (cache.files(name) or {}).items()}
        inside, chosen = random.Random(path).choice(sorted(names.items()))
        copy = cache.object(chosen)
        with restored(copy):
            flip(copy, -1)
            assert look(pipeline).damages == ()
            (damage,) = look(pipeline, whole_cache=True).damages
            assert (damage.path, damage.kind) == (copy, Kind.OBJECT)
            # Of two equal files the first is named.
            assert damage.inside.read_bytes() == inside.read_bytes()


def test_a_damaged_list_of_a_folder_is_always_found(pipeline):
    out = next(out for out in pipeline.stages[0].outs)
    copy = Cache(pipeline.cache).object(out.md5)
    with restored(copy):
        flip(copy, 5)
        (damage,) = look(pipeline).damages
        assert (damage.path, damage.kind) == (copy, Kind.OBJECT)
        assert damage.inside == Path(out.path)


@pytest.mark.parametrize("lost", ["missing", "damaged", "no cache"])
@pytest.mark.parametrize(
    ("path", "out", "named_too"),
    [
        ("models/mnist/checkpoints/final/generator.safetensors", "models/mnist/checkpoints", True),
        ("data/mnist/raw/t10k-labels-idx1-ubyte", "data/mnist/raw", True),
        ("data/mnist/prepared/train_images.npy", "data/mnist/prepared", False),
    ],
)
def test_without_the_list_of_a_folder_own_checksums_name_the_file(
    pipeline, path, out, named_too, lost
):
    from dataclasses import replace

    (name,) = (o.md5 for stage in pipeline.stages for o in stage.outs if o.path == out)
    copy, file = Cache(pipeline.cache).object(name), Path(path)
    with restored(copy, file):
        flip(file, -1)
        if lost == "missing":
            copy.unlink()
        elif lost == "damaged":
            flip(copy, 5)
        else:
            pipeline = replace(pipeline, cache=None)
        found = {key: kind for key, kind in kinds(look(pipeline)).items() if key != str(copy)}
        assert found == dict.fromkeys([out, path] if named_too else [out], Kind.DAMAGED)


def test_damage_that_dvc_lock_agrees_with_is_found_by_own_checksums(copied):
    file = Path("models/mnist/checkpoints/final/generator.safetensors")
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    copied.run("dvc", "commit", "-q", "-f", "train@mnist")
    found = look(locked.read())
    assert kinds(found) == {file.as_posix(): Kind.CONTRADICTED}
    assert "is damaged: its sha256 is not the one checkpoint.json holds" in found.damages[0].reason


def test_changed_code_and_params_are_notes_and_no_damage(copied):
    module = Path("stages/gan/networks/dcgan/maps.py")
    module.write_text(module.read_text() + "# a remark\n")
    params = copied.params
    params["mnist"]["evaluate"]["samples"] = 21
    copied.write_params(params)
    found = look(locked.read())
    assert found.damages == ()
    (note,) = found.notes
    convolving = "judge@mnist, judge@faces, train@mnist, train@faces, evaluate@mnist, "
    assert note.startswith(f"`dvc repro` would run {convolving}")
    assert "stages/gan/networks/dcgan" in note
    assert "params.yaml (mnist.evaluate)" in note
    assert "params.yaml (mnist)" in note  # the report shows them all


def test_a_note_is_no_longer_than_a_line(copied):
    for file in Path("stages/gan").rglob("*.py"):
        file.write_text(file.read_text() + "# a remark\n")
    found = look(locked.read())
    assert found.damages == ()
    assert " and 10 more, because " in found.notes[0]
    assert found.notes[0].endswith(" changed since the last run")
    assert len(found.notes[0]) < 600


def test_new_raw_data_is_a_note_until_the_rest_follows(copied):
    params = copied.params
    params["faces"]["download"]["bundled_seed"] = 2
    copied.write_params(params)
    copied.run("dvc", "repro", "-q", "download@faces")
    found = look(locked.read())
    assert found.damages == ()
    assert "would run preprocess@faces, report@faces, export@faces" in found.notes[0]
    assert "data/faces/raw" in found.notes[0]


def test_what_dvc_lock_has_not_is_unknown_if_it_is_there(copied):
    lock = Path("dvc.lock")
    lock.write_text(lock.read_text().replace("  train@mnist:\n", "  train@mnits:\n"))
    found = look(locked.read())
    outs = ("models/mnist/checkpoints", "reports/mnist/training/animation.gif",
            "reports/mnist/training/epochs", "reports/mnist/training/verdict.json",
            "metrics/mnist/train.json", "metrics/mnist/history.csv",
            "metrics/mnist/history_steps.csv")  # fmt: skip
    assert kinds(found) == dict.fromkeys(outs, Kind.UNKNOWN)
    assert "not checked, because dvc.yaml has no such stage: train@mnits" in found.notes
    assert any("dvc.lock has no entry for train@mnist" in note for note in found.notes)


def test_a_data_set_that_has_not_run_is_a_note(copied):
    params = copied.params
    params["datasets"]["flowers"] = {"format": "images", "network": "dcgan"}
    params["flowers"] = params["faces"]
    copied.write_params(params)
    found = look(locked.read())
    assert found.damages == ()
    assert found.notes == (
        "dvc.lock has no entry for download@flowers, preprocess@flowers, judge@flowers, "
        "train@flowers, evaluate@flowers, report@flowers and 2 more: `dvc repro` would run them",
    )


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_links_into_the_cache_are_followed(copied, kind):
    copied.run("dvc", "config", "cache.type", kind)
    shutil.rmtree("data/mnist/raw")
    copied.run("dvc", "checkout", "-q", "data/mnist/raw")
    file = Path("data/mnist/raw/train-images-idx3-ubyte")
    pipeline = locked.read()
    copy = Cache(pipeline.cache).object(md5(file))
    assert file.samefile(copy)
    assert file.is_symlink() == (kind == "symlink")
    assert look(pipeline, whole_cache=True).damages == ()
    flip(file, 1000)
    # The copy is damaged as well, and the command for the file minds it.
    for whole in (False, True):
        found = look(pipeline, whole_cache=whole)
        assert kinds(found) == {file.as_posix(): Kind.DAMAGED}
    assert str(copy.relative_to(copied.folder)) in repair.command(found.damages[0], pipeline)


@pytest.mark.parametrize("place", ["data/mnist/raw", "stages/command"])
def test_pipes_and_dead_links_among_other_files_stop_nothing(pipeline, place):
    pipe, link = Path(place) / "pipe", Path(place) / ".#link"
    os.mkfifo(pipe)
    link.symlink_to("user@host.1")  # as Emacs makes beside a file that it edits
    try:
        found = look(pipeline)
    finally:
        pipe.unlink()
        link.unlink()
    if place == "stages/command":
        assert found.damages == ()
        assert "would run" in found.notes[0]
    else:
        assert kinds(found) == dict.fromkeys([pipe.as_posix(), link.as_posix()], Kind.EXTRA)


_HOLD = """
import sys
from dvc.lock import make_lock

with make_lock(".dvc/tmp/lock", tmp_dir=".dvc/tmp"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_needs_no_lock_that_a_dvc_at_work_holds(copied):
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as dvc:
        assert dvc.stdout.readline() == b"held\n"
        assert "acquire lock" in copied.run("dvc", "status", check=False).stderr
        copied.run("python", "-m", "stages", "verify")
        dvc.stdin.close()


def test_an_edited_dvc_lock_is_no_excuse(copied):
    """Whichever of both was changed: they do not agree."""
    lock = Path("dvc.lock")
    name = next(o.md5 for s in locked.read().stages for o in s.outs if o.path == "data/mnist/raw")
    lock.write_text(lock.read_text().replace(name, f"{'0' * 32}.dir"))
    found = look(locked.read())
    assert kinds(found) == {"data/mnist/raw": Kind.DAMAGED}
    assert "which file differs is unknown" in found.damages[0].reason
