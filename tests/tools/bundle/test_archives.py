import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tools.bundle import archives
from stages.tools.bundle.archives import Entry, is_exact, layout, write

CONTENTS = {"a.txt": b"alpha", "b/c.bin": bytes(range(256)) * 5, "d": b"", "\u9854.png": b"face"}


def entries_of(contents):
    return [Entry(name, len(content), zlib.crc32(content)) for name, content in contents.items()]


def written(target: Path, contents=CONTENTS) -> Path:
    write(target, entries_of(contents), lambda name: iter([contents[name]]))
    return target


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


@given(contents=st.dictionaries(st.text("abc/", min_size=1), st.binary(max_size=40), max_size=5))
def test_sizes_in_64_bits_are_read_the_same(tmp_path_factory, contents):
    """As for files of more than 4 GB, of which none is made here."""
    entries = entries_of(contents)
    headers, tail = layout(entries, full=20)
    archive = tmp_path_factory.mktemp("large") / "a.zip"
    pieces = [head + contents[entry.name] for head, entry in zip(headers, entries, strict=True)]
    archive.write_bytes(b"".join(pieces) + tail)
    with zipfile.ZipFile(archive) as opened:
        assert {info.filename: opened.read(info) for info in opened.infolist()} == contents


def test_more_files_than_16_bits_count(tmp_path):
    contents = {f"{number:05d}": b"" for number in range(70_000)}
    archive = written(tmp_path / "a.zip", contents)
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == list(contents)
    assert is_exact(archive, entries_of(contents))


def test_each_byte_around_the_contents_counts(tmp_path):
    archive = written(tmp_path / "a.zip")
    entries, whole = entries_of(CONTENTS), archive.read_bytes()
    assert is_exact(archive, entries)
    headers, tail = layout(entries)
    places, place = [], 0
    for header, entry in zip(headers, entries, strict=True):
        places += range(place, place + len(header))
        place += len(header) + entry.size
    places += range(place, place + len(tail))
    for number in places:
        changed = bytearray(whole)
        changed[number] ^= 1
        archive.write_bytes(changed)
        assert not is_exact(archive, entries), number
    for other in (whole + b"x", whole[:-1], b"x" + whole, b""):
        archive.write_bytes(other)
        assert not is_exact(archive, entries)


def test_full_is_what_32_bits_cannot_hold():
    below, above = (layout([Entry("a", size, 0)])[0][0] for size in (2**32 - 2, 2**32 - 1))
    assert len(above) == len(below) + 20
    assert archives._FULL == 2**32 - 1
