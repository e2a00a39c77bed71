import os

import pytest

from stages.tools.bundle import contents
from stages.tools.bundle.manifest import NAME
from tests.helpers.bundle import FILES, pack
from tests.helpers.data import message_of, tree


def test_measures_are_those_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    found = contents.measure(tmp_path / "file")
    assert found == contents.measure(b"abc")
    assert found.size == 3
    assert found.sha256.startswith("ba7816bf")
    assert found.md5 == "900150983cd24fb0d6963f7d28e17f72"


def test_the_same_files_make_the_same_bytes(tmp_path):
    first, second = pack(tmp_path / "a.zip"), tmp_path / "b" / "c.zip"
    pack(second, dict(sorted(FILES.items(), reverse=True)))
    assert first.read_bytes() == second.read_bytes()


def test_a_folder_holds_the_files_and_their_list(tmp_path):
    found = tree(pack(tmp_path / "folder"))
    assert found.pop(NAME).startswith(b'{\n  "format": "gan-equilibrium bundle 1"')
    assert found == FILES


@pytest.mark.parametrize("name", ["a.zip", "folder"])
def test_nothing_is_overwritten(tmp_path, name):
    (tmp_path / name).symlink_to("nowhere")
    text = message_of(pack, tmp_path / name)
    assert text == f"{tmp_path / name} exists already: choose another name, or remove it first"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.zip", "folder"])
def test_a_file_that_changes_meanwhile_leaves_nothing(tmp_path, name):
    file = tmp_path / "file"
    file.write_bytes(b"before")
    measured = {"file": contents.measure(file)}
    file.write_bytes(b"behind")
    text = message_of(contents.write, tmp_path / name, "mnist", {"file": file}, measured)
    assert text == "file changed while it was packed: run the same command again"
    assert os.listdir(tmp_path) == ["file"]
