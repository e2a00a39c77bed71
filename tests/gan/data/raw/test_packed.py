import bz2
import gzip
import io
import lzma
import pickle
import random
import re
import subprocess
import tarfile
import zipfile

import pytest

from stages.gan.common.errors import UserError
from stages.gan.data.raw.archives import copy_bounded
from stages.gan.data.raw.packed import open_source, unpacked
from tests.helpers.data import MANY, message_of, write_zip

CONTENT = {"b/two.txt": b"two" * 400, "one.txt": b"one", "empty": b""}
PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def read_all(path, maximum_bytes=MANY):
    with open_source(path, maximum_bytes, path.parent) as container:
        contents = {}
        for name in container.names():
            with container.open(name) as stream:
                contents[name] = stream.read()
        return contents


def entry(name, content=b"x", **fields):
    """A tar member: its header with some fields changed, and its content."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tarred(*entries, form=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def whole_tar(form=tarfile.PAX_FORMAT, contents=CONTENT):
    return tarred(*[entry(name, content) for name, content in contents.items()], form=form)


def written(tmp_path, content, name="a.tar"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_of_any_kind_gives_its_files(tmp_path, ending, form):
    path = written(tmp_path, PACKERS[ending](whole_tar(form)), f"a.tar{ending}")
    assert read_all(path) == CONTENT


@pytest.mark.parametrize("name", ["a.tgz", "archive", "a.zip.tar"])
def test_content_decides_not_the_name(tmp_path, name):
    assert read_all(written(tmp_path, gzip.compress(whole_tar()), name)) == CONTENT


def test_a_tar_without_a_magic_number_is_one_too(tmp_path):
    content = bytearray(tarred(entry("one", b"1"), form=tarfile.USTAR_FORMAT))
    content[257:265] = bytes(8)
    content[148:156] = b"%06o\0 " % (sum(content[:148]) + 8 * 32 + sum(content[156:512]))
    assert read_all(written(tmp_path, bytes(content))) == {"one": b"1"}


@pytest.mark.parametrize("name", ["a.zip", "archive"])
def test_zip_and_folder_are_opened(tmp_path, name):
    assert read_all(write_zip(tmp_path / name, CONTENT)) == CONTENT
    folder = tmp_path / "folder"
    (folder / "d").mkdir(parents=True)
    (folder / "d" / "x").write_bytes(b"1")
    assert read_all(folder) == {"d/x": b"1"}


@pytest.mark.parametrize(
    ("name", "content", "inner"),
    [
        ("train-images.gz", gzip.compress(b"values"), "train-images"),
        ("train-images.xz", lzma.compress(b"values"), "train-images"),
        ("train-images", b"values", "train-images"),
        ("images", bz2.compress(b"values"), "images"),
    ],
    ids=["gz", "xz", "plain", "bz2"],
)
def test_a_single_file_is_a_source_of_one_file(tmp_path, name, content, inner):
    assert read_all(written(tmp_path, content, name)) == {inner: b"values"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\7", "rar"), (b"\x28\xb5\x2f\xfd", "zstd")],
)
def test_an_archive_that_is_not_read_is_named_with_what_to_do(tmp_path, content, kind):
    text = message_of(read_all, written(tmp_path, content + bytes(600), "a.zip"))
    assert text.startswith(f"a.zip is a {kind} archive, which is not read: unpack it, and name the")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file, which is not read: save its images as files"),
        (b"PAR1" + bytes(600), "a Parquet file, which is not read: save"),
        (b"MATLAB 5.0 MAT-file" + bytes(600), "a MATLAB file, which is not read: save"),
        (pickle.dumps([1, 2]), "a pickle, which is not read: save"),
        (b"label,1x1\r\n5,0\r\n" * 99, "text, such as CSV, which is not read: save"),
        (b"<!DOCTYPE html><html>", "a web page, which is not read: it may ask for a login"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n",
            "a pointer of Git LFS, and not the file itself, which is not read: fetch the file by",
        ),
    ],
    ids=["HDF5", "Parquet", "MATLAB", "pickle", "CSV", "page", "LFS"],
)
def test_a_file_of_another_kind_is_named_with_what_to_do(tmp_path, content, told):
    text = message_of(read_all, written(tmp_path, content, "faces.zip"))
    assert text.startswith(f"faces.zip is {told}")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_entry_that_leads_outside_is_refused(tmp_path, name):
    path = written(tmp_path, tarred(entry(name)))
    assert message_of(read_all, path) == f"a.tar holds an entry that leads outside: {name!r}"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_link_is_refused_with_what_to_do(tmp_path, kind):
    path = written(tmp_path, tarred(entry("link", b"", type=kind, linkname="/etc/passwd")))
    text = message_of(read_all, path)
    assert text.startswith("a.tar holds a link, which is refused: 'link' (tar packs the files")
    assert "--dereference --hard-dereference" in text


def test_the_advice_for_links_works(tmp_path):
    """tar with the options that the message names packs the files in place of the links."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_bytes(b"1")
    (folder / "soft").symlink_to("a")
    (folder / "hard").hardlink_to(folder / "a")
    tar = ["tar", "-cf", "a.tar", "-C", "in", "."]
    subprocess.run(tar, cwd=tmp_path, check=True)
    text = message_of(read_all, tmp_path / "a.tar")
    options = re.search(r"with (--.*)\)$", text)[1].split()
    subprocess.run([*tar, *options], cwd=tmp_path, check=True)
    assert read_all(tmp_path / "a.tar") == dict.fromkeys(("a", "soft", "hard"), b"1")


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_device_is_refused(tmp_path, kind):
    path = written(tmp_path, tarred(entry("pipe", b"", type=kind)))
    assert message_of(read_all, path) == "a.tar holds 'pipe', which is no plain file"


def test_name_that_stands_twice_is_refused(tmp_path):
    path = written(tmp_path, tarred(entry("./same"), entry("same")))
    assert message_of(read_all, path) == "a.tar holds 'same' twice"


def test_folders_are_no_files_and_dots_are_no_folders(tmp_path):
    members = [entry("./d", b"", type=tarfile.DIRTYPE), entry("./d/x")]
    assert read_all(written(tmp_path, tarred(*members))) == {"d/x": b"x"}


@pytest.mark.parametrize("place", [512, 700, 1024, 1500])
def test_tar_that_is_cut_off_is_refused(tmp_path, place):
    path = written(tmp_path, tarred(entry("a", bytes(600)), entry("b", b"x"))[:place])
    assert message_of(read_all, path).startswith("a.tar is not a valid tar archive: ")


def test_damaged_header_in_the_middle_is_no_end(tmp_path):
    """tarfile itself would end there without a word, and the files behind it would be lost."""
    content = bytearray(tarred(entry("a"), entry("b"), entry("c")))
    content[1024 + 10] ^= 0xFF
    text = message_of(read_all, written(tmp_path, bytes(content)))
    assert "it is cut off, or a header in it is damaged" in text


def test_negative_size_and_huge_headers_end_at_once(tmp_path):
    content = bytearray(tarred(entry("a"), entry("b"), form=tarfile.GNU_FORMAT))
    size = slice(1024 + 124, 1024 + 136)
    for field in (b"\xff" * 11 + b"\x00", b"-0000001000\0"):
        content[size] = field
        head = content[1024:1536]
        head[148:156] = b" " * 8
        content[1024 + 148 : 1024 + 156] = b"%06o\0 " % sum(head)
        text = message_of(read_all, written(tmp_path, bytes(content)))
        assert text.startswith("a.tar is not a valid tar archive: ")
    for header, said in (
        ({"comment": "1" * 5000}, "a header of hundreds of digits"),
        ({"comment": "x" * 200_000}, "a header of more than 64 KiB"),
    ):
        path = written(tmp_path, tarred(entry("a"), entry("b", pax_headers=header)))
        text = message_of(read_all, path)
        assert text == f"a.tar is not a valid tar archive: {said}"


@pytest.mark.parametrize("ending", PACKERS)
def test_bound_holds_for_what_is_unpacked(tmp_path, ending):
    content = tarred(entry("a", bytes(600)), entry("b", bytes(601)))
    path = written(tmp_path, PACKERS[ending](content), f"a.tar{ending}")
    text = message_of(read_all, path, 1000)
    assert "download.maximum_bytes (1,000)" in text
    bomb = written(tmp_path, PACKERS[ending](bytes(3_000_000)), f"b{ending}")
    if ending:
        assert message_of(read_all, bomb, 1_000_000) == (
            f"b{ending} is larger than download.maximum_bytes (1,000,000)"
        )
    assert [file.name for file in tmp_path.iterdir() if file.is_dir()] == []


def test_no_damage_of_any_kind_ends_in_another_error(tmp_path):
    draw = random.Random(3)
    refused = 0
    for ending, pack in PACKERS.items():
        whole = pack(whole_tar(tarfile.GNU_FORMAT))
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(draw.choice([1, 1, 2, 5])):
                damaged[draw.randrange(min(len(damaged), 4000))] = draw.randrange(256)
            try:
                read_all(written(tmp_path, bytes(damaged), f"a.tar{ending}"), 100_000)
            except UserError:
                refused += 1
    assert refused > 60


@pytest.mark.parametrize("pack", PACKERS.values())
def test_stream_is_unpacked_by_its_first_bytes(pack):
    with unpacked(io.BytesIO(pack(b"0123456789" * 9)), "it") as (stream, start):
        assert start == b"0123456789012345"
        assert stream.read() == b"0123456789" * 9


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_damaged_stream_is_named(kind):
    content = PACKERS[{"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz"}[kind]](bytes(range(256)) * 40)

    def read():
        with unpacked(io.BytesIO(content[:-20]), "it") as (stream, _):
            stream.read()

    assert message_of(read).startswith(f"it is not a valid {kind} file: ")


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"hello" * 100)[:-4],
        gzip.compress(random.Random(1).randbytes(500))[:200],
        b"\x1f\x8b",
        gzip.compress(b"hello" * 100)[:-8] + bytes(8),
        gzip.compress(b"hello") + b"junk",
    ],
    ids=["no end", "half", "two bytes", "wrong checksum", "junk behind"],
)
def test_damaged_gzip_is_refused(content):
    def read():
        with unpacked(io.BytesIO(content), "it.gz") as (stream, _):
            stream.read()

    assert "it.gz is not a valid gzip file" in message_of(read)


def test_gzip_bomb_is_stopped_by_the_bound(tmp_path):
    bomb = gzip.compress(bytes(20 << 20))
    with unpacked(io.BytesIO(bomb), "it.gz") as (stream, _):
        text = message_of(copy_bounded, stream, tmp_path / "a", 1000, "it.gz")
    assert text == "it.gz is larger than download.maximum_bytes (1,000)"
    assert (tmp_path / "a").stat().st_size <= 1000


def test_a_fault_of_what_uses_the_stream_is_not_told_as_its_damage(tmp_path):
    full = OSError(28, "No space left on device", "/out/x")
    with (
        pytest.raises(OSError, match="No space left") as caught,
        unpacked(io.BytesIO(gzip.compress(b"x")), "it.gz"),
    ):
        raise full
    assert caught.value is full


def test_a_single_file_that_says_it_is_a_zip_must_be_one(tmp_path):
    path = written(tmp_path, b"404", "set.zip")
    assert "set.zip is not a valid zip archive" in message_of(read_all, path)
    assert not zipfile.is_zipfile(path)
