import random
import warnings
import zipfile

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
    ],
)
def test_every_mode_has_its_colour(content, colour):
    pixels = decode(content, 4, 3)
    assert pixels.shape == (3, 4, 4)
    assert np.abs(pixels.astype(int) - np.reshape(colour, (3, 1, 1))).max() <= 1


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
