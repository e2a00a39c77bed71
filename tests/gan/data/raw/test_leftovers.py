import json
import subprocess

import pytest

from stages.gan.data.raw import leftovers
from stages.gan.data.raw.archives import open_container
from tests.helpers.data import MANY, write_zip


def left(tmp_path, names, used=(), opened=()):
    path = write_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    with open_container(path, MANY) as container:
        return leftovers.count(container, used, opened)


def test_files_are_counted_by_ending_in_any_case(tmp_path):
    names = ["a.png", "b.TGA", "c/d.tga", "e.txt", "LICENSE", ".hidden"]
    found = left(tmp_path, names, used=["a.png"])
    assert found["files"] == {".tga": 2, ".txt": 1, leftovers.NO_ENDING: 2}
    assert leftovers.lines(found) == [
        "left out, by the ending of the name: 5 (2 .tga, 2 without an ending, 1 .txt)"
    ]


def test_notes_of_macos_are_no_images(tmp_path):
    found = left(tmp_path, ["__MACOSX/a/._1.jpg", "a/._1.jpg", "a/1.jpg"], used=["a/1.jpg"])
    assert found["files"] == {leftovers.MACOS: 2}


def test_archives_inside_are_named_with_what_to_do(tmp_path):
    found = left(tmp_path, ["Img/more.zip", "x.7z", *[f"{n}.tar.gz" for n in range(9)]])
    assert found["archives"]["count"] == 11
    (line,) = leftovers.lines(found)
    assert line.startswith("archives inside the source, which are not opened: 0.tar.gz, 1.tar.gz, ")
    assert "and 6 more. To use what is in them, unpack them, and name the folder" in line


def test_packed_files_that_the_format_opens_are_no_archives(tmp_path):
    found = left(tmp_path, ["emnist-mnist-train-images-idx3-ubyte.gz"], opened=["gz"])
    assert found["archives"]["count"] == 0
    assert found["files"] == {".gz": 1}


def test_what_a_folder_links_to_is_named_with_what_to_do(tmp_path):
    folder, more = tmp_path / "in", tmp_path / "more"
    for place in (folder, more):
        place.mkdir()
        (place / "1.png").write_bytes(b"x")
    (folder / "linked").symlink_to(more)
    (folder / "2.png").symlink_to(more / "1.png")
    (folder / "3.png").symlink_to(more / "gone.png")
    with open_container(folder, MANY) as container:
        assert container.names() == ["1.png", "2.png"]  # a link to a file is read
        found = leftovers.count(container, container.names())
    assert found["unreachable"] == {
        "count": 2,
        "first": {"3.png": "a link that leads nowhere", "linked": "a link to a folder"},
    }
    (line,) = leftovers.lines(found)
    assert "3.png (a link that leads nowhere), linked (a link to a folder)" in line
    assert "cp -rL" in line


def test_the_advice_for_links_works(tmp_path):
    """`cp -rL` is what the sentence says: the copy then holds the linked folder's files."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "1.png").write_bytes(b"x")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "more")
    subprocess.run(["cp", "-rL", "in", "copy"], cwd=tmp_path, check=True)
    with open_container(tmp_path / "copy", MANY) as container:
        assert container.names() == ["linked/1.png"]
        assert container.unreachable() == {}


@pytest.mark.parametrize("name", ["a\udcff.txt", "a\nerror: b.txt", "\x1b[31m.zip", "n" * 5000])
def test_any_name_can_be_stored_and_shown(tmp_path, name):
    class Container:
        def names(self):
            return [name]

        def unreachable(self):
            return {name: "a link to a folder"}

    found = leftovers.count(Container(), ())
    json.dumps(found, ensure_ascii=False).encode()
    assert all(line.isprintable() and len(line) < 600 for line in leftovers.lines(found))


def test_nothing_left_out_is_not_spoken_of(tmp_path):
    assert leftovers.lines(leftovers.NOTHING) == []
    assert left(tmp_path, ["a.png"], used=["a.png"]) == leftovers.NOTHING
