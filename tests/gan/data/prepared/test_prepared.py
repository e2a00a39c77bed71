import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stages.gan.common.randomness import stream
from stages.gan.data import prepared
from stages.gan.data.prepared import (
    array_files,
    as_single,
    at_levels,
    normalise,
    to_levels,
    to_pixels,
)
from stages.gan.data.prepared.array_files import make as make_array
from tests.helpers.data import message_of


def make(folder, count=6, latent_size=3, labels=True):
    """A prepared set of two splits, made as the stage makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(1).integers(0, 256, (count, 1, 4, 4), dtype=np.uint8)
    counts = {"train": count, "test": 2}
    prepared.write_images(folder, "train", pixels, np.arange(count))
    prepared.write_images(folder, "test", pixels, np.array([3, 1]))
    if labels:
        for split, number in counts.items():
            labels = make_array(folder, f"{split}_labels", (number,), np.uint8)
            labels.write(0, np.full(number, 7, np.uint8))
    prepared.attach_latents(folder, counts, latent_size, seed=1)
    return pixels


def test_every_level_comes_back():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_pixels(normalise(levels)), levels)


def test_every_level_stays_apart_and_in_order():
    assert (np.diff(normalise(np.arange(256, dtype=np.uint8)).astype(float)) > 0).all()


def test_levels_fill_the_range_evenly():
    values = normalise(np.arange(256, dtype=np.uint8)).astype(float)
    assert values[[0, 255]].tolist() == [-1.0, 1.0]
    assert np.allclose(values, -values[::-1])


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=4, max_side=5)))
def test_any_pixels_come_back(pixels):
    values = normalise(pixels)
    assert values.dtype == np.float16
    assert values.shape == pixels.shape
    assert (np.abs(values) <= 1).all()
    assert np.array_equal(to_pixels(values), pixels)


@pytest.mark.parametrize("shape", [(4, 6, 3), (3, 5, 1)])
def test_pixels_in_any_order_of_memory_keep_their_places(shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    expected = ((pixels.astype(np.float32) - 127.5) / 127.5).astype(np.float16)
    for order in ((0, 1, 2), (2, 0, 1), (2, 1, 0)):
        values = normalise(pixels.transpose(order))
        assert values.tobytes() == expected.transpose(order).tobytes()
    assert normalise(pixels[::2]).tobytes() == expected[::2].tobytes()


def test_the_table_has_the_level_of_every_half_float():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    expected = normalise(to_pixels(every[np.isfinite(every)])).astype(np.float32)
    assert at_levels(every)[np.isfinite(every)].tobytes() == expected.tobytes()


def test_single_floats_have_the_bits_of_numpys_conversion():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(4, 1, 128, 128)
    for images in (every, every[::2, :, :, ::3], every.transpose(0, 1, 3, 2)):
        single = as_single(images)
        assert single.tobytes() == images.astype(np.float32).tobytes()
        assert single.flags.c_contiguous
    assert as_single(every.astype(np.float32)).tobytes() == every.astype(np.float32).tobytes()


@given(st.floats(-1e6, 1e6, width=32))
def test_what_lies_outside_is_cut(value):
    (level,) = to_pixels(np.array([value], np.float32))
    nearest = min(255, max(0, round(float(np.float32(value) * 127.5 + 127.5))))
    assert abs(int(level) - nearest) <= (1 if -1 < value < 1 else 0)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_images_come_to_the_same_levels_in_blocks_of_any_size(monkeypatch, kind):
    images = np.random.default_rng(1).normal(0, 0.7, (9, 1, 3, 3)).astype(kind)
    images[0, 0, 0] = np.nan, np.inf, -np.inf
    before = images.copy()
    expected = normalise(to_pixels(images))
    assert expected[0, 0, 0].tolist() == [-1, 1, -1]
    for most in (1, 20, 1 << 20):
        monkeypatch.setattr(array_files, "_BLOCK_VALUES", most)
        assert to_levels(images).tobytes() == expected.tobytes()
        assert at_levels(images).tobytes() == expected.astype(np.float32).tobytes()
    np.testing.assert_array_equal(images, before)


def test_written_images_are_loaded_in_the_order_asked_for(tmp_path):
    pixels = make(tmp_path)
    assert np.array_equal(to_pixels(prepared.load(tmp_path, "train").images), pixels)
    assert np.array_equal(to_pixels(prepared.load(tmp_path, "test").images), pixels[[3, 1]])


def test_more_images_than_a_block_are_written_whole(tmp_path):
    count = 2 * 2048 + 5
    pixels = np.arange(count * 4).reshape(count, 1, 2, 2).astype(np.uint8)
    order = np.random.default_rng(1).permutation(count)
    prepared.write_images(tmp_path, "train", pixels, order)
    prepared.attach_latents(tmp_path, {"train": count, "test": 1}, 2, 1)
    split = prepared.load(tmp_path, "train")
    assert np.array_equal(to_pixels(split.images), pixels[order])
    assert (np.abs(split.latents).sum(axis=1) > 0).all()


def test_split_is_a_memory_map_with_its_length(tmp_path):
    make(tmp_path)
    split = prepared.load(tmp_path, "train")
    assert isinstance(split.images, np.memmap)
    assert isinstance(split.latents, np.memmap)
    assert not split.images.flags.writeable
    assert len(split) == 6
    assert split.images.dtype == np.float16
    assert split.latents.dtype == np.float32
    assert split.labels.tolist() == [7] * 6


def test_data_without_labels_has_none(tmp_path):
    make(tmp_path, labels=False)
    assert prepared.load(tmp_path, "train").labels is None


def test_batch_is_contiguous_float32_in_the_order_asked_for(tmp_path):
    make(tmp_path)
    split = prepared.load(tmp_path, "train")
    batch = split.batch(np.array([4, 0, 4]))
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    assert not isinstance(batch, np.memmap) or batch.base is None
    assert np.array_equal(batch, split.images[[4, 0, 4]])


def test_attached_latents_are_seeded_standard_normal(tmp_path):
    counts = {"train": 3000, "test": 50}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        prepared.attach_latents(tmp_path / name, counts, 20, seed)
    codes = {name: np.load(tmp_path / name / "train_latents.npy") for name in "abc"}
    assert codes["a"].shape == (3000, 20)
    assert codes["a"].dtype == np.float32
    assert abs(codes["a"].mean()) < 0.02
    assert abs(codes["a"].std() - 1) < 0.02
    assert np.array_equal(codes["a"], codes["b"])
    held_out = np.load(tmp_path / "a" / "test_latents.npy")
    for other in (codes["c"][:50], held_out):
        assert (np.abs(codes["a"][:50] - other).max(axis=1) > 0.1).all()


def test_attached_latents_do_not_depend_on_how_many_follow(tmp_path):
    for count in (2100, 2060):
        prepared.attach_latents(tmp_path, {"train": count, "test": 1}, 4, 1)
        codes = np.load(tmp_path / "train_latents.npy")
        expected = stream(1, "attached latents", 0).standard_normal((count, 4), np.float32)
        assert np.array_equal(codes, expected)


def test_description_reads_back(tmp_path):
    about = {
        "source": "set.zip",
        "bundled": False,
        "image_shape": [1, 4, 4],
        "latent_size": 3,
        "counts": {"train": 3},
        "rejected": {},
        "beyond_maximum": 0,
        "left_out": {},
        "copies": {},
        "told": [],
    }
    prepared.describe(tmp_path, about)
    assert prepared.description(tmp_path) == about


def test_description_without_a_key_is_refused(tmp_path):
    prepared.describe(tmp_path, {"source": "set.zip", "counts": {}})
    text = message_of(prepared.description, tmp_path)
    assert "prepared.json is damaged (it has no bundled, image_shape, " in text


def test_missing_description_says_what_to_run(tmp_path):
    assert "is missing: run `dvc repro` first" in message_of(prepared.description, tmp_path)


@pytest.mark.parametrize("name", ["train_images.npy", "train_latents.npy"])
def test_missing_file_is_named(tmp_path, name):
    make(tmp_path)
    (tmp_path / name).unlink()
    text = message_of(prepared.load, tmp_path, "train")
    assert text == f"{tmp_path / name} is missing: run `dvc repro` first"


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[:-1],
        lambda content: b"garbage" * 30,
        lambda content: b"PK\x03\x04" + content,
        lambda content: content.replace(b"'descr'", b"'descx'"),
    ],
    ids=["empty", "half a header", "one byte less", "garbage", "as a zip", "broken header"],
)
@pytest.mark.parametrize("name", ["train_images.npy", "train_labels.npy"])
def test_damaged_file_is_named(tmp_path, name, damage):
    make(tmp_path)
    file = tmp_path / name
    file.write_bytes(damage(file.read_bytes()))
    assert f"{file} is damaged" in message_of(prepared.load, tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "kind", "valid"),
    [
        ("train_images", np.float32, "float16"),
        ("train_latents", np.float64, "float32"),
        ("train_labels", np.int64, "uint8"),
    ],
)
def test_numbers_of_another_type_are_named(tmp_path, name, kind, valid):
    make(tmp_path)
    file = tmp_path / f"{name}.npy"
    np.save(file, np.load(file).astype(kind))
    text = message_of(prepared.load, tmp_path, "train")
    assert text == (
        f"{file} is damaged (it holds {np.dtype(kind)}, valid is {valid}): remove it and run "
        "`dvc repro`"
    )


def test_objects_are_never_unpickled(tmp_path):
    make(tmp_path)
    np.save(tmp_path / "train_latents.npy", np.array([{}], object), allow_pickle=True)
    assert "train_latents.npy is damaged" in message_of(prepared.load, tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("train_latents", np.zeros((5, 3), np.float32)),
        ("train_labels", np.zeros(7, np.uint8)),
        ("train_latents", np.zeros(6, np.float32)),
        ("train_images", np.zeros((6, 4, 4), np.float16)),
        ("train_images", np.array(1.0, np.float16)),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path, name, array):
    make(tmp_path)
    np.save(tmp_path / f"{name}.npy", array)
    assert "do not fit each other" in message_of(prepared.load, tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_images", np.nan),
        ("train_images", np.inf),
        ("train_images", -np.inf),
        ("train_images", 1.001),
        ("train_images", -300),
        ("train_latents", np.nan),
        ("train_latents", -np.inf),
    ],
)
def test_array_with_a_value_that_cannot_be_is_refused(tmp_path, name, value):
    make(tmp_path)
    array = np.load(tmp_path / f"{name}.npy")
    array.reshape(-1)[-1] = value
    np.save(tmp_path / f"{name}.npy", array)
    assert f"{name}.npy is damaged (it should" in message_of(prepared.load, tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("train_images", "f4"), ("train_images", "M8[s]"), ("train_latents", "f8"),
     ("train_latents", "U9"), ("train_latents", "c8"), ("train_latents", ">f4")],
)  # fmt: skip
def test_array_of_another_kind_is_refused(tmp_path, name, kind):
    make(tmp_path)
    array = np.load(tmp_path / f"{name}.npy")
    np.save(tmp_path / f"{name}.npy", array.astype("i8").astype(kind))
    assert f"{name}.npy is damaged" in message_of(prepared.load, tmp_path, "train")
