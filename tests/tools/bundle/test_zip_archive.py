import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.common.files import sha256
from stages.tools.bundle import zip_archive

CONTENTS = {"a.txt": b"alpha", "b/c.bin": bytes(range(256)) * 5, "d": b"", "\u9854.png": b"face"}


def sizes_of(contents):
    return {name: len(content) for name, content in contents.items()}


def written(target: Path, contents=CONTENTS) -> Path:
    with target.open("wb") as file:
        zip_archive.write(file, sizes_of(contents), lambda name: iter([contents[name]]))
    return target


def is_exact(archive: Path, contents=CONTENTS) -> bool:
    return zip_archive.is_exact(archive, sizes_of(contents), lambda name: iter([contents[name]]))


def read(archive: Path):
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def test_pythons_reader_finds_all(tmp_path):
    assert read(written(tmp_path / "a.zip")) == CONTENTS
    assert read(written(tmp_path / "b.zip", {})) == {}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_finds_all(tmp_path):
    archive = written(tmp_path / "a.zip")
    subprocess.run(["unzip", "-q", str(archive), "-d", str(tmp_path / "out")], check=True)
    for name, content in CONTENTS.items():
        assert (tmp_path / "out" / name).read_bytes() == content


def test_nothing_but_names_and_contents_is_in_it(tmp_path):
    first, second = written(tmp_path / "a.zip"), written(tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        for info in archive.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.comment, info.extra, info.compress_type) == (b"", b"", 0)


def test_every_python_and_system_writes_the_same(tmp_path):
    """The hash is that of Python 3.10 to 3.13 on Linux."""
    known = "80e4c6b101b23d5c0cf9aa33ebb6f8cc12666f4b508672600c7fb93eb47f13b5"
    assert sha256(written(tmp_path / "a.zip")) == known


@given(contents=st.dictionaries(st.text("abc/", min_size=1), st.binary(max_size=40), max_size=5))
def test_sizes_in_64_bits_are_read_the_same(tmp_path_factory, contents):
    """As for files of more than 2 GB, of which none is made here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 20)
        archive = written(tmp_path_factory.mktemp("large") / "a.zip", contents)
        assert is_exact(archive, contents)
    assert read(archive) == contents


def test_more_files_than_16_bits_count(tmp_path):
    contents = {f"{number:05d}": b"" for number in range(70_000)}
    archive = written(tmp_path / "a.zip", contents)
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == list(contents)
    assert is_exact(archive, contents)


def test_each_byte_counts(tmp_path):
    archive = written(tmp_path / "a.zip")
    whole = archive.read_bytes()
    assert is_exact(archive)
    for number in range(len(whole)):
        changed = bytearray(whole)
        changed[number] ^= 1
        archive.write_bytes(changed)
        assert not is_exact(archive), number
    for other in (whole + b"x", whole[:-1], b"x" + whole, b""):
        archive.write_bytes(other)
        assert not is_exact(archive)


def test_a_content_of_another_length_than_was_said_is_another_archive(tmp_path):
    archive = written(tmp_path / "a.zip")
    assert not is_exact(archive, {**CONTENTS, "d": b"x"})
    assert not is_exact(archive, {name: CONTENTS[name] for name in reversed(CONTENTS)})
