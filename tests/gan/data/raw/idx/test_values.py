import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stages.gan.data.raw.idx import values
from stages.gan.data.raw.idx.bundled import encode
from tests.helpers.data import digits, message_of

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx(array, kind="u1"):
    head = struct.pack(f">4B{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
    return head + array.astype(kind).tobytes()


@pytest.fixture(scope="module")
def one_file(tmp_path_factory):
    return tmp_path_factory.mktemp("values") / "it"


def read(file, content):
    file.write_bytes(content)
    return values.read(file)


@given(array=arrays(np.uint8, array_shapes(min_dims=1, max_dims=4, max_side=6)))
def test_what_was_encoded_is_read(one_file, array):
    back = read(one_file, encode(array))
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)


@pytest.mark.parametrize("kind", CODES)
def test_every_type_is_read_in_big_endian_order(one_file, kind):
    array = np.arange(12).reshape(3, 2, 2) - (0 if kind == "u1" else 3)
    back = read(one_file, idx(array, kind))
    assert back.dtype == np.dtype(kind)
    assert np.array_equal(back, array)


@given(content=st.binary(max_size=60).filter(lambda content: content[:2] != bytes(2)))
def test_bytes_without_the_magic_number_are_refused(content):
    text = message_of(values.header, content, len(content), "it")
    assert text.startswith("it has the magic number 0x")


@given(
    sizes=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4),
    length=st.integers(0, 30),
    kind=st.sampled_from([*CODES]),
)
def test_any_sizes_that_do_not_fit_are_refused(sizes, length, kind):
    start = struct.pack(f">4B{len(sizes)}I", 0, 0, CODES[kind], len(sizes), *sizes)
    needed = math.prod(sizes) * np.dtype(kind).itemsize
    if needed != length:
        text = message_of(values.header, start, len(start) + length, "it")
        assert f"{len(start) + needed:,} bytes" in text
    elif not needed:
        assert "holds no values" in message_of(values.header, start, len(start), "it")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it has the magic number 0x, but IDX files begin with 0x0000"),
        (b"\x08\x03\0\0" + bytes(30), "the magic number 0x08030000"),
        (b"\x1f\x8b\x08\0" + bytes(30), "the magic number 0x1f8b0800"),
        (b"\0\0\x0f\1" + bytes(30), "numbers of the unknown type 0x0f: valid is 0x08 uint8, 0x09"),
        (b"\0\0\x08\0" + bytes(30), "holds uint8 in 0 dimensions: valid are 1 to 4"),
        (b"\0\0\x0d\7" + bytes(30), "holds float32 in 7 dimensions: valid are 1 to 4"),
        (b"\0\0\x08\3\0\0", "it has 6 bytes, too few for its header of 16"),
        (encode(digits(2)[0])[:-1], "1,583 bytes, but its header says 2 x 28 x 28 of uint8: 1,584"),
        (encode(digits(2)[0]) + b"x", "1,585 bytes, but its header says 2 x 28 x 28 of uint8"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 2, 1), "4,294,967,312 bytes"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1), "holds no values: its header"),
        (struct.pack(">4B1I", 0, 0, 14, 1, 2**32 - 1), "34,359,738,368 bytes"),
    ],
)
def test_header_that_lies_is_named(one_file, content, said):
    assert said in message_of(read, one_file, content)


def test_sizes_in_reverse_order_are_told(one_file):
    content = bytes([0, 0, 8, 2]) + struct.pack("<2I", 2, 3) + bytes(6)
    text = message_of(read, one_file, content)
    assert text.endswith("bytes (its sizes are little-endian, and IDX is big-endian)")
    assert "little-endian" not in message_of(read, one_file, content + b"x")


def test_missing_file_is_named(tmp_path):
    assert f"{tmp_path}/x is missing" in message_of(values.read, tmp_path / "x")


@pytest.mark.parametrize("shape", [(5,), (5, 784), (5, 28, 28, 2), (5, 3, 28, 28)])
def test_what_holds_no_images_is_named_with_its_type_and_shape(shape):
    text = message_of(values.check_images, np.zeros(shape, ">i4"), "it")
    assert text.startswith(f"it holds int32 in {len(shape)} dimensions, {shape[0]}")
    assert "valid are images, N x height x width" in text


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[[-1, 5]]], np.int16), "it: int16 from -1 to 5: valid are whole numbers from 0"),
        (np.array([[[0, 65535]]], np.int32), "it: int32 from 0 to 65535"),
        (np.array([[[-3.0, 1.0]]]), "it: float64 from -3 to 1"),
        (np.array([[[0.0, 300.0]]]), "it: float64 from 0 to 300"),
        (np.array([[[0.0, np.nan]]]), "it: float64 with values that are not finite (or their"),
        (np.array([[[0.0, np.inf]]]), "it: float64 with values that are not finite (or their"),
    ],
)
def test_values_in_no_known_range_are_named(array, said):
    assert said in message_of(values.levels_of, {"it": array})


@pytest.mark.parametrize(
    ("array", "levels", "words"),
    [
        (np.array([[[0, 1]]], np.uint8), [0, 255], "uint8: 0 black, 1 white"),
        (np.array([[[0, 2]]], np.uint8), [0, 2], "uint8: levels from 0 to 255"),
        (np.array([[[0, 0]]], np.uint8), [0, 0], "uint8: levels from 0 to 255"),
        (np.array([[[0, 200]]], np.int32), [0, 200], "int32: levels from 0 to 255"),
        (np.array([[[0.0, 0.5]]]), [0, 128], "float64: 0 black, 1 white"),
        (np.array([[[-0.5, 1.0000001]]]), [64, 255], "float64: -1 black, 1 white"),
        (np.array([[[0.0, 99.6]]]), [0, 100], "float64: 0 black, 255 white"),
    ],
)
def test_values_become_levels_in_a_stated_way(array, levels, words):
    found = values.levels_of({"it": array})
    assert found.words == words
    assert found.of(array).ravel().tolist() == levels


def test_all_files_of_a_set_are_scaled_alike():
    dark, light = np.full((1, 2, 2), 0.9), np.full((1, 2, 2), 200.0)
    assert values.levels_of({"a": dark, "b": light}).of(dark).max() == 1


@pytest.mark.parametrize(
    ("array", "labels"),
    [
        (np.array([3, 9], np.uint8), [3, 9]),
        (np.array([[3], [9]]), [3, 9]),
        (np.array([[3, 70_000], [9, 1]]), [3, 9]),
        (np.array([[0, 0, 1], [1, 0, 0]]), [2, 0]),
        (np.array([3.0, 9.0], np.float32), [3, 9]),
    ],
)
def test_labels_of_every_shape(array, labels):
    assert values.labels_of(array, "it").tolist() == labels


@pytest.mark.parametrize("array", [np.array([-1, 3]), np.array([256]), np.array([0.5, 1.0])])
def test_labels_that_are_none_are_named(array):
    text = message_of(values.labels_of, array, "it")
    assert text.startswith(f"it holds labels from {array.min():g} to {array.max():g}: valid are")
    assert "without the file the set has no labels" in text


def test_labels_of_too_many_dimensions_are_named():
    text = message_of(values.labels_of, np.zeros((5, 2, 2), np.uint8), "it")
    assert text.startswith("it holds uint8 in 3 dimensions, 5 x 2 x 2: valid are labels")


@pytest.mark.parametrize("shape", [(1, 6, 4), (1, 4, 6)])
def test_the_central_square_is_used(shape):
    image = np.zeros(shape, np.uint8)
    top, left = (shape[1] - 4) // 2, (shape[2] - 4) // 2
    image[:, top : top + 4, left : left + 4] = 9
    assert (values.fitted(image, 4, 1, False) == 9).all()
