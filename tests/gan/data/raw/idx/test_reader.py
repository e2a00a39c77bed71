import struct

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

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


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=4, max_side=6)))
def test_what_was_encoded_is_parsed(array):
    back = reader.parse(encode(array), array.ndim, "it")
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)


@given(st.binary(max_size=40), st.integers(1, 3))
def test_any_bytes_are_parsed_or_refused(content, dimensions):
    assume(content[:4] != bytes((0, 0, 8, dimensions)))
    text = message_of(reader.parse, content, dimensions, "it")
    assert "it has the magic number 0x" in text


@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3),
    st.integers(0, 30).map(bytes),
)
def test_any_sizes_that_do_not_fit_are_refused(sizes, values):
    content = struct.pack(">4B3I", 0, 0, 8, 3, *sizes) + values
    product = sizes[0] * sizes[1] * sizes[2]
    if product == len(values) and max(sizes) < 2**31:
        assert reader.parse(content, 3, "it").shape == tuple(sizes)
    elif product != len(values):
        assert f"{16 + product:,} bytes" in message_of(reader.parse, content, 3, "it")


def test_no_values_but_an_enormous_size_is_refused():
    content = struct.pack(">4B3I", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1)
    assert "it: its header says 0 x 4294967295" in message_of(reader.parse, content, 3, "it")


@pytest.mark.parametrize(
    ("magic", "shown"),
    [
        (b"\x00\x00\x0d\x03", "0x00000d03"),
        (b"\x00\x00\x08\x01", "0x00000801"),
        (b"\x08\x03\x00\x00", "0x08030000"),
        (b"\x1f\x8b\x08\x00", "0x1f8b0800"),
        (b"", "0x,"),
    ],
    ids=["floats", "labels", "little endian", "gzip", "nothing"],
)
def test_wrong_magic_number_is_named(magic, shown):
    text = message_of(reader.parse, magic + bytes(30) if magic else b"", 3, "it")
    assert f"it has the magic number {shown}" in text
    assert "begin with 0x00000803" in text


def test_header_cut_short_is_refused():
    text = message_of(reader.parse, bytes((0, 0, 8, 3, 0, 0)), 3, "it")
    assert text == "it has 6 bytes, too few for its header of 16"


@pytest.mark.parametrize("change", [-1, 1])
def test_one_byte_too_few_or_many_is_refused(change):
    content = encode(digits(2)[0]) + b"x"
    text = message_of(reader.parse, content[: len(content) - 1 + change], 3, "it")
    assert text == f"it has {1584 + change:,} bytes, but its header says 2 x 28 x 28: 1,584 bytes"


def test_sizes_that_overflow_32_bits_are_refused():
    content = struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 2, 1) + bytes(0)
    assert "4,294,967,312 bytes" in message_of(reader.parse, content, 3, "it")


def test_missing_file_is_named(tmp_path):
    assert f"{tmp_path}/x is missing" in message_of(reader.read, tmp_path / "x", 1)


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
    assert text == f"{raw.TRAIN_IMAGES} holds no images"


def test_files_bring_their_own_split(tmp_path, prepare):
    write_idx(tmp_path / "raw", train=30, test=6)
    result, train, test = prepare(test_fraction=0.5)
    assert result == prepared.Prepared({"train": 30, "test": 6}, {})
    assert np.array_equal(prepared.to_pixels(train.images)[:, 0], digits(30)[0])
    assert np.array_equal(prepared.to_pixels(test.images)[:, 0], digits(6, seed=1)[0])
    assert train.labels.tolist() == [i % 10 for i in range(30)]
    assert len(test.labels) == 6


def test_first_images_are_kept_where_there_are_more_than_asked_for(tmp_path, prepare):
    write_idx(tmp_path / "raw", train=30, test=6)
    result, train, _ = prepare(maximum_images=4, test_maximum=2)
    assert result.counts == {"train": 4, "test": 2}
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
    flat = np.full((4, 28, 28), 200, np.uint8)
    (tmp_path / "raw" / raw.TRAIN_IMAGES).write_bytes(encode(flat))
    _, train, test = prepare(image_size=size)
    assert train.images.shape == (4, 1, size, size)
    assert test.images.shape == (1, 1, size, size)
    assert (prepared.to_pixels(train.images) == 200).all()
