import json

import numpy as np
import pytest
from data_helpers import load_params, message_of, tree

from stages.gan import clusters, judge, states, transformations
from stages.gan.files import sha256
from stages.gan.params import Judge as Settings
from stages.gan.prepared import Split

SETTINGS = Settings(
    epochs=3,
    batch_size=16,
    learning_rate=0.01,
    widths=[4, 8],
    feature_size=6,
    classes=5,
    shift=1,
    seed=1,
)


def split(count, labelled, seed=0):
    """Noise that is bright at the top (class 0) or at the bottom (class 1)."""
    draw = np.random.default_rng(seed)
    images = draw.normal(0, 0.3, (count, 1, 8, 8))
    labels = draw.integers(0, 2, count).astype(np.uint8)
    images[labels == 0, :, :4] += 0.5
    images[labels == 1, :, 4:] += 0.5
    return Split(
        np.clip(images, -1, 1).astype(np.float16),
        draw.normal(size=(count, 2)).astype(np.float32),
        labels if labelled else None,
    )


def splits(labelled):
    return {"train": split(96, labelled), "test": split(40, labelled, seed=1)}


@pytest.fixture(scope="module", params=[True, False], ids=["labels", "transformations"])
def stored(request, tmp_path_factory):
    """A folder with a judge, the judge that was saved in it, and the real images."""
    folder = tmp_path_factory.mktemp("judge")
    given = splits(request.param)
    trained = judge.make(given["train"], given["test"], SETTINGS)
    about = judge.save(folder, trained, given)
    return folder, trained, given, about


@pytest.fixture
def copy(stored, tmp_path):
    """A copy of that folder, to be spoilt."""
    for name, content in tree(stored[0]).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_classes_are_the_labels_or_clusters_of_the_training_features(stored):
    _, trained, given, _ = stored
    seen = {name: trained.see(real.images) for name, real in given.items()}
    if given["train"].labels is not None:
        assert (trained.task, trained.classes, trained.centroids) == (judge.LABELS, 2, None)
        right = (seen["test"].classes == given["test"].labels).mean()
        assert trained.accuracy == right > 0.9
        return
    assert (trained.task, trained.classes) == (judge.TRANSFORMATIONS, 5)
    features, classes = seen["train"].features, seen["train"].classes
    np.testing.assert_array_equal(classes, clusters.nearest_centroid(features, trained.centroids))
    for index in np.unique(classes):
        mean = features[classes == index].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(trained.centroids[index], mean, rtol=1e-6)


def test_accuracy_without_labels_is_that_of_the_task():
    parts = []
    for seed in (0, 1):
        part = split(200, labelled=True, seed=seed)
        top = part.images[part.labels == 0]  # all alike, so that a turn can be seen
        parts.append(Split(top, part.latents[: len(top)], None))
    settings = SETTINGS.model_copy(update={"epochs": 40, "widths": [8, 16], "feature_size": 16})
    found = judge.make(*parts, settings)
    # Chance tells one in 16; turns alone, four in 16.
    assert 3 / transformations.TASKS < found.accuracy <= 1


def test_labels_of_one_split_alone_are_no_task():
    given = judge.make(split(32, True), split(16, False), SETTINGS.model_copy(update={"epochs": 1}))
    assert given.task == judge.TRANSFORMATIONS


def test_what_is_loaded_sees_what_was_stored(stored):
    folder, trained, given, _ = stored
    loaded = judge.load(folder)
    for name, real in given.items():
        seen = judge.seen(folder, name)
        for other in (loaded.see(real.images), trained.see(real.images)):
            np.testing.assert_array_equal(other.features, seen.features)
            np.testing.assert_array_equal(other.classes, seen.classes)
        assert seen.features.shape == (len(real), SETTINGS.feature_size)
        assert (seen.features.dtype, seen.classes.dtype) == (np.float32, np.uint16)
        assert seen.classes.max() < loaded.classes


def test_description_stands_beside_it(stored):
    folder, trained, _, about = stored
    assert json.loads((folder / "judge.json").read_text()) == about
    assert about["sha256"] == sha256(folder / "judge.state") == judge.load(folder).sha256
    assert about["accuracy"] == trained.accuracy == judge.load(folder).accuracy
    assert about["counts"] == {"train": 96, "test": 40}
    assert (about["widths"], about["feature_size"]) == ([4, 8], 6)


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (3, 1, 9, 8), (3, 3, 8, 8), (1, 8, 8)], ids=str)
def test_other_images_are_refused(stored, shape):
    with pytest.raises(ValueError, match=r"valid is \(1 on, \(1, 8, 8\)\)"):
        stored[1].see(np.zeros(shape, np.float32))


@pytest.mark.parametrize("name", ["judge.state", "test_features.npy", "train_classes.npy"])
@pytest.mark.parametrize("content", [b"", b"junk", None], ids=["empty", "junk", "missing"])
def test_damaged_files_are_named(copy, name, content):
    file = copy / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    text = message_of(judge.load, copy) if name == judge.STATE else message_of(seen_all, copy)
    assert str(file) in text
    assert "dvc repro" in text


def seen_all(folder):
    return [judge.seen(folder, name) for name in ("train", "test")]


def test_one_changed_bit_of_the_weights_is_found(copy):
    file = copy / judge.STATE
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    assert "is damaged" in message_of(judge.load, copy)


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
    arrays, about = states.read(copy / judge.STATE)
    states.write(copy / judge.STATE, arrays, {**about, **change})
    assert "holds no judge" in message_of(judge.load, copy)


def test_arrays_of_another_kind_or_length_are_refused(copy):
    np.save(copy / "test_classes.npy", np.zeros(40, np.float32))
    assert "it holds float32, valid is uint16" in message_of(judge.seen, copy, "test")
    np.save(copy / "test_classes.npy", np.zeros(39, np.uint16))
    assert "do not fit each other" in message_of(judge.seen, copy, "test")


@pytest.mark.parametrize(
    ("place", "value"),
    [("epochs", 0), ("widths", []), ("classes", 1), ("feature_size", 1), ("shift", -1)],
)
def test_bad_params_are_named(tmp_path, place, value):
    text = message_of(load_params, tmp_path, "mnist", **{f"mnist__judge__{place}": value})
    assert f"mnist.judge.{place}" in text
