import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.errors import UserError
from stages.tools.use import discriminate
from stages.tools.use.discriminate import files_of, read

SHAPE = (1, 8, 8)
COLOUR = (3, 8, 8)


def test_pictures_become_what_the_model_needs(tmp_path):
    file = tmp_path / "x.png"
    Image.new("L", (8, 8), 255).save(file)
    assert read(file, SHAPE).tolist() == np.ones((1, *SHAPE)).tolist()
    assert read(file, COLOUR).shape == (1, *COLOUR)  # grey as three equal channels
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "x.jpg")
    assert read(tmp_path / "x.jpg", SHAPE).shape == (1, *SHAPE)


def test_pictures_are_turned_as_their_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held on its side: the right of the picture is stored at its top
    stored = np.zeros((8, 8), np.uint8)
    stored[0] = 255
    Image.fromarray(stored).save(tmp_path / "x.png", exif=exif)
    seen = read(tmp_path / "x.png", SHAPE)[0, 0]
    assert (seen[:, 7] == 1).all()
    assert (seen[:, :7] == -1).all()


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (5, 1, 8, 8)])
def test_arrays_of_levels_or_of_values(tmp_path, shape):
    file = tmp_path / "x.npy"
    np.save(file, np.full(shape, 255, np.uint8))
    assert (read(file, SHAPE) == 1).all()
    np.save(file, np.full(shape, -0.5))
    assert (read(file, SHAPE) == -0.5).all()
    assert read(file, SHAPE).shape[1:] == SHAPE


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 8, 8)), r"has shape \(3, 8, 8\): valid is \(1, 8, 8\) or \(N, 1, 8, 8\)"),
        (np.full((1, 8, 8), 2.0), "valid is uint8 from 0 to 255, or floats in"),
        (np.full((1, 8, 8), np.nan), "valid is uint8 from 0 to 255, or floats in"),
        (np.zeros((1, 8, 8), np.int64), "valid is uint8"),
        (np.zeros((0, 1, 8, 8)), "valid is"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, array, message):
    file = tmp_path / "x.npy"
    np.save(file, array)
    with pytest.raises(UserError, match=message):
        read(file, SHAPE)


def test_pictures_that_do_not_fit_are_named(tmp_path):
    file = tmp_path / "x.png"
    Image.new("L", (9, 8)).save(file)
    with pytest.raises(UserError, match="9 x 8 pixels: valid is 8 x 8"):
        read(file, SHAPE)
    file.write_bytes(b"no picture")
    with pytest.raises(UserError, match="no image that can be read"):
        read(file, SHAPE)
    for name in ("none.png", "none.npy"):
        with pytest.raises(UserError, match="does not exist"):
            read(tmp_path / name, SHAPE)
    for content in (b"", b"PK\x03\x04" * 99):
        (tmp_path / "x.npy").write_bytes(content)
        with pytest.raises(UserError, match=r"no \.npy file of numbers"):
            read(tmp_path / "x.npy", SHAPE)


def test_a_folder_stands_for_its_images_in_the_order_of_their_names(tmp_path, capsys):
    for name in ("00010.png", "00002.png", "00001.jpg", "more/00000.png", "notes.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    names = ["00001.jpg", "00002.png", "00010.png", "more/00000.png"]
    assert files_of(tmp_path) == [tmp_path / name for name in names]
    assert capsys.readouterr().err == (
        f"{tmp_path}: left out, by the ending of the name: 1 (1 .txt)\n"
    )
    assert files_of(tmp_path / "00002.png") == [tmp_path / "00002.png"]
    assert files_of(tmp_path / "none.png") == [tmp_path / "none.png"]


def test_links_and_archives_in_a_folder_are_named(tmp_path, capsys):
    folder, more = tmp_path / "in", tmp_path / "more"
    for place in (folder, more):
        place.mkdir()
        (place / "1.png").touch()
    (folder / "linked").symlink_to(more)
    (folder / "gone.png").symlink_to(more / "gone.png")
    (folder / "more.zip").touch()
    assert files_of(folder) == [folder / "1.png"]
    captured = capsys.readouterr()
    assert captured.out == ""
    archives, links = captured.err.splitlines()
    assert archives.startswith(f"{folder}: archives inside the source, which are not opened: more")
    assert "gone.png (a link that leads nowhere), linked (a link to a folder)" in links
    (folder / "1.png").unlink()
    with pytest.raises(UserError, match=r"in holds no image; archives.*linked \(a link to a f"):
        files_of(folder)


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=f"{tmp_path} holds no image"):
        files_of(tmp_path)


def test_small_probabilities_keep_three_digits(tmp_path, monkeypatch, capsys):
    for name, level in (("b.png", 0), ("a.png", 255)):
        Image.new("L", (8, 8), level).save(tmp_path / name)
    array = tmp_path / "c.npy"
    np.save(array, np.zeros((2, *SHAPE)))
    checkpoint = SimpleNamespace(
        description=SimpleNamespace(image_shape=SHAPE), networks=lambda: (None, None)
    )
    monkeypatch.setattr(discriminate.params, "check_name", lambda *_: None)
    monkeypatch.setattr(discriminate.checkpoints, "load", lambda _: checkpoint)
    # The mean of an image, times 12.3456, is its logit.
    monkeypatch.setattr(discriminate, "logits", lambda _, x: 12.3456 * x.mean(axis=(1, 2, 3)))
    monkeypatch.setattr(sys, "argv", ["discriminate", "faces", str(tmp_path), str(array)])
    discriminate.main()
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/a.png\t12.35\t1.00",
        f"{tmp_path}/b.png\t-12.35\t4.35e-06",
        f"{array}[0]\t0\t0.500",
        f"{array}[1]\t0\t0.500",
    ]
