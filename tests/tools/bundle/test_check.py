import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.common.errors import UserError
from stages.tools.bundle import check as bundle_check
from stages.tools.bundle import contents
from stages.tools.bundle.check import check, read_json, unpack
from stages.tools.bundle.manifest import NAME
from tests.helpers.bundle import FILES, archive_of, manifest_of, pack
from tests.helpers.data import message_of, tree


@pytest.fixture(params=["a.zip", "folder"])
def bundle(request, tmp_path) -> Path:
    return pack(tmp_path / request.param)


def test_a_sound_one_has_no_damage_and_unpacks_to_its_files(bundle, tmp_path):
    checked = check(bundle)
    assert checked.damages == {}
    assert checked.size == sum(map(len, FILES.values()))
    unpack(checked, tmp_path / "out")
    found = tree(tmp_path / "out")
    assert found.pop(NAME) == manifest_of(FILES)
    assert found == FILES
    assert check(tmp_path / "out").damages == {}


@given(
    files=st.dictionaries(st.from_regex(r"[a-z]{1,4}/[a-z]{1,4}", fullmatch=True), st.binary()),
    data=st.data(),
)
def test_it_comes_back_and_any_changed_byte_is_found(tmp_path_factory, files, data):
    folder = tmp_path_factory.mktemp("bundle")
    archive = pack(folder / "a.zip", files)
    checked = check(archive)
    assert checked.damages == {}
    unpack(checked, folder / "out")
    assert tree(folder / "out") == {NAME: manifest_of(files), **files}
    content = bytearray(archive.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    archive.write_bytes(content)
    expect_to_be_found(archive)


def expect_to_be_found(archive: Path) -> None:
    try:
        assert check(archive).damages
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_every_single_byte_of_an_archive_counts(tmp_path):
    archive = pack(tmp_path / "a.zip")
    whole = archive.read_bytes()
    for place in range(len(whole)):
        for bits in (1, 128):
            content = bytearray(whole)
            content[place] ^= bits
            archive.write_bytes(content)
            expect_to_be_found(archive)
    for length in range(0, len(whole), 7):
        archive.write_bytes(whole[:length])
        expect_to_be_found(archive)
    for other in (whole + b"\0", b"\0" + whole, whole + whole):
        archive.write_bytes(other)
        expect_to_be_found(archive)


def test_damaged_missing_and_extra_files_are_named(tmp_path):
    folder = pack(tmp_path / "folder")
    (folder / "params.yaml").write_bytes(b"a: 2\n")
    (folder / "metrics/mnist/train.json").unlink()
    (folder / "models/x/empty").write_bytes(b"x")
    (folder / "more").touch()
    assert check(folder).damages == {
        "params.yaml": "damaged (its sha256 differs from the manifest)",
        "metrics/mnist/train.json": "missing",
        "models/x/empty": "damaged (it has more bytes than the 0 in the manifest)",
        "more": "extra (not in the manifest)",
    }
    (folder / "params.yaml").write_bytes(b"a")
    short = check(folder).damages["params.yaml"]
    assert short == "damaged (it has 1 bytes, but the manifest says 5)"


def test_an_archive_of_another_program_with_the_same_files_is_told(tmp_path):
    archive = archive_of(tmp_path / "a.zip", FILES, FILES)
    (name, reason), *rest = check(archive).damages.items()
    assert (name, rest) == ("a.zip", [])
    assert "its files are intact, but the archive around them is not" in reason


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil", "a\\b", "a//b", "a\nb"],
)
@pytest.mark.parametrize("listed", [True, False])
def test_what_leads_outside_is_refused_or_named_and_never_written(tmp_path, name, listed):
    files = {**FILES, name: b"x"}
    archive = archive_of(tmp_path / "a.zip", files, files if listed else FILES)
    try:
        checked = check(archive)
    except UserError:
        pass
    else:
        assert not listed
        assert "extra" in checked.damages[name]
    assert os.listdir(tmp_path) == ["a.zip"]


def test_a_name_with_backslashes_is_not_the_listed_one_with_slashes(tmp_path):
    name = "models/x/empty"
    files = {other: content for other, content in FILES.items() if other != name}
    written = {**files, name.replace("/", "\\"): FILES[name]}
    assert check(archive_of(tmp_path / "a.zip", written, FILES)).damages == {
        name: "missing",
        name.replace("/", "\\"): "extra (not in the manifest)",
    }


def test_links_are_refused(tmp_path):
    archive = archive_of(tmp_path / "a.zip", FILES, FILES, **{"params.yaml": 0o120777})
    assert "a.zip holds a link, which is refused: 'params.yaml'" in message_of(check, archive)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc")])
@pytest.mark.parametrize("name", ["more", "models/more"])
def test_links_and_pipes_in_a_folder_are_refused(tmp_path, make, name):
    folder = pack(tmp_path / "folder")
    make(folder / name)
    text = message_of(check, folder)
    assert text == f"{folder / name} is a link or no regular file"


def test_names_that_stand_twice_are_refused(tmp_path):
    archive = archive_of(tmp_path / "a.zip", FILES, FILES)
    with zipfile.ZipFile(archive, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("params.yaml", b"a: 1\n")
    assert message_of(check, archive) == "a.zip holds 'params.yaml' twice"


def test_compressed_files_are_refused_unread(tmp_path):
    """However much they unpack to."""
    files = {**FILES, "bomb": bytes(1 << 24)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {NAME: manifest_of(files), **files}.items():
            archive.writestr(name, content)
    assert (tmp_path / "a.zip").stat().st_size < 1 << 16
    assert "holds compressed or encrypted files" in message_of(check, tmp_path / "a.zip")


def test_entries_that_share_their_content_are_refused(tmp_path):
    """As in the bombs that are small however much they hold: many entries with the same bytes."""
    archive = archive_of(tmp_path / "a.zip", {"a": bytes(4000), "b": bytes(4000)}, {})
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        first, second = (opened.getinfo(name).header_offset for name in "ab")
    end = content.index(b"PK\1\2")
    cut = content[:second] + content[end:]
    cut = cut.replace(struct.pack("<I", second) + b"b", struct.pack("<I", first) + b"b")
    begin, tail = struct.unpack_from("<I", cut, len(cut) - 6)[0], cut[-2:]
    archive.write_bytes(cut[:-6] + struct.pack("<I", begin - (end - second)) + tail)
    assert "more than its own size" in message_of(check, archive)


def test_a_list_too_long_to_be_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_check, "_MOST_JSON", 100)
    assert "more than 100 bytes, the most" in message_of(check, pack(tmp_path / "a.zip"))


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"no archive at all"])
def test_what_is_no_bundle_is_named(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert "a.zip is not a valid zip archive" in message_of(check, tmp_path / "a.zip")
    (tmp_path / "folder").mkdir()
    assert message_of(check, tmp_path / "folder").endswith(
        "is not a bundle: it should hold bundle.json"
    )
    assert message_of(check, tmp_path / "none.zip").endswith("none.zip does not exist")


def test_a_folder_that_is_there_is_left_alone(bundle, tmp_path):
    (tmp_path / "out").mkdir()
    assert "exists already" in message_of(unpack, check(bundle), tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_what_changes_after_the_check_is_not_unpacked(tmp_path):
    folder = pack(tmp_path / "folder")
    checked = check(folder)
    (folder / "params.yaml").write_bytes(b"a: 2\n")
    text = message_of(unpack, checked, tmp_path / "out")
    assert text == f"params.yaml in {folder} changed while it was read: run the same command again"
    assert sorted(os.listdir(tmp_path)) == ["folder"]
    (folder / "params.yaml").write_bytes(b"a: 1\n")
    (folder / NAME).write_bytes(manifest_of({}))
    assert "bundle.json" in message_of(unpack, checked, tmp_path / "out")


def test_json_is_read_and_what_is_none_is_told(bundle, tmp_path):
    checked = check(bundle)
    assert read_json(checked, "metrics/mnist/train.json") == {}
    assert read_json(checked, "not there") == {}
    assert "cannot be read: it should hold" in message_of(
        read_json, check(pack(tmp_path / "other.zip", {"a": b"[1]"})), "a"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    opened = Path.open

    def full(self, mode="r", *arguments, **options):
        return opened(Path("/dev/full") if mode == "wb" else self, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    for name in ("a.zip", "folder"):
        with pytest.raises(OSError, match="No space left"):
            pack(tmp_path / name, {"a": bytes(100_000)})
    assert os.listdir(tmp_path) == []
    assert contents.ARCHIVE == ".zip"
