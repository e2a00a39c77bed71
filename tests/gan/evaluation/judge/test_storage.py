import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.gan.evaluation import judge
from stages.gan.evaluation.judge import classifier, storage
from stages.gan.trained import states
from tests.helpers.data import message_of, tree
from tests.helpers.judge import COUNTS, SETTINGS, splits


@pytest.fixture(scope="module", params=[True, False], ids=["labels", "transformations"])
def stored(request, tmp_path_factory):
    """A folder with a judge, the judge that was saved in it, and the real images."""
    folder = tmp_path_factory.mktemp("judge")
    given = splits(request.param)
    trained = judge.make(given["train"], given["test"], SETTINGS)
    about = storage.save(folder, trained, given)
    return folder, trained, given, about


@pytest.fixture
def copy(stored, tmp_path):
    """A copy of that folder, to be spoilt."""
    for name, content in tree(stored[0]).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_what_is_loaded_sees_what_was_stored(stored):
    folder, trained, given, _ = stored
    loaded = storage.load(folder)
    for name, real in given.items():
        seen = storage.seen(folder, loaded, name, len(real))
        for other in (loaded.see(real.images), trained.see(real.images)):
            np.testing.assert_array_equal(other.features, seen.features)
            np.testing.assert_array_equal(other.classes, seen.classes)
        assert seen.features.shape == (len(real), SETTINGS.feature_size)
        assert (seen.features.dtype, seen.classes.dtype) == (np.float32, np.uint16)
        assert seen.classes.max() < loaded.classes


def test_a_published_judge_is_known_by_its_sha256(copy):
    own = sha256(copy / "judge.state")
    assert storage.load_published(copy, own).sha256 == own
    told = message_of(storage.load_published, copy, "0" * 64)
    assert told.endswith(f"judge.state has the sha256 {own}, but --sha256 says {'0' * 64}")
    about = json.loads((copy / "judge.json").read_text())
    (copy / "judge.json").write_text(json.dumps({**about, "sha256": "1" * 64}))
    told = message_of(storage.load_published, copy)
    assert told.endswith(f"judge.json says {'1' * 64}")
    (copy / "judge.json").unlink()
    assert storage.load_published(copy).sha256 == own


def test_description_stands_beside_it(stored):
    folder, trained, _, about = stored
    assert json.loads((folder / "judge.json").read_text()) == about
    assert about["sha256"] == sha256(folder / "judge.state") == storage.load(folder).sha256
    assert about["accuracy"] == trained.accuracy == storage.load(folder).accuracy
    assert about["counts"] == COUNTS
    assert (about["widths"], about["feature_size"]) == ([4, 8], 6)


@pytest.mark.parametrize("name", ["judge.state", "test_features.npy", "train_classes.npy"])
@pytest.mark.parametrize("content", [b"", b"junk", None], ids=["empty", "junk", "missing"])
def test_damaged_files_are_named(copy, name, content):
    file = copy / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    text = message_of(storage.load if name == storage.STATE else seen_all, copy)
    assert str(file) in text
    assert "dvc repro" in text


def seen_all(folder):
    loaded = storage.load(folder)
    return [storage.seen(folder, loaded, name, count) for name, count in COUNTS.items()]


def test_one_changed_bit_of_the_weights_is_found(copy):
    file = copy / storage.STATE
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    assert "is damaged" in message_of(storage.load, copy)


@pytest.mark.parametrize(
    "change",
    [
        {"widths": [4, 9]},
        {"widths": "no"},
        {"image_shape": [1, 8]},
        {"feature_size": 7},
        {"classes": "many"},
        {"task": "other"},
        {"accuracy": None},
    ],
    ids=str,
)
def test_a_description_of_another_network_is_refused(copy, change):
    arrays, about = states.read(copy / storage.STATE)
    states.write(copy / storage.STATE, arrays, {**about, **change})
    assert "holds no judge" in message_of(storage.load, copy)


def test_arrays_of_another_kind_or_length_are_refused(copy):
    np.save(copy / "test_classes.npy", np.zeros(40, np.float32))
    assert "it holds float32, valid is uint16" in message_of(seen_all, copy)
    np.save(copy / "test_classes.npy", np.zeros(39, np.uint16))
    assert "its shape is (39,), valid is (40,)" in message_of(seen_all, copy)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("test_features", lambda a: np.where(np.arange(6) < 5, a, np.nan), "finite numbers"),
        ("train_features", lambda a: np.where(np.arange(6) < 5, a, -np.inf), "finite numbers"),
        ("test_features", lambda a: a[:20], "its shape is (20, 6), valid is (40, 6)"),
        ("train_classes", lambda a: a[:20], "its shape is (20,), valid is (96,)"),
        ("train_features", lambda a: a[:, :3], "its shape is (96, 3), valid is (96, 6)"),
        ("test_classes", lambda a: a + 5, "whole numbers below "),
    ],
)
def test_what_it_cannot_have_seen_is_refused(copy, name, change, reason):
    file = copy / f"{name}.npy"
    stored = np.load(file)
    np.save(file, change(stored).astype(stored.dtype))
    text = message_of(seen_all, copy)
    assert text.startswith(str(file))
    assert reason in text
    assert text.endswith("run `dvc repro`")


def spoilt(array, how):
    """A copy with one value, or another type."""
    if isinstance(how, type):
        return array.astype(how)
    array = array.copy()
    array.flat[0] = how
    return array


@pytest.mark.parametrize("how", [np.nan, np.inf, np.float64, np.float16, np.int32])
def test_weights_and_centroids_are_finite_and_of_their_kind(copy, how):
    arrays, about = states.read(copy / storage.STATE)
    for name in arrays:
        if arrays[name].dtype == how:
            continue
        states.write(copy / storage.STATE, {**arrays, name: spoilt(arrays[name], how)}, about)
        text = message_of(storage.load, copy)
        assert text.startswith(f"{copy / storage.STATE} holds no judge (")
        assert text.endswith("run `dvc repro`")


@pytest.mark.parametrize(
    "change",
    [
        {"image_shape": [1, 100_000, 100_000]},
        {"image_shape": [1, 1024, 1024]},
        {"image_shape": [1024, 8, 8]},
        {"classes": 10**10},
        {"classes": 1000},
        {"feature_size": 4096},
        {"widths": [65536] * 8},
        {"widths": [4] * 2000},
        {"widths": []},
    ],
    ids=str,
)
def test_a_network_larger_than_its_weights_is_not_built(copy, change, monkeypatch):
    """Some would ask for terabytes, and params.yaml admits some of them."""
    monkeypatch.setattr(classifier, "build", lambda *_: pytest.fail("it was built"))
    arrays, about = states.read(copy / storage.STATE)
    if storage._CENTROIDS in arrays and change == {"classes": 1000}:
        change = {"classes": 1000, "widths": [8, 4]}  # its classes are no outputs
    states.write(copy / storage.STATE, arrays, {**about, **change})
    assert "holds no judge" in message_of(storage.load, copy)


def load_or_refuse(folder):
    """The judge, or None if it was refused in one line."""
    try:
        return storage.load(folder)
    except UserError as error:
        text = str(error)
    assert str(folder / storage.STATE) in text
    assert "dvc repro" in text
    assert "\n" not in text
    assert len(text) < 1000
    return None


JSON = st.recursive(
    st.sampled_from([-1, 0, 1, 4, 8, 1024, 2**31, 2**64, 10**30, None, True, 0.5, "labels"])
    | st.sampled_from(["transformations", "\ud800", "\n"])
    | st.floats()
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=9,
)
NAMES = ("task", "image_shape", "widths", "feature_size", "classes", "accuracy")


@settings(max_examples=60)
@given(
    changes=st.dictionaries(
        st.sampled_from(NAMES) | st.text(max_size=4), JSON, min_size=1, max_size=3
    ),
    gone=st.sets(st.sampled_from(NAMES), max_size=1),
)
def test_any_description_is_that_of_the_weights_or_ends_in_one_line(sound, changes, gone):
    folder, arrays, about = sound
    described = {**about, **changes}
    for name in gone:
        del described[name]
    content = states.safetensors.save(
        {**arrays, "values": np.frombuffer(json.dumps(described).encode(), np.uint8)}
    )
    digest = states.hashlib.sha256(content).hexdigest().encode()
    (folder / storage.STATE).write_bytes(digest + b"\n" + content)
    if loaded := load_or_refuse(folder):
        assert set(gone) == set()
        assert loaded.see(np.zeros((1, *loaded.image_shape))).features.shape == (1, 6)
        assert type(loaded.accuracy) is float
        assert 0 <= loaded.accuracy <= 1
        assert loaded.task == about["task"]


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_bytes_end_in_one_line(sound, data):
    folder, arrays, about = sound
    states.write(folder / storage.STATE, arrays, about)
    content = bytearray((folder / storage.STATE).read_bytes())
    signed = data.draw(st.booleans())  # by somebody malicious
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 1000) | st.integers(0, len(content) - 1))
        content[min(place, len(content) - 1)] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    if signed:
        content[:64] = states.hashlib.sha256(content[65:]).hexdigest().encode()
        content[64:65] = b"\n"
    (folder / storage.STATE).write_bytes(content)
    loaded = load_or_refuse(folder)
    if not signed and loaded:  # two flips may undo each other
        assert loaded.sha256 == sha256(folder / storage.STATE)
        assert bytes(content[:64]).decode() == states.hashlib.sha256(content[65:]).hexdigest()
    if loaded:  # weights of another sense are no traceback either
        with contextlib.suppress(UserError):
            seen = loaded.see(np.zeros((2, *loaded.image_shape), np.float32))
            assert np.isfinite(seen.features).all()


@pytest.fixture(scope="module")
def sound(stored, tmp_path_factory):
    """A folder to be written into, and what a sound judge's state holds."""
    return tmp_path_factory.mktemp("fuzzing"), *states.read(stored[0] / storage.STATE)
