import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tools.bundle.manifest import Manifest, parse, read_object
from tests.helpers.bundle import FILES, manifest_of, relisted


def test_it_reads_back():
    listed = manifest_of(FILES)
    found = parse(listed)
    assert found.to_json() == listed
    assert found.dataset == "mnist"
    assert found.files.keys() == FILES.keys()


def test_names_are_sorted_whatever_their_order():
    files = dict(sorted(FILES.items(), reverse=True))
    assert manifest_of(files) == manifest_of(FILES)


@given(data=st.data())
def test_any_changed_byte_is_found(data):
    listed = bytearray(manifest_of(FILES))
    place = data.draw(st.integers(0, len(listed) - 1))
    listed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match=r"."):
        parse(bytes(listed))


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../x", "a/../../x", "a//b", "", "./a", "a/.", "..", "a\\b", "C:/x", "c:x",
        "a\nb", "a\x1b[31m", "a\x00", "bundle.json", "Bundle.JSON", "a ", "a.", "a/b. /c",
        "x" * 300, "\ud800", "\u202egnp.exe", "bundle.json/x",
    ],
)  # fmt: skip
def test_names_that_could_do_harm_are_refused(name):
    with pytest.raises(ValueError, match=r"^a file"):
        parse(manifest_of({name: b"x"}))


@pytest.mark.parametrize("names", [("a", "A"), ("a", "a/b"), ("a/B", "A/b"), ("a/b/c", "A/B")])
def test_two_names_of_one_file_are_refused(names):
    with pytest.raises(ValueError, match=r"^a file"):
        parse(manifest_of(dict.fromkeys(names, b"x")))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "another"}, {"format": None}, {"files": []}, {"files": {"a": 1}}, {"dataset": 3},
        {"files": {"a": {"size": -1, "sha256": "0" * 64}}}, {"more": 1}, {"checksum": "0" * 64},
        {"files": {"a": {"size": True, "sha256": "0" * 64}}}, {"files": {"a": {"size": 1}}},
        {"files": {"a": {"size": 1, "sha256": 7}}}, {"files": {"a": {"size": 1e999}}},
    ],
)  # fmt: skip
def test_what_is_no_such_list_is_refused(changes):
    with pytest.raises(ValueError, match=r"."):
        parse(relisted(manifest_of(FILES), **changes))


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"3", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
)
def test_what_is_no_object_is_refused(content):
    with pytest.raises(ValueError, match=r"."):
        read_object(content)


def test_the_same_list_laid_out_otherwise_is_not_what_was_written():
    content = json.loads(manifest_of(FILES))
    with pytest.raises(ValueError, match="laid out"):
        parse(json.dumps(content).encode())
    assert isinstance(parse(manifest_of({})), Manifest)
