import sys

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.errors import UserError
from stages.tools.use import generate
from tests.helpers.project import ROOT
from tests.helpers.training.network import save_untrained


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A models folder with untrained networks of 1x8x8 images and 6 latent numbers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    save_untrained(tmp_path / "models/mnist/checkpoints/final")
    return tmp_path


def call(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["generate", *arguments])
    generate.main()


def test_a_grid_that_repeats(model, monkeypatch):
    for name in ("a.png", "b.png"):
        call(monkeypatch, "mnist", "--seed", "7", "--count", "9", "--output", name)
    call(monkeypatch, "mnist", "--seed", "8", "--count", "9", "--output", "c.png")
    assert (model / "a.png").read_bytes() == (model / "b.png").read_bytes()
    assert (model / "a.png").read_bytes() != (model / "c.png").read_bytes()
    with Image.open(model / "a.png") as picture:
        assert picture.size == (32, 32)


def test_codes_from_a_file_and_values_as_npy(model, monkeypatch):
    np.save(model / "codes.npy", np.zeros((3, 6)))
    call(monkeypatch, "mnist", "--codes", "codes.npy", "--output", "images.npy")
    images = np.load(model / "images.npy")
    assert images.shape == (3, 1, 8, 8)
    assert (images[0] == images[1]).all()
    assert np.abs(images).max() <= 1


def test_single_images_in_a_folder(model, monkeypatch):
    call(monkeypatch, "mnist", "--count", "3", "--output", "single")
    files = sorted(path.name for path in (model / "single").iterdir())
    assert files == ["00000.png", "00001.png", "00002.png"]
    with pytest.raises(UserError, match="exists already"):
        call(monkeypatch, "mnist", "--count", "3", "--output", "single")
    assert len(list((model / "single").iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnits", "--output", "x.png"], "did you mean mnist?"),
        (["faces", "--output", "x.png"], "models/faces/checkpoints is no checkpoint"),
        (["mnist", "--count", "0", "--output", "x.png"], "--count is 0: valid is 1 or more"),
        (["mnist", "--seed", "-1", "--output", "x.png"], "--seed is -1: valid is 0 or more"),
        (["mnist", "--output", "x.jpg"], "valid is a .png, a .npy or a folder"),
        (["mnist", "--codes", "none.npy", "--output", "x.png"], "none.npy does not exist"),
    ],
)
def test_mistakes_are_named(model, monkeypatch, arguments, message):
    import re

    with pytest.raises(UserError, match=re.escape(message)):
        call(monkeypatch, *arguments)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((3, 5)), r"has shape \(3, 5\): valid is \(N, 6\)"),
        (np.full((3, 6), np.nan), "not finite"),
        (np.array([["a"] * 6]), "it holds <U1, valid are whole numbers and floats"),
        (np.full((3, 6), 1e300), "not finite as 32-bit floats"),
    ],
)
def test_codes_that_do_not_fit_are_named(model, monkeypatch, codes, message):
    np.save(model / "codes.npy", codes)
    with pytest.raises(UserError, match=message):
        call(monkeypatch, "mnist", "--codes", "codes.npy", "--output", "x.png")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" * 99, b"\x93NUMPY\x01\x00"])
def test_codes_that_are_no_array_are_named(model, monkeypatch, content):
    (model / "codes.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"no \.npy file of numbers"):
        call(monkeypatch, "mnist", "--codes", "codes.npy", "--output", "x.png")
