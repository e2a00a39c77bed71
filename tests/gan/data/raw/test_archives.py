import errno
import io
import os
import random
import struct
import zipfile
import zlib

import pytest

from stages.gan.common.errors import UserError
from stages.gan.data.raw.archives import (
    Stored,
    copy_bounded,
    open_container,
    read_stored,
)
from tests.helpers.data import MANY, message_of, write_zip

CONTENT = {"b/two.txt": b"two" * 100, "one.txt": b"one"}


def read_all(path, maximum_bytes=MANY):
    with open_container(path, maximum_bytes) as container:
        contents = {}
        for name in container.names():
            with container.open(name) as stream:
                contents[name] = stream.read()
        return contents


def zip_with(path, name, content=b"x", attributes=0):
    """An archive with one entry of any name: writestr would clean it."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.external_attr = attributes
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, content)
    return path


def test_zip_gives_its_files(tmp_path):
    assert read_all(write_zip(tmp_path / "a.zip", CONTENT)) == CONTENT


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_of_any_method_gives_its_files(tmp_path, method):
    assert read_all(write_zip(tmp_path / "a.zip", CONTENT, method)) == CONTENT


def test_folder_gives_its_files(tmp_path):
    for name, content in CONTENT.items():
        file = tmp_path / "folder" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    assert read_all(tmp_path / "folder") == CONTENT


def test_names_are_sorted_and_hold_no_folders(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"z": b"", "d/": b"", "d/y": b"", "a": b""})
    with open_container(path, MANY) as container:
        assert container.names() == ["a", "d/y", "z"]


def test_backslashes_stand_for_folders(tmp_path):
    """As PowerShell 5 writes them; its folders end in one."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("d\\", b""), ("d\\x", b"1"), ("y", b"2")):
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            archive.writestr(info, content)
    assert read_all(path) == {"d/x": b"1", "y": b"2"}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("d/x", b"3")
    assert message_of(read_all, path) == "a.zip holds 'd/x' twice"


def test_folder_inside_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def walk(path, onerror):
        onerror(PermissionError(13, "Permission denied", f"{path}/closed"))
        return []

    monkeypatch.setattr("os.walk", walk)
    expected = f"{tmp_path}/closed cannot be read: Permission denied"
    assert message_of(read_all, tmp_path) == expected


def test_links_to_folders_and_pipes_in_a_folder_are_unreachable(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"1")
    (tmp_path / "more").symlink_to("d")
    (tmp_path / "around").symlink_to(".")
    os.mkfifo(tmp_path / "pipe")
    with open_container(tmp_path, MANY) as container:
        assert container.names() == ["d/x"]
        assert container.unreachable() == {
            "around": "a link to a folder",
            "more": "a link to a folder",
            "pipe": "neither a file nor a folder",
        }


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_could_be_read_without_an_end_is_refused(tmp_path, make):
    make(tmp_path / "a.zip")
    expected = f"{tmp_path}/a.zip is neither a file nor a folder"
    assert message_of(read_all, tmp_path / "a.zip") == expected


def unreadable(self, *_arguments, **_options):
    raise PermissionError(13, "Permission denied", str(self))


def test_archive_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "a.zip", CONTENT)
    monkeypatch.setattr("zipfile.ZipFile.__init__", lambda self, *_: unreadable(path))
    assert message_of(read_all, path) == f"{path} cannot be read: Permission denied"


def test_file_of_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "one").write_bytes(b"1")
    monkeypatch.setattr("pathlib.Path.open", unreadable)
    assert message_of(read_all, tmp_path) == f"{tmp_path}/one cannot be read: Permission denied"


def test_missing_container_is_named(tmp_path):
    assert message_of(read_all, tmp_path / "no.zip") == f"{tmp_path}/no.zip does not exist"


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "/etc/evil",
        "..\\evil",
        "a\\..\\..\\evil",
        "\\evil",
        "C:\\evil",
        "C:/evil",
        "c:evil",
        "..",
    ],
)
def test_entry_that_leads_outside_is_refused(tmp_path, name):
    text = message_of(read_all, zip_with(tmp_path / "a.zip", name))
    assert "a.zip holds an entry that leads outside: " in text


@pytest.mark.parametrize("name", ["a..b", "...", "12:30.jpg", "d/12:30.jpg", "."])
def test_odd_name_that_stays_inside_is_read(tmp_path, name):
    assert read_all(zip_with(tmp_path / "a.zip", name)) == {name: b"x"}


def test_link_is_refused(tmp_path):
    path = zip_with(tmp_path / "a.zip", "link", b"/etc/passwd", 0o120777 << 16)
    text = message_of(read_all, path)
    assert "a.zip holds a link, which is refused: 'link' (zip packs the files themselves" in text


def test_name_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("same", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("same", b"2")
    assert message_of(read_all, path) == "a.zip holds 'same' twice"


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_truncated_zip_is_refused(tmp_path, keep):
    path = write_zip(tmp_path / "a.zip", CONTENT)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    assert "a.zip is not a valid zip archive" in message_of(read_all, path)


@pytest.mark.parametrize("content", [b"", b"garbage" * 50, b"PK\x03\x04", b"<html>404</html>"])
def test_garbage_is_refused(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    assert "a.zip is not a valid zip archive" in message_of(read_all, path)


def test_archive_that_unpacks_to_more_than_the_bound_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": bytes(600), "b": bytes(401)})
    assert path.stat().st_size < 1000
    text = message_of(read_all, path, 1000)
    assert "a.zip unpacks to 1,001 bytes, more than download.maximum_bytes (1,000)" in text
    assert len(read_all(path, 1001)) == 2


def test_archive_that_lies_about_its_size_gives_no_more_than_it_claims(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": bytes(5000)})
    lying = path.read_bytes().replace(struct.pack("<I", 5000), struct.pack("<I", 10))
    path.write_bytes(lying)
    assert "a.zip is not a valid zip archive" in message_of(read_all, path)


def test_encrypted_archive_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": b"secret" * 10}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)
    text = message_of(read_all, path)
    assert text == "a.zip is encrypted: it must be a zip archive without a password"


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_damaged_member_is_refused(tmp_path, method):
    content = random.Random(1).randbytes(400)
    path = write_zip(tmp_path / "a.zip", {"a": content}, method)
    damaged = bytearray(path.read_bytes())
    for place in range(60, 90):
        damaged[place] ^= 0xFF
    path.write_bytes(damaged)
    assert "a.zip is not a valid zip archive" in message_of(read_all, path)


def test_any_damage_ends_in_a_user_error_or_goes_unnoticed(tmp_path):
    draw = random.Random(2)
    path = tmp_path / "a.zip"
    refused = 0
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        whole = write_zip(path, {"é.txt": b"hello" * 200, "b/c": b"x" * 10}, method).read_bytes()
        for _ in range(100):
            damaged = bytearray(whole)
            for _ in range(draw.choice([1, 1, 2, 5])):
                damaged[draw.randrange(len(damaged))] = draw.randrange(256)
            path.write_bytes(damaged)
            try:
                read_all(path, 10_000)
            except UserError:
                refused += 1
    assert refused > 100


def test_faults_of_the_block_itself_are_not_hidden(tmp_path):
    path = write_zip(tmp_path / "a.zip", CONTENT)
    with (
        pytest.raises(FileNotFoundError),
        open_container(path, MANY),
    ):
        (tmp_path / "missing").read_bytes()
    with pytest.raises(RuntimeError, match="ours"), open_container(path, MANY):
        raise RuntimeError("ours")


def test_copy_bounded_copies_and_counts(tmp_path):
    assert copy_bounded(io.BytesIO(b"12345"), tmp_path / "a", 5, "it") == 5
    assert (tmp_path / "a").read_bytes() == b"12345"


def test_copy_bounded_refuses_one_byte_more(tmp_path):
    text = message_of(copy_bounded, io.BytesIO(b"123456"), tmp_path / "a", 5, "it")
    assert text == "it is larger than download.maximum_bytes (5)"
    assert (tmp_path / "a").stat().st_size <= 5


def stored(path):
    """What each file's place in the archive is."""
    with open_container(path, MANY) as container:
        return [container.stored(name) for name in container.names()]


def odd_archive(path):
    """Files as they are, under names and headers of all lengths."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("a", b"one"), ("b/" + "ü" * 90, b"two" * 5000), ("empty", b"")):
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=name == "a") as file:
                file.write(content)
    return path


def test_stored_files_are_read_where_they_lie(tmp_path):
    path = odd_archive(tmp_path / "a.zip")
    members = stored(path)
    assert None not in members
    assert list(read_stored(path, [*members, b"given"])) == [*read_all(path).values(), b"given"]
    assert list(read_stored(path, reversed(members))) == list(reversed(read_all(path).values()))


def test_what_is_not_stored_as_it_is_has_no_place(tmp_path):
    assert stored(write_zip(tmp_path / "a.zip", CONTENT)) == [None, None]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"x")
    assert stored(tmp_path / "folder") == [None]


def test_any_damage_to_stored_files_is_told_or_harmless(tmp_path):
    path = odd_archive(tmp_path / "a.zip")
    members, expected = stored(path), list(read_all(path).values())
    whole = path.read_bytes()
    end = whole.index(b"PK\1\2")
    draw = random.Random(1)
    reasons = []
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[draw.choice([draw.randrange(end), draw.randrange(80)])] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            assert list(read_stored(path, members)) == expected
        except UserError as error:
            reasons.append(str(error))
    assert len(reasons) > 150
    assert all(reason.startswith("a.zip is not a valid zip archive: ") for reason in reasons)


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Stored("a", 0, 1 << 60, 0), "'a' would end after it"),
        (Stored("a", 3, 3, 0), "Bad magic number for file header of 'a'"),
        (Stored("a", 0, 3, 1), "Bad CRC-32 for file 'a'"),
    ],
)
def test_place_that_is_wrong_is_told(tmp_path, member, reason):
    path = odd_archive(tmp_path / "a.zip")
    text = message_of(lambda: list(read_stored(path, [member])))
    assert text == f"a.zip is not a valid zip archive: {reason}"


@pytest.mark.parametrize("method", [9, 93, 99])
def test_a_packing_that_is_not_read_is_told_with_what_to_do(tmp_path, method):
    path = write_zip(tmp_path / "a.zip", {"1.png": b"x"})
    content = path.read_bytes()
    for header, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = content.index(header) + place
        content = content[:start] + bytes([method, 0]) + content[start + 2 :]
    path.write_bytes(content)
    text = message_of(read_all, path)
    assert text.startswith("a.zip is packed in a way that is not read, such as the Deflate64")
    assert text.endswith(": unpack it, and name the folder as the source")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EINVAL, "Invalid argument", "/out/train_images.npy"),
        OSError("without a number"),
        NotImplementedError("ours"),
        EOFError("ours"),
        zlib.error("of another stream"),
        RuntimeError("no password"),
    ],
    ids=repr,
)
def test_an_error_of_what_uses_the_archive_is_not_told_as_its_damage(tmp_path, error):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "x")
    with pytest.raises(type(error)) as caught, open_container(file, 100):
        raise error
    assert caught.value is error
