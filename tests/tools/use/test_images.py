import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stages.gan.common.errors import UserError
from stages.tools.use.images import files_of, in_range, layout, read, samples

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
        (np.zeros((3, 9, 8)), r"has shape \(3, 9, 8\): valid is \(1, 8, 8\), \(N, 1, 8, 8\) or"),
        (np.full((1, 8, 8), 2.0), "holds 2: valid is -1 to 1"),
        (np.full((1, 8, 8), np.nan), "holds nan: valid is -1 to 1"),
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


@given(st.integers(1, 4), st.sampled_from([1, 3]), st.integers(2, 6), st.integers(7, 9))
def test_any_layout_gives_the_same_images(count, channels, height, width):
    images = np.random.default_rng(1).integers(0, 255, (count, channels, height, width))
    shape = images.shape[1:]
    forms = [images, images.transpose(0, 2, 3, 1)]
    if channels == 1:
        forms.append(images[:, 0])
    if count == 1:
        forms += [images[0], images[0].transpose(1, 2, 0)]
    for form in forms:
        np.testing.assert_array_equal(layout("x.npy", form, shape), images)


@pytest.mark.parametrize(
    ("array", "levels", "expected"),
    [
        (np.array([0, 255], np.uint8), None, [-1, 1]),
        (np.array([-0.25, 0.5]), None, [-0.25, 0.5]),
        (np.array([0.0, 0.5, 1.0]), "0..1", [-1, 0, 1]),
        (np.array([0.0, 0.5, 1.0]), "-1..1", [0, 0.5, 1]),
        (np.array([0.0, 127.5, 255.0]), "0..255", [-1, 0, 1]),
        (np.array([0, 255]), "0..255", [-1, 1]),
        (np.array([0, 1], np.uint8), "0..1", [-1, 1]),
    ],
)
def test_ranges_are_brought_to_one(array, levels, expected):
    images = np.broadcast_to(array[:, None, None, None], (len(array), 1, 2, 2))
    found = in_range("x.npy", images, levels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0, 0, 0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "levels", "message"),
    [
        (np.array([0.0, 1.0]), None, r"floats from 0 to 1, which may be meant as 0\.\.1 or"),
        (np.array([0.0, 2.0]), None, "holds 2: valid is -1 to 1"),
        (np.array([-0.5, 1.0]), "0..1", "holds -0.5: valid is 0 to 1"),
        (np.array([0.0, 256.0]), "0..255", "holds 256: valid is 0 to 255"),
        (np.array([0, 255]), None, "holds int64: valid is uint8 from 0 to 255, or floats"),
        (np.array([0, 255], np.uint8), "0..1", "holds 255: valid is 0 to 1"),
        (np.array(["0", "x"]), "0..1", "holds <U1: valid is uint8 from 0 to 255, or floats"),
    ],
)
def test_ranges_that_are_wrong_or_not_certain_are_named(array, levels, message):
    with pytest.raises(UserError, match=message):
        in_range("x.npy", array[:, None, None, None], levels)


def test_samples_of_several_places_stand_one_after_the_other(tmp_path):
    np.savez(tmp_path / "a.npz", np.full((2, 8, 8), 255, np.uint8))
    np.save(tmp_path / "b.npy", np.zeros((1, *SHAPE), np.uint8))
    (tmp_path / "c").mkdir()
    Image.new("L", (8, 8), 255).save(tmp_path / "c" / "1.png")
    found = samples([tmp_path / name for name in ("a.npz", "b.npy", "c")], SHAPE)
    assert found.mean(axis=(1, 2, 3)).tolist() == [1, 1, -1, 1]


def test_archives_of_arrays_that_do_not_serve_are_named(tmp_path):
    file = tmp_path / "x.npz"
    with pytest.raises(UserError, match="does not exist"):
        samples([file], SHAPE)
    np.savez(file, a=np.zeros(1), b=np.zeros(1))
    with pytest.raises(UserError, match="arrays a, b: valid is a single one, or arr_0"):
        samples([file], SHAPE)
    with file.open("wb") as target:
        np.save(target, np.zeros((1, *SHAPE)))
    with pytest.raises(UserError, match=r"x\.npz is a \.npy file: give it that ending"):
        samples([file], SHAPE)
    file.write_bytes(b"PK")
    with pytest.raises(UserError, match=r"no \.npz file of numbers"):
        samples([file], SHAPE)
    np.savez(file, np.array([{}], object))  # unpickling it would run code
    with pytest.raises(
        UserError, match=r"x\.npz: arr_0\.npy is damaged, or no \.npy file of numbers: it holds"
    ):
        samples([file], SHAPE)
