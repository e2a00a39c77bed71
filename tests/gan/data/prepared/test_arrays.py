import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stages.gan.common.errors import UserError
from stages.gan.data.prepared import array_files
from stages.gan.data.prepared.arrays import are_finite, check_values, open_made, read_array
from tests.helpers.data import message_of
from tests.helpers.traps import Trap


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("arrays") / "a.npy"


def with_header(text: str, version: int = 1, content: bytes = bytes(96)) -> bytes:
    """A .npy file with any text for a header."""
    encoded = text.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(encoded))
    return b"\x93NUMPY" + bytes((version, 0)) + length + encoded + content


@given(
    array=st.sampled_from([np.float16, np.float32, np.float64, np.uint8, np.int64, ">f4"]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=4))
    ),
    columns=st.booleans(),
)
def test_what_was_saved_comes_back(file, array, columns):
    np.save(file, np.asarray(array, order="F" if columns else "C"))
    back = read_array(file)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")


def test_it_is_a_read_only_memory_map(file):
    np.save(file, np.arange(6.0))
    array = read_array(file)
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def test_a_missing_file_is_for_the_caller_to_name(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_array(tmp_path / "none.npy")


@pytest.mark.parametrize("form", ["array", "structure", "pickle", "npz"])
def test_objects_are_refused_and_their_code_does_not_run(file, tmp_path, form):
    trap = tmp_path / "sprung"
    if form == "pickle":
        file.write_bytes(pickle.dumps(Trap(trap)))
    elif form == "structure":
        np.save(file, np.array([(1, Trap(trap))], [("a", "f4"), ("b", "O")]), allow_pickle=True)
    elif form == "array":
        np.save(file, np.array([Trap(trap)], object), allow_pickle=True)
    else:
        with file.open("wb") as opened:
            np.savez(opened, a=np.array([Trap(trap)], object))
    assert message_of(read_array, file).startswith(f"{file} is damaged, or no .npy file of numbers")
    assert not trap.exists()
    if form in ("array", "pickle"):  # the trap is one: it springs where it is unpickled
        np.load(file, allow_pickle=True)
        assert trap.exists()


SHAPES = (
    "()", "(0,)", "(24,)", "(2, 3, 4)", "(25,)", "(-1,)", "(-4, -6)", "(True,)", "(24.0,)", "None",
    "[24]", "(1000000000000,)", "(9223372036854775807, 2)", "(4611686018427387904, 4)",
    "(18446744073709551616,)", "(0, 99999999999999999999)", "(2, (3,))", f"({'1, ' * 40})",
    f"{'(' * 150}{')' * 150}",
)  # fmt: skip
KINDS = (
    "'<f4'", "'|O'", "'<U4'", "'<U0'", "'V0'", "'|S0'", "'V99999999999'", "'<f4, <f4'", "'<M8[s]'",
    "[]", "[('a', '<f4')]", "[('a', '|O')]", "[('a', 'V0')]", "[('a', '<f4', (99999999999,))]",
    "[('', 'V2147483647')]", "('<f4', (2, 2))", "7", "None", "'nonsense'", "'\\x00'", "'<f4",
)  # fmt: skip


@pytest.mark.parametrize("version", [1, 2, 3, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_any_header_is_believed_only_if_it_is_true(file, kind, version):
    for shape in SHAPES:
        for order in ("False", "True", "2", "{}"):
            header = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}}}\n"
            file.write_bytes(with_header(header, version))
            fits = kind == "'<f4'" and shape in ("(24,)", "(2, 3, 4)")
            if fits and version < 3 and order in ("False", "True"):
                assert (read_array(file) == 0).all()
            else:
                message_of(read_array, file)


SOUND = io.BytesIO()
np.save(SOUND, np.arange(24, dtype=np.float32).reshape(2, 3, 4))
SOUND_BYTES = SOUND.getvalue()


@settings(max_examples=500, deadline=None)
@given(
    changes=st.dictionaries(
        st.integers(0, 127) | st.integers(0, len(SOUND_BYTES) - 1),
        st.integers(0, 255),
        max_size=4,
    ),
    length=st.just(len(SOUND_BYTES)) | st.integers(0, len(SOUND_BYTES) + 9),
)
def test_any_damaged_bytes_are_numbers_or_one_line(file, changes, length):
    content = bytearray(SOUND_BYTES)
    for position, byte in changes.items():
        content[position] = byte
    file.write_bytes((content + bytes(9))[:length])
    try:
        array = read_array(file)
    except UserError:
        return
    assert array.dtype.kind in "fiu"
    assert array.nbytes <= length


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int32, ">f4"])
def test_what_a_stage_made_is_of_its_kind_or_ends_in_one_line(tmp_path, kind):
    file = tmp_path / "a.npy"
    assert message_of(open_made, file, np.float32) == f"{file} is missing: run `dvc repro` first"
    np.save(file, np.zeros(3, kind))
    text = message_of(open_made, file, np.float32)
    assert text.startswith(f"{file} is damaged (it holds ")
    assert text.endswith("valid is float32): remove it and run `dvc repro`")
    file.write_bytes(b"junk")
    assert message_of(open_made, file, np.float32).endswith("remove it and run `dvc repro`")
    np.save(file, np.arange(3, dtype=np.float32))
    assert open_made(file, np.float32).tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@given(place=st.integers(0, 24))
def test_every_value_is_looked_at_in_blocks(small_blocks, value, place):
    array = np.zeros((5, 5))
    check_values(Path("a.npy"), array, are_finite, "finite numbers")
    array[divmod(place, 5)] = value
    text = message_of(check_values, Path("a.npy"), array, are_finite, "finite numbers")
    assert text.startswith("a.npy is damaged (it should hold finite numbers)")


@pytest.fixture(scope="module")
def small_blocks():
    """Blocks of two rows of five values."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_files, "_BLOCK_VALUES", 10)
        yield
