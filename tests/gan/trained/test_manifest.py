import contextlib
import json
import math

import pytest

from stages.gan.common.errors import UserError
from stages.gan.trained import manifest
from tests.helpers.data import message_of

FILES = ("generator", "discriminator", "optimizers")


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / f"{name}.safetensors").write_text(name)
    manifest.write(tmp_path, 3, 30, {"kind": "mlp", "slope": 0.1})
    return tmp_path


def change(folder, **changes):
    """Change checkpoint.json as a person might, who leaves its checksum out."""
    file = folder / manifest.NAME
    content = {**json.loads(file.read_text()), **changes}
    del content["checksum"]
    file.write_text(json.dumps(content))


def test_what_was_written_is_read(folder):
    found = manifest.read(folder)
    assert (found.epoch, found.step) == (3, 30)
    assert found.networks == {"kind": "mlp", "slope": 0.1}
    assert sorted(found.sha256) == sorted(f"{name}.safetensors" for name in FILES)
    assert manifest.damages(folder, found) == {}


def test_every_changed_byte_is_found_or_changes_nothing(folder):
    file = folder / manifest.NAME
    sound, original = manifest.read(folder), file.read_bytes()
    harmless = 0
    for position in range(len(original)):
        for bits in (1, 4, 32):
            content = bytearray(original)
            content[position] ^= bits
            file.write_bytes(content)
            with contextlib.suppress(UserError):
                assert manifest.read(folder) == sound, (position, bits)
                harmless += 1
    # Spaces and line breaks may become others of their kind.
    assert harmless <= original.count(b"\n") + original.count(b" ")


def test_one_of_an_earlier_version_has_no_checksum_and_is_taken(folder):
    change(folder, epoch=4)
    assert manifest.read(folder).epoch == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epoch": -1}, "epoch is -1: Input should be greater than or equal to 0"),
        ({"epoch": True}, "epoch is True: Input should be a valid integer"),
        ({"step": 2.0}, "step is 2.0: Input should be a valid integer"),
        ({"step": "2"}, "step is '2': Input should be a valid integer"),
        ({"step": 2**31}, "step is 2147483648: Input should be less than 2147483648"),
        ({"networks": []}, "networks is []: Input should be a valid dictionary"),
        ({"sha256": []}, "sha256 is []: Input should be a valid dictionary"),
        ({"sha256": {"/dev/zero": "x"}}, "it should name discriminator.safetensors"),
        ({"sha256": {}}, "sha256 is {}: it should name discriminator.safetensors, generator"),
        ({"sha256": {"a\nb": 1}}, "sha256 is 1: Input should be a valid string"),
        ({"more": 1}, "valid keys are epoch, step, networks, sha256, checksum"),
    ],
)
def test_what_cannot_be_is_named(folder, changes, reason):
    change(folder, **changes)
    assert reason in message_of(manifest.read, folder)


@pytest.mark.parametrize("name", ["epoch", "step", "networks", "sha256"])
def test_what_lacks_a_key_is_refused(folder, name):
    file = folder / manifest.NAME
    content = json.loads(file.read_text())
    del content["checksum"], content[name]
    file.write_text(json.dumps(content))
    assert "valid keys are epoch, step, networks, sha256" in message_of(manifest.read, folder)


def test_a_number_too_large_for_a_float_is_refused(folder):
    file = folder / manifest.NAME
    file.write_text(file.read_text().replace("0.1", "1e999"))
    assert json.loads(file.read_text())["networks"]["slope"] == math.inf
    assert "is damaged" in message_of(manifest.read, folder)


def test_a_missing_one_is_named(tmp_path):
    assert "is missing" in message_of(manifest.read, tmp_path)


def test_each_damaged_file_is_named(folder):
    (folder / "generator.safetensors").write_text("Generator")
    (folder / "optimizers.safetensors").unlink()
    assert manifest.damages(folder, manifest.read(folder)) == {
        folder / "generator.safetensors": (
            "is damaged: its sha256 is not the one checkpoint.json holds"
        ),
        folder / "optimizers.safetensors": "is missing from the checkpoint",
    }
