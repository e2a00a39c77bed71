import csv
import hashlib
import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.common.files import (
    link_tree,
    md5,
    read_csv,
    read_json,
    sha256,
    whole_file,
    whole_folder,
    write_csv,
    write_json,
)
from tests.helpers.data import message_of, tree


def test_whole_folder_becomes_the_target(tmp_path):
    with whole_folder(tmp_path / "a" / "b") as scratch:
        (scratch / "file").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
    assert tree(tmp_path) == {"a/b/file": b"x"}


def test_whole_folder_replaces_what_was_there(tmp_path):
    target = tmp_path / "b"
    target.mkdir()
    (target / "old").write_text("old")
    with whole_folder(target) as scratch:
        (scratch / "new").write_text("new")
    assert tree(tmp_path) == {"b/new": b"new"}


def test_failed_folder_leaves_the_old_one_and_no_scratch(tmp_path):
    target = tmp_path / "b"
    target.mkdir()
    (target / "old").write_text("old")

    def interrupted():
        with whole_folder(target) as scratch:
            (scratch / "new").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert tree(tmp_path) == {"b/old": b"old"}
    assert [file.name for file in tmp_path.iterdir()] == ["b"]


def test_old_folder_is_whole_until_the_new_one_is_there(tmp_path, monkeypatch):
    target = tmp_path / "b"
    target.mkdir()
    (target / "old").write_text("old")

    def killed(path):
        assert path.name != "b"
        raise KeyboardInterrupt

    def run():
        with whole_folder(target) as scratch:
            (scratch / "new").write_text("new")
            monkeypatch.setattr("shutil.rmtree", killed)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert tree(target) == {"new": b"new"}
    monkeypatch.undo()
    with whole_folder(target):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["b"]


def test_scratch_of_a_killed_run_is_not_taken_over(tmp_path):
    left = tmp_path / ".incomplete-b"
    left.mkdir()
    (left / "half").write_text("half")
    with whole_folder(tmp_path / "b") as scratch:
        assert list(scratch.iterdir()) == []
    assert tree(tmp_path) == {}


def test_folder_replaces_a_link_but_not_what_it_leads_to(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    (tmp_path / "b").symlink_to(elsewhere)
    with whole_folder(tmp_path / "b") as scratch:
        (scratch / "new").write_text("new")
    assert not (tmp_path / "b").is_symlink()
    assert tree(tmp_path) == {"b/new": b"new", "elsewhere/kept": b"kept"}


def test_whole_file_becomes_the_target(tmp_path):
    target = tmp_path / "a" / "file"
    with whole_file(target) as scratch:
        scratch.write_text("x")
        assert not target.exists()
    assert tree(tmp_path) == {"a/file": b"x"}


def test_failed_file_leaves_the_old_one_and_no_scratch(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def failing():
        with whole_file(target) as scratch:
            scratch.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert tree(tmp_path) == {"file": b"old"}


def test_json_reads_back(tmp_path):
    content = {"text": "naïve", "number": 0.1, "none": None, "list": [1, {"a": True}]}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content


def test_json_has_one_layout(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "b": 1,\n  "a": "é"\n}\n'.encode()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_refuses_numbers_that_are_not_finite(tmp_path, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": number})
    assert tree(tmp_path) == {}


def test_json_without_a_key_is_refused(tmp_path):
    write_json(tmp_path / "a.json", {"one": 1})
    assert read_json(tmp_path / "a.json", "one") == {"one": 1}
    text = message_of(read_json, tmp_path / "a.json", "one", "two", "three")
    assert "a.json is damaged (it has no two, three): remove it" in text


def test_csv_without_a_column_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv", ["one"], [[1]])
    assert read_csv(tmp_path / "a.csv", "one") == [{"one": 1.0}]
    text = message_of(read_csv, tmp_path / "a.csv", "one", "two")
    assert "a.csv is damaged (it has no two): remove it" in text
    (tmp_path / "a.csv").write_text("")
    assert "it has no one" in message_of(read_csv, tmp_path / "a.csv", "one")


def test_missing_json_says_what_to_run(tmp_path):
    text = message_of(read_json, tmp_path / "a.json")
    assert text == f"{tmp_path}/a.json is missing: run `dvc repro` first"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"a": ',
        b"\xff\xfe",
        b"[1]",
        b"null",
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"a":-Infinity}',
    ],
    ids=["empty", "cut", "no text", "list", "null", "nested", "no number", "infinity"],
)
def test_damaged_json_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    assert "a.json is damaged" in message_of(read_json, tmp_path / "a.json")


@given(rows=st.lists(st.tuples(st.integers(0, 2**53), st.floats()), max_size=5))
def test_csv_reads_back_exactly(tmp_path_factory, rows):
    file = tmp_path_factory.getbasetemp() / "a.csv"
    write_csv(file, ["step", "loss"], rows)
    back = read_csv(file)
    assert [list(row) for row in back] == [["step", "loss"]] * len(rows)
    for row, (step, loss) in zip(back, rows, strict=True):
        assert row["step"] == step
        assert row["loss"] == loss or (math.isnan(row["loss"]) and math.isnan(loss))


def test_csv_has_a_header_and_unix_line_ends(tmp_path):
    write_csv(tmp_path / "a.csv", ["a", "b"], [[1, 0.1], [2, 1e-9]])
    assert (tmp_path / "a.csv").read_bytes() == b"a,b\n1,0.1\n2,1e-09\n"


def test_missing_csv_says_what_to_run(tmp_path):
    assert "is missing: run `dvc repro` first" in message_of(read_csv, tmp_path / "a.csv")


@pytest.mark.parametrize(
    "content",
    [b"a,b\n1,x\n", b"a,b\n1\n", b"a,b\n1,2,3\n", b"\xff\xfe\n1", b"a\n" + b"1" * 200_000],
    ids=["text", "too few", "too many", "no UTF-8", "huge field"],
)
def test_damaged_csv_is_refused(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    usual = csv.field_size_limit(131_072)  # another library may have raised it for the process
    try:
        assert "a.csv is damaged" in message_of(read_csv, tmp_path / "a.csv")
    finally:
        csv.field_size_limit(usual)


@pytest.mark.parametrize("size", [0, 1, 3 << 20])
def test_sha256_and_md5_are_those_of_the_content(tmp_path, size):
    content = json.dumps(list(range(10))).encode() * (size // 30) + b"x" * (size % 30)
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    assert md5(tmp_path / "a") == hashlib.md5(content).hexdigest()


def test_a_file_through_to_the_disk_is_whole_or_not_there(tmp_path):
    with whole_file(tmp_path / "a", through_to_disk=True) as scratch:
        scratch.write_text("x")
    assert tree(tmp_path) == {"a": b"x"}
    with pytest.raises(KeyError), whole_file(tmp_path / "a", through_to_disk=True) as scratch:
        raise KeyError
    assert tree(tmp_path) == {"a": b"x"}


@pytest.mark.parametrize("links", [True, False])
def test_a_tree_gets_a_second_name_or_is_copied(tmp_path, monkeypatch, links):
    if not links:

        def refuse(source, target):
            raise OSError(18, "Invalid cross-device link", source)

        monkeypatch.setattr("os.link", refuse)
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_text("x")
    (tmp_path / "target").mkdir()
    link_tree(tmp_path / "a", tmp_path / "target")
    assert tree(tmp_path / "target") == {"b/file": b"x"}
    assert (tmp_path / "a/b/file").samefile(tmp_path / "target/b/file") == links


@pytest.mark.skipif(os.geteuid() == 0, reason="root may change everything")
def test_a_folder_in_which_nothing_may_be_changed_makes_way(tmp_path):
    inner = tmp_path / "b" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("earlier")
    for folder in (inner, tmp_path / "b"):
        folder.chmod(0o555)
    with whole_folder(tmp_path / "b") as scratch:
        (scratch / "new").write_text("new")
    assert tree(tmp_path) == {"b/new": b"new"}
