import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors import numpy as safetensors

from stages.gan.common.errors import UserError
from stages.gan.trained import states

KINDS = st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.uint8])
NAMES = st.text(min_size=1).filter(lambda name: name != "values")
ARRAYS = st.dictionaries(
    NAMES,
    KINDS.flatmap(lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(min_dims=0))),
    max_size=4,
)
VALUES = st.dictionaries(st.text(), st.recursive(st.integers() | st.text(), st.lists), max_size=3)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("states") / "state"


@given(arrays=ARRAYS, values=VALUES)
def test_what_is_written_is_read_to_the_bit(file, arrays, values):
    states.write(file, arrays, values)
    read, told = states.read(file)
    assert told == values
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()


@given(arrays=ARRAYS)
def test_the_blocks_are_what_safetensors_saves(arrays):
    assert b"".join(states.blocks(arrays)) == safetensors.save(arrays)


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3).T, np.arange(6.0).astype(">f8")])
def test_any_order_of_an_array_is_saved_as_what_it_holds(array):
    plain = np.array(array, "<f8", order="C")
    assert b"".join(states.blocks({"a": array})) == safetensors.save({"a": plain})


def test_blocks_hold_no_copy_of_an_array():
    array = np.zeros(1 << 20, np.float32)
    _header, block = states.blocks({"a": array})
    assert np.shares_memory(block, array)


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_bit_that_changed_is_found(file, position, bit):
    states.write(file, {"a": np.arange(5.0)}, {"step": 3})
    content = bytearray(file.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    file.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        states.read(file)


@given(length=st.floats(0, 1, exclude_max=True))
def test_a_part_of_a_file_is_found(file, length):
    states.write(file, {"a": np.arange(5.0)}, {"step": 3})
    content = file.read_bytes()
    file.write_bytes(content[: int(length * len(content))])
    with pytest.raises(UserError, match="damaged"):
        states.read(file)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\0\0\0\0\0\0\0{}      ", b"x" * 500])
def test_another_content_under_a_right_checksum_is_refused(tmp_path, content):
    states.write(tmp_path / "state", {}, {})
    digest = states.hashlib.sha256(content).hexdigest().encode()
    (tmp_path / "state").write_bytes(digest + b"\n" + content)
    with pytest.raises(UserError, match="is not a state file"):
        states.read(tmp_path / "state")


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[]", b"\xff", b"{", b"1" * 5000], ids=len)
def test_values_that_are_no_object_of_json_are_refused(tmp_path, text):
    content = states.safetensors.save({"values": np.frombuffer(text, np.uint8)})
    digest = states.hashlib.sha256(content).hexdigest().encode()
    (tmp_path / "judge.state").write_bytes(digest + b"\n" + content)
    with pytest.raises(UserError, match=r"judge\.state is not a state file: ") as caught:
        states.read(tmp_path / "judge.state")
    assert "training" not in str(caught.value)  # a judge's weights are kept so too


def test_a_pickle_is_not_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    stream = io.BytesIO()
    np.save(stream, np.array([Hostile()], dtype=object), allow_pickle=True)
    for content in (pickle.dumps(Hostile()), stream.getvalue()):
        digest = states.hashlib.sha256(content).hexdigest().encode()
        (tmp_path / "state").write_bytes(digest + b"\n" + content)
        with pytest.raises(UserError):
            states.read(tmp_path / "state")
    assert not (tmp_path / "made").exists()


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match="missing"):
        states.read(tmp_path / "state")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    states.write(tmp_path / "state", {}, {"step": 1})
    with pytest.raises(TypeError):
        states.write(tmp_path / "state", {}, {"step": object()})
    assert states.read(tmp_path / "state")[1] == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["state"]
