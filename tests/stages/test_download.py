import gzip
import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from stages import command
from stages.download import download
from stages.gan.data.raw import leftovers
from stages.gan.data.raw.idx import raw
from tests.helpers.data import (
    encoded,
    idx_contents,
    load_params,
    message_of,
    picture,
    tree,
    write_idx,
    write_zip,
)
from tests.helpers.processes.http import ask_directly, serving, versions

HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in idx_contents().items()}
UNREACHABLE = "http://127.0.0.1:9/set.zip"  # the port `discard`, where nothing listens
RAW = Path("data/mnist/raw")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the stage in an empty project with some sources."""
    monkeypatch.chdir(tmp_path)
    ask_directly(monkeypatch)

    def of(*sources, dataset="mnist", sha256=HASHES, **changes):
        changes = {"sources": list(sources), "sha256": sha256, "retries": 0, **changes}
        changes = {f"{dataset}__download__{key}": value for key, value in changes.items()}
        download(dataset, load_params(tmp_path, dataset, **changes))
        return json.loads(Path(f"data/{dataset}/raw/source.json").read_text())

    return of


def no_trace(folder=Path("data")):
    return [path for path in folder.rglob("*") if path.is_file() or path.name == "raw"] == []


def test_folder_of_gz_files_is_taken(run, tmp_path):
    contents = write_idx(tmp_path / "given", zipped=True)
    source = run(str(tmp_path / "given"))
    written = tree(RAW)
    del written["source.json"]
    assert written == contents
    assert source == {
        "source": "given",
        "bundled": False,
        "bytes": {name: len(content) for name, content in contents.items()},
        "sha256": HASHES,
        "left_out": leftovers.NOTHING,
    }


def test_zip_is_taken(run, tmp_path):
    contents = idx_contents()
    members = {f"MNIST_Data/train/{name}": content for name, content in contents.items()}
    write_zip(tmp_path / "set.zip", members)
    assert run("set.zip")["source"] == "set.zip"
    assert (RAW / raw.TRAIN_IMAGES).read_bytes() == contents[raw.TRAIN_IMAGES]


def test_artifacts_hold_no_path_of_this_machine(run, tmp_path):
    write_idx(tmp_path / "given", zipped=True)
    run(str(tmp_path / "given"))
    for content in tree(RAW).values():
        assert str(tmp_path).encode() not in content
        assert b"/given" not in content


def test_two_runs_are_byte_identical_from_a_folder_and_an_archive(run, tmp_path):
    contents = write_idx(tmp_path / "set.zip", zipped=True)
    run("set.zip")
    once = tree(RAW)
    run("set.zip")
    assert tree(RAW) == once
    (tmp_path / "other").mkdir()
    write_zip(tmp_path / "other" / "set.zip", contents)
    run("other/set.zip")
    assert tree(RAW) == once


def test_wrong_hash_falls_through_to_the_next_source(run, tmp_path, capsys):
    write_idx(tmp_path / "wrong", train=11)
    write_idx(tmp_path / "right")
    assert run("wrong", "right")["source"] == "right"
    said = capsys.readouterr().out
    assert f"not used: {raw.TRAIN_IMAGES} has sha256" in said
    assert f"expected {HASHES[raw.TRAIN_IMAGES]}" in said


def test_wrong_hash_of_the_last_source_is_an_error_and_leaves_nothing(run, tmp_path):
    write_idx(tmp_path / "wrong", train=11)
    text = message_of(run, "wrong")
    assert text.startswith(f"no source gave the data: wrong: {raw.TRAIN_IMAGES} has sha256 ")
    assert no_trace()


def test_without_hashes_any_files_are_taken(run, tmp_path):
    write_idx(tmp_path / "other", train=11)
    assert run("other", sha256={})["sha256"][raw.TEST_IMAGES] == HASHES[raw.TEST_IMAGES]


def test_hash_of_an_unknown_file_is_an_error_before_anything_is_tried(run, tmp_path, capsys):
    write_idx(tmp_path / "right")
    text = message_of(run, "right", "bundled:digits", sha256={"train-images": "0" * 64})
    assert text == (
        f"mnist.download.sha256 names train-images: valid is one of {', '.join(raw.FILES)}"
    )
    assert capsys.readouterr().out == ""
    assert not Path("data").exists()


def half(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def with_escape(file):
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../evil", b"x")


def emptied(file):
    file.write_bytes(b"")


def without_images(file):
    contents = idx_contents()
    del contents[raw.TRAIN_IMAGES]
    write_zip(file, contents)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (half, "set.zip is not a valid zip archive"),
        (emptied, "set.zip is not a valid zip archive"),
        (with_escape, "set.zip holds an entry that leads outside: '../evil'"),
        (without_images, f"{raw.TRAIN_IMAGES} is not in the source"),
        (Path.unlink, "set.zip does not exist"),
    ],
)
def test_unusable_archive_is_an_error_and_leaves_nothing(run, tmp_path, damage, reason):
    damage(write_zip(tmp_path / "set.zip", idx_contents()))
    assert message_of(run, "set.zip").startswith(f"no source gave the data: set.zip: {reason}")
    assert no_trace()
    assert not list(tmp_path.rglob("evil"))


def test_a_file_whose_hash_is_known_must_be_there(run, tmp_path):
    contents = idx_contents()
    del contents[raw.TEST_LABELS]
    write_zip(tmp_path / "set.zip", contents)
    text = message_of(run, "set.zip")
    assert f"{raw.TEST_LABELS} is not in the source, but download.sha256 names it" in text
    source = run("set.zip", sha256={})
    assert sorted(source["bytes"]) == sorted(contents)
    assert sorted(source["sha256"]) == sorted(contents)


def test_everything_else_in_the_source_is_counted_and_said(run, tmp_path, capsys):
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encoded(picture(number)))
    for name in ("a.txt", "b.TXT", "c.tga", "more.zip"):
        (folder / name).write_bytes(b"x")
    (folder / "linked").symlink_to(tmp_path)
    left = run("faces", dataset="faces", sha256={})["left_out"]
    assert left == {
        "set": "",
        "files": {".tga": 1, ".txt": 2},
        "archives": {"count": 1, "first": ["more.zip"]},
        "unreachable": {"count": 1, "first": {"linked": "a link to a folder"}},
    }
    said = capsys.readouterr().out
    assert "  left out, by the ending of the name: 3 (2 .txt, 1 .tga)\n" in said
    assert "  archives inside the source, which are not opened: more.zip." in said
    assert "  not followed: linked (a link to a folder)." in said


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "zip"])
def test_every_archive_gives_the_same_bytes(run, tmp_path, ending):
    write_idx(tmp_path / "given")
    run("given")
    expected = {name: content for name, content in tree(RAW).items() if name != "source.json"}
    form = {"tgz": "gztar", "tar.gz": "gztar", "tar.bz2": "bztar", "tar.xz": "xztar"}.get(ending)
    made = shutil.make_archive(tmp_path / "made", form or ending, tmp_path / "given")
    Path(made).rename(tmp_path / f"set.{ending}")
    run(f"set.{ending}")
    found = {name: content for name, content in tree(RAW).items() if name != "source.json"}
    assert found == expected


def test_one_of_several_sets_is_taken_by_a_param(run, tmp_path):
    members = {
        f"emnist-{subset}-{name.replace('t10k', 'test')}.gz": gzip.compress(content)
        for number, subset in enumerate(("letters", "mnist"))
        for name, content in idx_contents(train=5 + number).items()
    }
    write_zip(tmp_path / "set.zip", members)
    assert "set download.subset to one of" in message_of(run, "set.zip", sha256={})
    run("set.zip", sha256={}, subset="mnist")
    assert (RAW / raw.TRAIN_IMAGES).read_bytes() == idx_contents(train=6)[raw.TRAIN_IMAGES]


def test_unusable_archive_leaves_no_file_behind_for_the_next_source(run, tmp_path):
    first = idx_contents(train=11)
    first[raw.TEST_LABELS] = b"no IDX file"
    write_zip(tmp_path / "set.zip", first)
    contents = write_idx(tmp_path / "right")
    run("set.zip", "right")
    assert sorted(tree(RAW)) == sorted([*contents, "source.json"])
    assert (RAW / raw.TRAIN_IMAGES).read_bytes() == contents[raw.TRAIN_IMAGES]


def test_truncated_gz_is_an_error(run, tmp_path):
    write_idx(tmp_path / "given", zipped=True)
    half(tmp_path / "given" / f"{raw.TRAIN_IMAGES}.gz")
    assert f"{raw.TRAIN_IMAGES}.gz is not a valid gzip file" in message_of(run, "given")
    assert no_trace()


def test_archive_larger_than_the_bound_is_refused(run, tmp_path):
    write_zip(tmp_path / "set.zip", idx_contents())
    text = message_of(run, "set.zip", maximum_bytes=1000)
    assert "more than download.maximum_bytes (1,000)" in text


def test_no_source_that_can_be_reached_names_each(run):
    text = message_of(run, UNREACHABLE, "missing.zip")
    assert f"{UNREACHABLE}: {UNREACHABLE} cannot be fetched" in text
    assert "; missing.zip: missing.zip does not exist" in text
    assert no_trace()


def test_failure_keeps_what_was_there_before(run, tmp_path):
    write_idx(tmp_path / "right")
    run("right")
    before = tree(RAW)
    message_of(run, "missing.zip")
    assert tree(RAW) == before


def test_bundled_set_comes_last_with_a_warning(run, capsys):
    source = run(UNREACHABLE, "bundled:digits", bundled_count=20)
    assert (source["source"], source["bundled"]) == ("bundled:digits", True)
    said = capsys.readouterr().out
    assert said.index(f"trying {UNREACHABLE}") < said.index("trying bundled:digits")
    assert "WARNING: mnist: this is the bundled stand-in" in said


def test_real_data_come_without_a_warning(run, tmp_path, capsys):
    write_idx(tmp_path / "right")
    run("right", "bundled:digits")
    assert "WARNING" not in capsys.readouterr().out


def test_unknown_bundled_set_is_named(run):
    assert "format idx has bundled:digits" in message_of(run, "bundled:digit")


def test_target_that_cannot_be_written_is_one_line(run, tmp_path, capsys):
    write_idx(tmp_path / "right")
    Path("data").mkdir()
    Path("data/mnist").write_text("a file where a folder should be")
    with pytest.raises(SystemExit) as caught:
        command.guarded(lambda: run("right"))
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("error: data/mnist")
    assert error.count("\n") == 1


def test_images_of_an_archive_are_taken(run, tmp_path):
    members = {f"faces/{number}.png": encoded(picture(number)) for number in range(3)}
    write_zip(tmp_path / "faces.zip", {**members, "faces/readme.txt": b"x"})
    source = run("faces.zip", dataset="faces", sha256={})
    with zipfile.ZipFile("data/faces/raw/images.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == members
    assert source["bytes"] == {"images.zip": Path("data/faces/raw/images.zip").stat().st_size}
    again = run("faces.zip", dataset="faces", sha256=source["sha256"])
    assert again == source
    wrong = message_of(run, "faces.zip", dataset="faces", sha256={"images": "0" * 64})
    assert "images has sha256" in wrong


def test_bundled_faces_are_as_many_as_asked_for_and_byte_identical(run):
    once = run("bundled:avatars", dataset="faces", sha256={}, bundled_count=20)
    first = tree(Path("data/faces/raw"))
    with zipfile.ZipFile("data/faces/raw/images.zip") as archive:
        assert len(archive.namelist()) == 20
    assert once["bundled"] is True
    run("bundled:avatars", dataset="faces", sha256={}, bundled_count=20)
    assert tree(Path("data/faces/raw")) == first
    run("bundled:avatars", dataset="faces", sha256={}, bundled_count=20, bundled_seed=2)
    assert tree(Path("data/faces/raw")) != first


def test_gz_files_made_at_other_times_give_the_same_bytes(run, tmp_path):
    contents = idx_contents()
    written = []
    for time in (1, 2):
        for name, content in contents.items():
            file = tmp_path / "given" / f"{name}.gz"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(gzip.compress(content, mtime=time))
        run("given")
        written.append(tree(RAW))
    assert written[0] == written[1]


def test_a_download_that_was_cut_off_is_resumed_by_the_next_run(run, tmp_path):
    """What has arrived is in no out; when the data are there, nothing is left of it."""
    write_idx(tmp_path / "given", zipped=True)
    shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "given")
    packed = (tmp_path / "set.zip").read_bytes()
    with serving({"/set.zip": versions(packed, drops=1)}) as server:
        assert "cannot be fetched" in message_of(run, f"{server.address}/set.zip")
        assert no_trace()
        (part,) = Path(".scratch/.downloads/mnist").rglob("part")
        assert part.read_bytes() == packed[: len(packed) // 2]
        run(f"{server.address}/set.zip")
        assert server.ranges == [None, f"bytes={len(packed) // 2}-"]
    assert not [path for path in Path(".scratch").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("language", "first"), [("zh", "b.invalid.cn"), ("en", "a.invalid")])
def test_the_terminals_language_may_change_the_order_but_not_the_data(
    run, tmp_path, monkeypatch, capsys, language, first
):
    monkeypatch.setenv("GAN_LANGUAGE", language)
    contents = write_idx(tmp_path / "given", zipped=True)
    far, near = "http://a.invalid:9/x.zip", "http://b.invalid.cn:9/x.zip"
    run(far, near, str(tmp_path / "given"))
    tried = [line for line in capsys.readouterr().out.splitlines() if "invalid" in line]
    assert first in tried[0]
    assert (RAW / raw.TRAIN_IMAGES).read_bytes() == contents[raw.TRAIN_IMAGES]
    monkeypatch.setenv("GAN_LANGUAGE", "zh")
    run(far, near, str(tmp_path / "given"), sha256={})
    tried = [line for line in capsys.readouterr().out.splitlines() if "invalid" in line]
    assert "a.invalid" in tried[0]
