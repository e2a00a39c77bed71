import zipfile

import pytest

from stages.gan.data.raw.archives import open_container
from stages.gan.data.raw.images import raw
from stages.gan.data.raw.images.reader import decode
from tests.helpers.data import MANY, encoded, message_of, picture, write_zip

IMAGES = {f"{number}.png": encoded(picture(number)) for number in (10, 9, 1)}


def gathered(source, target, maximum_bytes=MANY):
    target.mkdir(exist_ok=True)
    with open_container(source, 1 << 40) as container:
        raw.gather(container, target, maximum_bytes)
    return target / raw.ARCHIVE


def write_folder(folder, members):
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def names(path):
    with open_container(path, MANY) as container:
        return raw.image_names(container)


def test_numbered_images_stand_in_the_order_of_their_numbers(tmp_path):
    members = dict.fromkeys(["b/2.jpg", "b/10.jpg", "b/1.jpg", "a/30.jpg", "b/x.jpg"], b"x")
    expected = ["a/30.jpg", "b/x.jpg", "b/1.jpg", "b/2.jpg", "b/10.jpg"]
    assert names(write_zip(tmp_path / "a.zip", members)) == expected


def test_only_image_files_are_kept(tmp_path):
    kept = ["a.JPG", "b.jpeg", "c.png", "d.webp", "e.bmp"]
    others = ["f.txt", "g", "h.jpg.part", "__MACOSX/a.jpg", "x/__MACOSX/a.jpg", "x/._a.jpg"]
    path = write_zip(tmp_path / "a.zip", dict.fromkeys(kept + others, b"x"))
    assert names(path) == kept


@pytest.mark.parametrize("stem", ["²", "٣", "1" * 5000])
def test_names_with_odd_numbers_are_kept(tmp_path, stem):
    path = write_zip(tmp_path / "a.zip", {f"{stem}.jpg": b"x", "1.jpg": b"x"})
    assert len(names(path)) == 2


def test_images_are_packed_as_they_are(tmp_path):
    file = gathered(write_folder(tmp_path / "in", IMAGES), tmp_path / "out")
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["1.png", "9.png", "10.png"]
        assert {name: archive.read(name) for name in IMAGES} == IMAGES
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_folder_and_archive_give_the_same_bytes(tmp_path):
    folder = gathered(write_folder(tmp_path / "in", IMAGES), tmp_path / "a").read_bytes()
    turned = dict(reversed(IMAGES.items()))
    archive = gathered(write_zip(tmp_path / "a.zip", turned), tmp_path / "b").read_bytes()
    assert folder == archive


def test_set_without_images_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.txt": b"x"})
    text = message_of(gathered, path, tmp_path / "out")
    assert text.startswith("no image files found (read are .apng, .avif, ")
    assert text.endswith("left out, by the ending of the name: 1 (1 .txt)")


def test_archive_in_a_set_without_images_is_named(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"Img/faces.zip": b"x"})
    text = message_of(gathered, path, tmp_path / "out")
    assert "archives inside the source, which are not opened: Img/faces.zip. To use what" in text


# How Pillow saves a picture in a format under each ending that it reads.
SAVED = {
    "jpg": "JPEG", "jpeg": "JPEG", "jpe": "JPEG", "jfif": "JPEG", "mpo": "MPO", "png": "PNG",
    "apng": "PNG", "webp": "WEBP", "bmp": "BMP", "dib": "DIB", "gif": "GIF", "tif": "TIFF",
    "tiff": "TIFF", "qoi": "QOI", "pgm": "PPM", "ppm": "PPM", "pbm": "PPM", "pnm": "PPM",
    "pfm": "PPM", "avif": "AVIF", "avifs": "AVIF", "jp2": "JPEG2000", "j2k": "JPEG2000",
    "jpf": "JPEG2000", "jpx": "JPEG2000", "j2c": "JPEG2000", "jpc": "JPEG2000",
}  # fmt: skip


def test_the_endings_are_those_that_the_decoder_knows():
    assert set(raw.endings()) == set(SAVED)


@pytest.mark.parametrize("ending", SAVED)
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_every_ending_that_download_takes_can_be_decoded(tmp_path, ending, case):
    """Both sides have one list: what is looked for is what preprocess reads."""
    mode = {"pgm": "L", "pbm": "1", "pfm": "F"}.get(ending, "RGB")
    content = encoded(picture(mode=mode), SAVED[ending])
    path = write_zip(tmp_path / "a.zip", {f"x.{case(ending)}": content})
    assert names(path) == [f"x.{case(ending)}"]
    assert decode(content, 8, 3).shape == (3, 8, 8)


def test_bound_holds_for_all_images_together(tmp_path):
    path = write_folder(tmp_path / "in", {"1.png": bytes(60), "2.png": bytes(41)})
    text = message_of(gathered, path, tmp_path / "out", 100)
    assert text == "the images are larger than download.maximum_bytes (100)"
    assert gathered(path, tmp_path / "out", 101).exists()


def test_name_that_is_no_text_is_refused(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    try:
        (folder / "a\udcff.png").write_bytes(b"x")
    except OSError:
        pytest.skip("this disk keeps no such names")
    assert "the name of an image is not UTF-8" in message_of(gathered, folder, tmp_path / "out")


def test_what_was_gathered_can_be_gathered_and_read_again(tmp_path):
    odd = {"12:30.png": b"1", "d/ü ü.png": b"2", "...png": b"3", "C.png": b"4"}
    once = gathered(write_folder(tmp_path / "in", odd), tmp_path / "a")
    twice = gathered(once, tmp_path / "b")
    assert once.read_bytes() == twice.read_bytes()
    assert len(names(twice)) == len(names(once)) > 2


def identity(folder, members):
    folder.mkdir()
    write_zip(folder / raw.ARCHIVE, members)
    return raw.identities(folder)["images"]


def test_identity_is_that_of_names_and_contents(tmp_path):
    same = identity(tmp_path / "a", IMAGES)
    assert len(same) == 64
    assert identity(tmp_path / "b", {**dict(reversed(IMAGES.items())), "x.txt": b""}) == same
    assert identity(tmp_path / "c", {**IMAGES, "1.png": b"other"}) != same
    assert identity(tmp_path / "d", {f"d/{name}": IMAGES[name] for name in IMAGES}) != same
    assert tuple(raw.identities(tmp_path / "a")) == raw.HASHED
