import json
import zipfile

import numpy as np
import pytest

from stages.gan.common.files import write_json
from stages.gan.data.raw import formats
from stages.gan.data.raw.archives import open_container
from stages.gan.trained import manifest, states
from stages.tools.verify import checksums
from tests.helpers.data import encoded, picture, write_idx, write_zip


def describe(folder, form):
    """Write source.json as download does."""
    raw = formats.module(form, "raw")
    sizes = {name: (folder / name).stat().st_size for name in raw.FILES}
    about = {"source": "x", "bundled": False, "bytes": sizes, "sha256": raw.identities(folder)}
    write_json(folder / "source.json", about)
    return folder / "source.json"


@pytest.fixture
def digits(tmp_path):
    write_idx(tmp_path)
    return describe(tmp_path, "idx")


@pytest.fixture
def pictures(tmp_path):
    raw = formats.module("images", "raw")
    write_zip(tmp_path / "a.zip", {f"{i}.png": encoded(picture(i)) for i in range(3)})
    with open_container(tmp_path / "a.zip", 1 << 30) as container:
        raw.gather(container, tmp_path, 1 << 30)
    (tmp_path / "a.zip").unlink()
    return describe(tmp_path, "images")


def flip(file, position):
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)


def test_carriers_are_found_at_any_depth(tmp_path):
    files = ("a/checkpoint.json", "a/b/checkpoint.json", "source.json", "a/verdict.json", "j.state")
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [file.relative_to(tmp_path).as_posix() for file in checksums.carriers(tmp_path)]
    assert names == ["a/b/checkpoint.json", "a/checkpoint.json", "j.state", "source.json"]
    assert checksums.carriers(tmp_path / "none") == []


def test_a_state_is_checked_by_its_first_line(tmp_path):
    file = tmp_path / "judge.state"
    states.write(file, {"a": np.arange(3)}, {"b": 1})
    assert checksums.damages(file) == {}
    for position in (3, 64, 80, -1):
        flip(file, position)
        assert "is damaged" in checksums.damages(file)[file]
        flip(file, position)


@pytest.mark.parametrize("form", ["digits", "pictures"])
def test_sound_raw_data_is_sound(form, request):
    assert checksums.damages(request.getfixturevalue(form)) == {}


def test_a_damaged_idx_file_is_named(digits):
    file = digits.parent / "t10k-labels-idx1-ubyte"
    flip(file, -1)
    assert checksums.damages(digits) == {
        file: "is damaged: its sha256 is not the one source.json holds"
    }


def test_missing_and_shortened_files_are_named(digits):
    missing, short = (
        digits.parent / f"t10k-{name}-ubyte" for name in ("labels-idx1", "images-idx3")
    )
    missing.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    found = checksums.damages(digits)
    assert found[missing] == "is missing from the raw data"
    assert "bytes, but source.json says another size" in found[short]
    assert len(found) == 2


def test_damaged_pictures_are_found_wherever_the_archive_is_hit(pictures):
    archive = pictures.parent / "images.zip"
    with zipfile.ZipFile(archive) as opened:
        inside = opened.infolist()[1].header_offset + 200
    for position in (inside, -1, len(archive.read_bytes()) - 30):
        original = archive.read_bytes()
        flip(archive, position)
        found = checksums.damages(pictures)
        archive.write_bytes(original)
        # The archive's comment length and the like are no part of the pictures.
        assert position != inside or found[archive].startswith("is damaged")
        assert set(found) <= {archive}


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": None},
        {"sha256": {"a": "b"}},
        {"bytes": None},
        {"bytes": {"a": 1}},
        {"sha256": []},
    ],
)
def test_a_description_of_something_else_is_damaged(digits, changes):
    digits.write_text(json.dumps({**json.loads(digits.read_text()), **changes}))
    (reason,) = checksums.damages(digits).values()
    assert reason.startswith("is damaged: it should list the bytes and sha256 of its files")


@pytest.mark.parametrize("name", ["source.json", manifest.NAME])
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"a": NaN}'])
def test_a_carrier_that_cannot_be_read_is_named_itself(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (found,) = checksums.damages(tmp_path / name).items()
    assert found[0] == tmp_path / name
    assert found[1].startswith("is damaged")


def test_a_checkpoint_is_checked(tmp_path):
    for name in ("generator", "discriminator", "optimizers"):
        (tmp_path / f"{name}.safetensors").write_text(name)
    manifest.write(tmp_path, 1, 1, {})
    assert checksums.damages(tmp_path / manifest.NAME) == {}
    flip(tmp_path / "generator.safetensors", 0)
    assert list(checksums.damages(tmp_path / manifest.NAME)) == [tmp_path / "generator.safetensors"]
