import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.randomness import stream
from stages.gan.data import prepared
from stages.gan.data.raw.idx import raw, reader
from stages.gan.data.raw.idx.bundled import encode
from tests.helpers.data import digits, load_params, message_of, write_idx


@pytest.fixture
def prepare(tmp_path):
    """Read tmp_path/raw with the shipped settings, changed, into tmp_path/out."""

    def run(**changes):
        changes = {f"mnist__preprocess__{key}": value for key, value in changes.items()}
        settings = load_params(tmp_path, "mnist", **changes).preprocess
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        result = reader.prepare(tmp_path / "raw", out, settings)
        prepared.attach_latents(out, result.counts, 2, 1)
        return result, prepared.load(out, "train"), prepared.load(out, "test")

    return run


def test_split_is_read(tmp_path):
    write_idx(tmp_path, train=7, test=3)
    images, labels = reader.read_split(tmp_path, "train")
    assert np.array_equal(images, digits(7)[0])
    assert labels.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert len(reader.read_split(tmp_path, "test")[0]) == 3


def test_counts_that_differ_are_refused(tmp_path):
    write_idx(tmp_path, train=7)
    (tmp_path / raw.TRAIN_LABELS).write_bytes(encode(np.zeros(6, np.uint8)))
    text = message_of(reader.read_split, tmp_path, "train")
    assert text == f"{raw.TRAIN_IMAGES} holds 7 images but {raw.TRAIN_LABELS} 6 labels"


@pytest.mark.parametrize("shape", [(0, 28, 28), (5, 0, 28), (5, 0, 0)])
def test_files_without_pixels_are_refused(tmp_path, shape):
    write_idx(tmp_path)
    (tmp_path / raw.TRAIN_IMAGES).write_bytes(encode(np.zeros(shape, np.uint8)))
    (tmp_path / raw.TRAIN_LABELS).write_bytes(encode(np.zeros(shape[0], np.uint8)))
    text = message_of(reader.read_split, tmp_path, "train")
    assert text.startswith(f"{raw.TRAIN_IMAGES} holds no values: its header says ")


def test_files_bring_their_own_split(tmp_path, prepare):
    write_idx(tmp_path / "raw", train=30, test=6)
    result, train, test = prepare(test_fraction=0.5)
    assert result.counts == {"train": 30, "test": 6}
    assert result.rejected == {}
    assert result.beyond_maximum == 0
    assert np.array_equal(prepared.to_pixels(train.images)[:, 0], digits(30)[0])
    assert np.array_equal(prepared.to_pixels(test.images)[:, 0], digits(6, seed=1)[0])
    assert train.labels.tolist() == [i % 10 for i in range(30)]
    assert len(test.labels) == 6


def test_first_images_are_kept_where_there_are_more_than_asked_for(tmp_path, prepare):
    write_idx(tmp_path / "raw", train=30, test=6)
    result, train, _ = prepare(maximum_images=4, test_maximum=2)
    assert result.counts == {"train": 4, "test": 2}
    assert result.beyond_maximum == 30
    assert np.array_equal(prepared.to_pixels(train.images)[:, 0], digits(30)[0][:4])
    assert train.labels.tolist() == [0, 1, 2, 3]


def test_three_channels_are_three_times_the_grey_one(tmp_path, prepare):
    write_idx(tmp_path / "raw")
    _, train, _ = prepare(channels=3)
    assert train.images.shape == (12, 3, 28, 28)
    for channel in range(3):
        assert np.array_equal(prepared.to_pixels(train.images)[:, channel], digits(12)[0])


@pytest.mark.parametrize("size", [4, 14, 32])
def test_images_are_resized(tmp_path, prepare, size):
    write_idx(tmp_path / "raw", train=4, test=1)
    levels = np.array([200, 100, 50, 0], np.uint8)
    flat = np.broadcast_to(levels[:, None, None], (4, 28, 28))
    (tmp_path / "raw" / raw.TRAIN_IMAGES).write_bytes(encode(flat))
    _, train, test = prepare(image_size=size)
    assert train.images.shape == (4, 1, size, size)
    assert test.images.shape == (1, 1, size, size)
    assert (prepared.to_pixels(train.images) == levels[:, None, None, None]).all()


TYPES = ("u1", "i1", ">i2", ">i4", ">f4", ">f8")
CODES = dict(zip(TYPES, (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E), strict=True))


def write(folder, name, array, kind="u1"):
    """Write an IDX file of any type."""
    folder.mkdir(exist_ok=True)
    head = struct.pack(f">4B{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
    (folder / name).write_bytes(head + array.astype(kind).tobytes())


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_gives_the_same_levels(tmp_path, prepare, kind):
    levels = digits(20)[0] // 2  # an int8 ends at 127
    write(tmp_path / "raw", raw.TRAIN_IMAGES, levels, kind)
    result, train, test = prepare(test_fraction=0.2)
    assert result.counts == {"train": 16, "test": 4}
    together = np.concatenate([train.images, test.images])[:, 0]
    found = sorted(image.tobytes() for image in prepared.to_pixels(together))
    assert found == sorted(image.tobytes() for image in levels)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_floats_are_scaled_from_the_range_that_holds_all(tmp_path, prepare, low, high):
    levels = digits(20)[0]
    values = levels / 255 * (high - low) + low
    write(tmp_path / "raw", raw.TRAIN_IMAGES, values, ">f4")
    write(tmp_path / "raw", raw.TEST_IMAGES, values[:1] * 0 + low, ">f4")
    result, train, test = prepare()
    assert np.array_equal(prepared.to_pixels(train.images)[:, 0], levels)
    assert (test.images == -1).all()
    assert result.values == f"float32: {low:g} black, {high:g} white"


def test_without_a_test_file_a_split_is_drawn_and_labels_follow(tmp_path, prepare):
    images, labels = digits(40)
    images[:, 0, 0] = np.arange(40)  # tells which image it is
    write(tmp_path / "raw", raw.TRAIN_IMAGES, images)
    write(tmp_path / "raw", raw.TRAIN_LABELS, labels)
    result, train, test = prepare(test_fraction=0.25, seed=3)
    assert result.counts == {"train": 30, "test": 10}
    held_out = np.sort(stream(3, "split").permutation(40)[:10])
    for split, numbers in ((test, held_out), (train, np.setdiff1d(np.arange(40), held_out))):
        assert prepared.to_pixels(split.images)[:, 0, 0, 0].tolist() == numbers.tolist()
        assert split.labels.tolist() == (numbers % 10).tolist()


def test_without_labels_there_are_none(tmp_path, prepare):
    write(tmp_path / "raw", raw.TRAIN_IMAGES, digits(20)[0])
    _, train, test = prepare()
    assert train.labels is None
    assert test.labels is None


def test_transposed_images_are_turned_back(tmp_path, prepare):
    images = digits(20)[0]
    write(tmp_path / "raw", raw.TRAIN_IMAGES, images.swapaxes(1, 2))
    write(tmp_path / "raw", raw.TEST_IMAGES, images[:3].swapaxes(1, 2) ^ 1)
    _, train, _ = prepare(transposed=True)
    assert np.array_equal(prepared.to_pixels(train.images)[:, 0], images)


def test_labels_of_eight_columns_are_those_of_the_first(tmp_path, prepare):
    images, labels = digits(20)
    columns = np.column_stack([labels, *[np.full(20, 70_000 + n) for n in range(7)]])
    write(tmp_path / "raw", raw.TRAIN_IMAGES, images)
    write(tmp_path / "raw", raw.TRAIN_LABELS, columns, ">i4")
    _, train, test = prepare()
    assert sorted([*train.labels, *test.labels]) == sorted(labels)


def test_arrays_of_numpy_are_read_without_unpickling(tmp_path, prepare):
    images, labels = digits(20)
    for name, array in ((raw.TRAIN_IMAGES, images), (raw.TRAIN_LABELS, labels.astype(np.int64))):
        (tmp_path / "raw").mkdir(exist_ok=True)
        with (tmp_path / "raw" / name).open("wb") as file:
            np.save(file, array)
    assert prepare()[0].counts == {"train": 18, "test": 2}
    with (tmp_path / "raw" / raw.TRAIN_IMAGES).open("wb") as file:
        np.save(file, np.array([{}], object), allow_pickle=True)
    assert "no .npy file of numbers" in message_of(prepare)


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_are_kept_or_become_grey(tmp_path, prepare, channels):
    colours = np.random.default_rng(1).integers(0, 256, (20, 28, 28, 3), dtype=np.uint8)
    write(tmp_path / "raw", raw.TRAIN_IMAGES, colours)
    write(tmp_path / "raw", raw.TEST_IMAGES, colours[:1] ^ 1)
    _, train, _ = prepare(channels=channels)
    if channels == 3:
        assert np.array_equal(prepared.to_pixels(train.images), colours.transpose(0, 3, 1, 2))
    else:
        grey = np.asarray(Image.fromarray(colours[0]).convert("L"))
        assert np.array_equal(prepared.to_pixels(train.images)[0, 0], grey)


def test_copies_across_the_files_split_are_left_out_and_told(tmp_path, prepare):
    images = digits(20)[0]
    write(tmp_path / "raw", raw.TRAIN_IMAGES, images[:15])
    write(tmp_path / "raw", raw.TEST_IMAGES, images[13:])
    result, _, test = prepare()
    assert result.counts == {"train": 15, "test": 5}
    assert np.array_equal(prepared.to_pixels(test.images)[:, 0], images[15:])
    assert (result.copies["exact"], result.copies["across"]) == (2, 2)
    result, _, _ = prepare(duplicates="keep")
    assert result.counts == {"train": 15, "test": 7}
    assert (result.copies["across"], result.copies["left_out"]) == (2, 0)


@pytest.mark.parametrize("duplicates", ["one_side", "drop", "keep"])
def test_copies_are_kept_together_where_a_split_is_drawn(tmp_path, prepare, duplicates):
    images, labels = digits(10)
    write(tmp_path / "raw", raw.TRAIN_IMAGES, np.repeat(images, 6, axis=0))
    write(tmp_path / "raw", raw.TRAIN_LABELS, np.repeat(labels, 6))
    result, train, test = prepare(duplicates=duplicates, test_fraction=0.3)
    sides = [{image.tobytes() for image in split.images} for split in (train, test)]
    assert bool(sides[0] & sides[1]) is (duplicates == "keep")
    assert sum(result.counts.values()) == (10 if duplicates == "drop" else 60)
    assert len(train.labels) == len(train.images)
    assert result.copies["exact"] == 50


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """An image of the larger set takes 6,272 bytes; to find copies, some hundred are kept of it."""

    def peak(count):
        folder = tmp_path / str(count)
        draw = np.random.default_rng(1)
        write(folder, raw.TRAIN_IMAGES, draw.random((count, 28, 28)), ">f8")
        settings = load_params(tmp_path, "mnist").preprocess
        (folder / "out").mkdir()
        tracemalloc.start()
        reader.prepare(folder, folder / "out", settings)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(100)  # what is imported late
    small, large = peak(2000), peak(8000)
    assert large < small + 6000 * 1000
