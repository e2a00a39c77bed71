import json

import pytest

from stages.gan.common.files import md5
from stages.tools.dvc.cache import Cache, folder_name, is_folder
from tests.helpers.damage import flip
from tests.helpers.project import Project


@pytest.fixture
def filled(tmp_path):
    """A cache of two files and the folder that holds them, as DVC writes it."""
    cache = Cache(tmp_path)
    names = {}
    for path, content in (("b", b"two"), ("a/c", b"one")):
        (tmp_path / "new").write_bytes(content)
        names[path] = md5(tmp_path / "new")
        cache.object(names[path]).parent.mkdir(parents=True)
        (tmp_path / "new").rename(cache.object(names[path]))
    listing = [{"md5": names[path], "relpath": path} for path in sorted(names)]
    name = folder_name(names)
    cache.object(name).parent.mkdir(parents=True)
    cache.object(name).write_text(json.dumps(listing))
    return cache, name, names


def test_a_folder_is_named_by_its_list(filled):
    cache, name, names = filled
    assert is_folder(name)
    assert md5(cache.object(name)) + ".dir" == name
    assert cache.files(name) == names
    assert cache.is_sound(name)


def test_what_is_not_there_is_neither_sound_nor_damaged(filled):
    cache, name, _ = filled
    cache.object(name).unlink()
    assert cache.is_sound(name) is None
    assert cache.files(name) is None


def test_damaged_objects_are_not_sound(filled):
    cache, name, names = filled
    for one in (name, *names.values()):
        assert cache.is_sound(one) is True
        flip(cache.object(one), 1)
        assert cache.is_sound(one) is False
    assert cache.files(name) is None


@pytest.mark.parametrize("content", ["[", "{}", "[1]", '[{"md5": "a"}]', "null", "[[]]"])
def test_a_list_of_something_else_is_none(tmp_path, content):
    (tmp_path / "new").write_text(content)
    cache = Cache(tmp_path)
    name = f"{md5(tmp_path / 'new')}.dir"
    cache.object(name).parent.mkdir()
    (tmp_path / "new").rename(cache.object(name))
    assert cache.is_sound(name)
    assert cache.files(name) is None


@pytest.mark.pipeline
def test_names_are_those_that_dvc_gives(tmp_path):
    """Names with spaces, other alphabets and in other order as files and as paths."""
    project = Project(tmp_path)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    files = ["a b", "a/b", "a-b", "é", "日本", 'a"b', "a/b/c.d", "A", "empty", "a\\b"]
    expected = {}
    for index, name in enumerate(["a/b/c" if name == "a/b" else name for name in files]):
        file = tmp_path / "folder" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if name == "empty" else bytes([index]))
        expected[name] = md5(file)
    project.run("dvc", "add", "-q", "folder")
    name = folder_name(expected)
    assert name in (tmp_path / "folder.dvc").read_text()
    assert Cache(tmp_path / ".dvc/cache/files/md5").files(name) == expected
