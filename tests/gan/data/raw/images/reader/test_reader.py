import random
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.errors import UserError
from stages.gan.common.randomness import stream
from stages.gan.data import prepared
from stages.gan.data.raw.images import raw, reader
from stages.gan.data.raw.images.reader import decode
from tests.helpers.data import encoded, load_params, message_of, picture, write_zip


def flat(mode, colour, form="PNG", size=(6, 6)):
    return encoded(Image.new(mode, size, colour), form)


def test_colour_keeps_its_pixels():
    image = picture()
    pixels = decode(encoded(image), None, 3)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.asarray(image).transpose(2, 0, 1))


def test_grey_becomes_three_equal_channels():
    grey = picture(mode="L")
    pixels = decode(encoded(grey), None, 3)
    for channel in range(3):
        assert np.array_equal(pixels[channel], np.asarray(grey))


def test_colour_becomes_grey():
    image = picture()
    pixels = decode(encoded(image), None, 1)
    assert np.array_equal(pixels, np.asarray(image.convert("L"))[None])


@pytest.mark.parametrize(
    ("content", "colour"),
    [
        (flat("RGBA", (200, 100, 50, 255)), (200, 100, 50)),
        (flat("RGBA", (200, 100, 50, 0)), (255, 255, 255)),
        (flat("LA", (80, 0)), (255, 255, 255)),
        (flat("1", 1), (255, 255, 255)),
        (flat("L", 80), (80, 80, 80)),
        (flat("I;16", 200 * 257), (200, 200, 200)),
        (flat("CMYK", (0, 0, 0, 255), "JPEG"), (0, 0, 0)),
        (flat("CMYK", (0, 0, 0, 0), "JPEG"), (255, 255, 255)),
        (flat("RGB", (9, 8, 7), "BMP"), (9, 8, 7)),
        (flat("F", 0.5, "TIFF"), (127, 127, 127)),
        (flat("F", 200.0, "TIFF"), (200, 200, 200)),
        (flat("F", 200.0 * 257, "TIFF"), (200, 200, 200)),
        (flat("F", 1e6, "TIFF"), (255, 255, 255)),
        (flat("F", -5.0, "TIFF"), (0, 0, 0)),
        (flat("I", 200 * 257, "TIFF"), (200, 200, 200)),
        (flat("I", 2**30, "TIFF"), (255, 255, 255)),
        (flat("I;16", 200 * 257, "TIFF"), (200, 200, 200)),
        (flat("I;16", 200 * 257, "PPM"), (200, 200, 200)),
        (flat("LA", (80, 255)), (80, 80, 80)),
        (flat("YCbCr", (200, 128, 128), "JPEG"), (200, 200, 200)),
        (flat("P", 0, "GIF"), (0, 0, 0)),
    ],
    ids=[
        "opaque",
        "clear",
        "clear grey",
        "bit",
        "grey",
        "16 bit",
        "black",
        "white",
        "bmp",
        "float",
        "float of levels",
        "float of 16 bits",
        "large float",
        "negative float",
        "32 bit",
        "32 bit above 16",
        "16 bit TIFF",
        "16 bit PGM",
        "opaque grey",
        "YCbCr",
        "GIF",
    ],
)
def test_every_mode_has_its_colour(content, colour):
    pixels = decode(content, 4, 3)
    assert pixels.shape == (3, 4, 4)
    assert np.abs(pixels.astype(int) - np.reshape(colour, (3, 1, 1))).max() <= 1


# The picture ab/cd as each orientation of Exif stores it: a viewer turns it back to ab/cd.
STORED = {
    1: "ab/cd", 2: "ba/dc", 3: "dc/ba", 4: "cd/ab", 5: "ac/bd", 6: "bd/ac", 7: "db/ca", 8: "ca/db",
}  # fmt: skip
LETTERS = {"a": 0, "b": 80, "c": 160, "d": 240}
TURNABLE = {"JPEG": {"quality": 100}, "PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}


def quarters(letters):
    """A picture of four quarters, each of 8 x 8 pixels, as letters in rows from the top."""
    rows = [[LETTERS[letter] for letter in row] for row in letters.split("/")]
    return np.kron(np.array(rows, np.uint8), np.ones((8, 8), np.uint8))


def oriented(letters, orientation, form="JPEG"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(quarters(letters)).convert("RGB")
    return encoded(picture, form, exif=exif, **TURNABLE.get(form, {}))


@pytest.mark.parametrize("form", TURNABLE)
@pytest.mark.parametrize("orientation", STORED)
def test_images_are_turned_as_their_exif_says(orientation, form):
    pixels = decode(oriented(STORED[orientation], orientation, form), None, 1)[0]
    assert np.abs(pixels.astype(int) - quarters("ab/cd")).max() <= 2


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_picture_that_lies_on_its_side_is_as_wide_as_it_was_high(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(picture(size=(20, 30)), "JPEG", exif=exif)
    assert decode(content, None, 3).shape == (3, 20, 30)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_there_is_not_turns_nothing(value):
    pixels = decode(oriented("ab/cd", value), None, 1)[0]
    assert np.abs(pixels.astype(int) - quarters("ab/cd")).max() <= 2


def test_broken_exif_turns_nothing_and_hinders_nothing():
    whole = oriented("ab/cd", 6)
    start = whole.index(b"Exif\0\0") + 6
    length = int.from_bytes(whole[4:6], "big") - 8
    draw = random.Random(1)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(draw.choice([1, 2, 4])):
            damaged[start + draw.randrange(length)] = draw.randrange(256)
        assert decode(bytes(damaged), 16, 1).shape == (1, 16, 16)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_first_frame_is_used(form):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=50)
    colour = decode(content, 8, 3)[:, 4, 4].astype(int)
    assert np.abs(colour - [255, 0, 0]).max() < 10


def test_colours_of_16_bits_keep_the_upper_8():
    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    row = b"\0" + struct.pack(">3H", 200 * 256 + 99, 100 * 256, 0xFFFF) * 6
    content = b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 6, 16, 2, 0, 0, 0)),
            chunk(b"IDAT", zlib.compress(row * 6)),
            chunk(b"IEND", b""),
        )
    )
    assert decode(content, None, 3)[:, 0, 0].tolist() == [200, 100, 255]


def test_half_clear_colour_is_mixed_with_white():
    pixels = decode(flat("RGBA", (0, 0, 0, 128)), None, 3)
    assert set(pixels.ravel().tolist()) == {127}


def test_palette_with_and_without_transparency():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    assert decode(encoded(image), None, 3)[:, 0, 0].tolist() == [0, 0, 255]
    assert decode(encoded(image, transparency=1), None, 3)[:, 0, 0].tolist() == [255] * 3


@pytest.mark.parametrize("channels", [1, 3])
def test_single_pixel_is_enlarged(channels):
    pixels = decode(flat("RGB", (50, 50, 50), size=(1, 1)), 8, channels)
    assert pixels.shape == (channels, 8, 8)
    assert (pixels == 50).all()


@pytest.mark.parametrize("size", [(30, 10), (10, 30), (31, 10)])
def test_central_square_is_cut_out(size):
    image = Image.new("RGB", size, "red")
    left, top = (size[0] - 10) // 2, (size[1] - 10) // 2
    image.paste("blue", (left, top, left + 10, top + 10))
    pixels = decode(encoded(image), 10, 3)
    assert (pixels[2] == 255).all()
    assert (pixels[0] == 0).all()


@pytest.mark.parametrize("size", [4, 20, 33])
def test_image_is_resized(size):
    assert decode(encoded(picture(size=(20, 24))), size, 3).shape == (3, size, size)


def test_image_keeps_its_size_without_one():
    assert decode(encoded(picture(size=(20, 24))), None, 1).shape == (1, 24, 20)


JPEG = encoded(picture(size=(64, 64)), "JPEG")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (JPEG[: len(JPEG) // 2], "broken image: "),
        (encoded(picture())[:-40], "broken image: "),
        (b"not an image at all\n" * 9, "no image that can be read"),
        (b"\xff\xd8\xff", "no image that can be read"),
        (flat("F", float("nan"), "TIFF"), "values that are not finite"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image that can be read"),
    ],
    ids=["empty", "half a JPEG", "half a PNG", "text", "three bytes", "not a number", "program"],
)
def test_broken_file_is_refused_with_its_reason(content, reason):
    assert message_of(decode, content, 8, 3).startswith(reason)


def test_enormous_image_is_refused_before_it_is_decoded():
    content = encoded(Image.new("1", (10_000, 5_001)))
    assert message_of(decode, content, 8, 3) == "10000 x 5001 pixels, too many"


def test_any_damage_ends_in_pixels_or_a_user_error():
    draw = random.Random(1)
    refused = 0
    for form in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "QOI", "PPM"):
        whole = encoded(picture(size=(12, 12)), form)
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(draw.choice([1, 2, 5])):
                damaged[draw.randrange(min(len(damaged), 200))] = draw.randrange(256)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    assert decode(bytes(damaged), 8, 3).shape == (3, 8, 8)
                except UserError:
                    refused += 1
    assert refused > 50


@pytest.fixture
def prepare(tmp_path):
    """Read an archive of some members with the shipped settings, changed."""

    def run(members, *, processes=None, method=zipfile.ZIP_DEFLATED, **changes):
        write_zip(tmp_path / raw.ARCHIVE, members, method)
        changes = {f"mnist__preprocess__{key}": value for key, value in changes.items()}
        settings = load_params(tmp_path, "mnist", **changes).preprocess
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        result = reader.prepare(tmp_path, out, settings, processes)
        arrays = {name: np.load(out / f"{name}_images.npy") for name in result.counts}
        assert sorted(file.name for file in out.iterdir()) == [
            "test_images.npy",
            "train_images.npy",
        ]
        return result, arrays

    return run


def numbered(count):
    """Images that are told apart by their one colour: 5 times their number."""
    return {f"{number}.png": flat("L", 5 * number) for number in range(count)}


def colours(images):
    return prepared.to_pixels(images)[:, 0, 0, 0].tolist()


def test_broken_files_are_skipped_counted_and_named(prepare):
    broken = {"a.jpg": b"", "b.jpg": JPEG[:500], "c.jpg": b"text", "notes.txt": b"text"}
    result, arrays = prepare({**numbered(5), **broken})
    assert set(result.rejected) == {"a.jpg", "b.jpg", "c.jpg"}
    assert result.rejected["a.jpg"] == "empty file"
    assert result.rejected["c.jpg"] == "no image that can be read"
    assert sum(result.counts.values()) == 5
    assert sorted(colours(np.concatenate(list(arrays.values())))) == [0, 5, 10, 15, 20]


@pytest.mark.parametrize(
    ("count", "fraction", "most", "held_out"),
    [(40, 0.1, 100, 4), (40, 0.1, 3, 3), (4, 0.1, 100, 1), (4, 0.99, 100, 3), (2, 0.5, 100, 1)],
)
def test_fraction_is_held_out_but_no_more_than_the_maximum(
    prepare, count, fraction, most, held_out
):
    result, arrays = prepare(numbered(count), test_fraction=fraction, test_maximum=most)
    assert result.counts == {"train": count - held_out, "test": held_out}
    assert sorted(colours(arrays["train"]) + colours(arrays["test"])) == [
        5 * number for number in range(count)
    ]
    assert colours(arrays["train"]) == sorted(colours(arrays["train"]))


def test_split_depends_on_the_seed_alone(prepare):
    held_out = [colours(prepare(numbered(40), seed=seed)[1]["test"]) for seed in (1, 1, 2)]
    assert held_out[0] == held_out[1]
    assert held_out[0] != held_out[2]


def test_first_images_are_used_where_not_all_are(prepare):
    result, arrays = prepare(numbered(30), maximum_images=6)
    assert sum(result.counts.values()) == 6
    assert sorted(colours(np.concatenate(list(arrays.values())))) == [0, 5, 10, 15, 20, 25]


def copied(count, times):
    """Images, each so many times under other names and in other formats."""
    members = {}
    for number in range(count):
        for copy in range(times):
            form = ("PNG", "BMP", "GIF")[copy % 3]
            name = f"{number + 100 * copy}.{form.lower()}"
            members[name] = flat("L", 5 * number, form)
    return members


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("broken", [True, False])
def test_copies_stand_on_one_side_of_the_split(prepare, processes, broken):
    members = {**copied(30, 10), **({"bad.png": b"x"} if broken else {})}
    result, arrays = prepare(members, processes=processes, test_fraction=0.1)
    train, test = colours(arrays["train"]), colours(arrays["test"])
    assert len(set(test)) == 3
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(5 * number for number in range(30) for _ in range(10))
    assert (result.copies["exact"], result.copies["left_out"]) == (270, 0)
    assert result.counts == {"train": 270, "test": 30}


def test_copies_are_dropped_or_kept_if_asked_for(prepare):
    members = copied(30, 4)
    result, arrays = prepare(members, duplicates="drop", test_fraction=0.1)
    assert result.counts == {"train": 27, "test": 3}
    assert len(set(colours(arrays["train"]) + colours(arrays["test"]))) == 30
    result, arrays = prepare(members, duplicates="keep", test_fraction=0.1)
    assert result.counts == {"train": 108, "test": 12}
    assert set(colours(arrays["train"])) & set(colours(arrays["test"]))
    assert result.copies["exact"] == 90


def test_set_without_copies_is_split_as_if_they_were_kept(prepare):
    expected = {name: array.tobytes() for name, array in prepare(numbered(40))[1].items()}
    for duplicates in ("drop", "keep"):
        _, arrays = prepare(numbered(40), duplicates=duplicates)
        assert {name: array.tobytes() for name, array in arrays.items()} == expected


def test_near_copies_are_named(prepare):
    draw = np.random.default_rng(1)
    base = [np.kron(draw.integers(0, 256, (7, 7)), np.ones((4, 4))) for _ in range(10)]
    members = {}
    for number, image in enumerate(base):
        changed = np.clip(image + draw.normal(0, 2, image.shape), 0, 255)
        for copy, pixels in enumerate((image, changed)):
            name = f"{number}_{copy}.png"
            members[name] = encoded(Image.fromarray(pixels.astype(np.uint8)))
    result, _ = prepare(members, test_fraction=0.2)
    assert result.copies["exact"] == 0
    assert 1 <= result.copies["near"] <= 4
    for held_out, known in result.copies["near_examples"]:
        assert held_out[0] == known[0]
        assert held_out != known


def test_what_is_not_used_is_counted(prepare):
    frames = [Image.new("L", (6, 6), level) for level in (7, 8)]
    pages = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    result, _ = prepare({**numbered(9), "99.tiff": pages}, maximum_images=None)
    assert (result.several_frames, result.beyond_maximum) == (1, 0)
    result, _ = prepare({**numbered(9), "99.tiff": pages}, maximum_images=6)
    assert (result.several_frames, result.beyond_maximum) == (0, 4)


@pytest.mark.parametrize("usable", [0, 1])
def test_fewer_than_two_images_are_refused(prepare, usable):
    members = {**numbered(usable), "x.jpg": b"", "y.jpg": b""}
    expected = f"images.zip: {usable} of {usable + 2} images can be used, at least 2 are needed"
    assert message_of(prepare, members).endswith(expected)


def mixed(count):
    """Images of many kinds, broken ones among them, in more than one piece of work."""
    draw = random.Random(2)
    members = {}
    for number in range(count):
        if number % 9 == 4:
            members[f"{number}.jpg"] = draw.choice([b"", b"text", JPEG[: draw.randrange(3, 900)]])
        else:
            size = draw.randrange(3, 40), draw.randrange(3, 40)
            form = draw.choice(["JPEG", "PNG", "WEBP"])
            members[f"{number}.{form.lower()}"] = encoded(picture(number, "RGB", size), form)
    return members


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_result_does_not_depend_on_how_many_processes_share_the_work(prepare, method):
    members = mixed(300)
    alone, expected = prepare(members, processes=1, method=method)
    shared, arrays = prepare(members, processes=3, method=method)
    assert list(shared.rejected.items()) == list(alone.rejected.items())
    assert len(alone.rejected) == 33
    assert shared.counts == alone.counts
    for split, images in expected.items():
        assert arrays[split].tobytes() == images.tobytes()


@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize(("fraction", "seed"), [(0.1, 1), (0.5, 2)])
def test_splits_hold_what_one_image_after_the_other_would_give(prepare, broken, fraction, seed):
    members = mixed(200)
    if not broken:
        members = {name: content for name, content in members.items() if len(content) > 900}
    result, arrays = prepare(members, test_fraction=fraction, seed=seed)
    pixels, rejected = [], {}
    for name in sorted(members, key=lambda name: int(name.split(".")[0])):
        try:
            pixels.append(decode(members[name], 28, 1))
        except UserError as error:
            rejected[name] = str(error)
    assert bool(rejected) is broken
    assert list(result.rejected.items()) == list(rejected.items())
    order = stream(seed, "split").permutation(len(pixels))
    held_out = round(len(pixels) * fraction)
    expected = prepared.normalise(np.stack(pixels))
    assert np.array_equal(arrays["test"], expected[np.sort(order[:held_out])])
    assert np.array_equal(arrays["train"], expected[np.sort(order[held_out:])])


@pytest.mark.parametrize("processes", [1, 2])
def test_damaged_archive_is_told_by_any_number_of_processes(prepare, tmp_path, processes):
    members = {f"{number}.png": encoded(picture(number)) for number in range(200)}
    file = write_zip(tmp_path / "whole.zip", members, zipfile.ZIP_STORED)
    content = bytearray(file.read_bytes())
    place = content.index(members["150.png"]) + 100
    content[place] ^= 1
    (tmp_path / raw.ARCHIVE).write_bytes(content)
    settings = load_params(tmp_path, "mnist").preprocess
    out = tmp_path / "out"
    out.mkdir()
    text = message_of(reader.prepare, tmp_path, out, settings, processes)
    assert text == "images.zip is not a valid zip archive: Bad CRC-32 for file '150.png'"


def test_processes_are_as_many_as_pay_off(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "usable_cores", lambda: 6)
    archive = tmp_path / raw.ARCHIVE
    assert reader._worthwhile(archive) == 1
    for megabytes, processes in ((1, 1), (15, 1), (17, 2), (400, 6)):
        with archive.open("wb") as file:
            file.truncate(megabytes << 20)
        assert reader._worthwhile(archive) == processes


def test_what_pillow_finds_odd_is_not_printed(prepare, recwarn):
    # A palette's transparency as bytes, and more pixels than Pillow likes.
    odd = Image.new("P", (4, 4))
    odd.putpalette([255, 0, 0, 0, 0, 255])
    large = encoded(Image.new("1", (10_000, 9_500)))
    members = {"a.png": encoded(odd, transparency=b"\0\xff"), "b.png": large, **numbered(3)}
    result, _ = prepare(members)
    assert result.rejected == {"b.png": "10000 x 9500 pixels, too many"}
    assert [str(warning.message) for warning in recwarn] == []
