from dataclasses import replace

import numpy as np
import pytest

from stages.gan.data.prepared import Split
from stages.gan.evaluation import judge
from stages.gan.evaluation.judge import classifier, clusters, transformations
from stages.gan.trained.checkpoints import put, values
from tests.helpers.data import load_params, message_of
from tests.helpers.judge import SETTINGS, split, splits

SHORT = SETTINGS.model_copy(update={"epochs": 1})


@pytest.fixture(scope="module", params=[True, False], ids=["labels", "transformations"])
def made(request):
    """A judge and the real images that it was trained on."""
    given = splits(request.param)
    return judge.make(given["train"], given["test"], SETTINGS), given


def test_classes_are_the_labels_or_clusters_of_the_training_features(made):
    trained, given = made
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


def test_its_training_ends_after_so_many_steps(monkeypatch):
    given = splits(labelled=False)  # 96 images: six steps an epoch
    rates = []

    class Counted(classifier.Training):
        def begin(self, steps):
            rates.append((steps, []))
            super().begin(steps)

        def step(self, *batch):
            rates[-1][1].append(super().step(*batch))

    monkeypatch.setattr(classifier, "Training", Counted)
    made = {}
    for most in (None, 18, 100, 8, 1):
        settings = SETTINGS.model_copy(update={"max_steps": most})
        made[most] = values(judge.make(*given.values(), settings).network.get_parameters())
    # The rate falls to 0 at the last step, so the whole length must be known from the first one.
    assert [(steps, len(done)) for steps, done in rates] == [
        (18, 18), (18, 18), (18, 18), (8, 8), (1, 1),
    ]  # fmt: skip
    for most in (18, 100):
        for name, array in made[None].items():
            np.testing.assert_array_equal(made[most][name], array)


def test_labels_of_one_split_alone_are_no_task():
    given = judge.make(split(32, True), split(16, False), SHORT)
    assert given.task == judge.TRANSFORMATIONS


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (3, 1, 9, 8), (3, 3, 8, 8), (1, 8, 8)], ids=str)
def test_other_images_are_refused(made, shape):
    with pytest.raises(ValueError, match=r"valid is \(1 on, \(1, 8, 8\)\)"):
        made[0].see(np.zeros(shape, np.float32))


@pytest.mark.parametrize("variance", [-1.0, -1e-5])
def test_a_judge_whose_features_are_not_finite_says_so(made, variance):
    # A new network, as `put` asks for one that has not run yet.
    network = classifier.build((1, 8, 8), SETTINGS.widths, SETTINGS.feature_size, 2, SETTINGS.seed)
    arrays = values(network.get_parameters())
    arrays["normalise.moving_variance"][:] = variance
    put(arrays, network.get_parameters())
    network.set_train(False)
    spoilt = replace(made[0], network=network)
    images = np.ones((3, 1, 8, 8), np.float32)
    assert "not finite" in message_of(spoilt.see, images)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_training_that_diverges_names_the_learning_rate(labelled):
    diverging = SETTINGS.model_copy(update={"learning_rate": 1e38})
    given = splits(labelled)
    text = message_of(judge.make, given["train"], given["test"], diverging)
    assert "judge.learning_rate" in text


def test_images_that_are_not_square_need_labels():
    def narrow(labelled):
        return [
            Split(part.images[..., :6], part.latents, part.labels)
            for part in splits(labelled).values()
        ]

    text = message_of(judge.make, *narrow(False), SHORT)
    assert "8 x 6 pixels" in text
    assert "labels" in text
    assert judge.make(*narrow(True), SHORT).image_shape == (1, 8, 6)


@pytest.mark.parametrize(
    ("place", "value"),
    [("epochs", 0), ("widths", []), ("classes", 1), ("feature_size", 1), ("shift", -1)],
)
def test_bad_params_are_named(tmp_path, place, value):
    text = message_of(load_params, tmp_path, "mnist", **{f"mnist__judge__{place}": value})
    assert f"mnist.judge.{place}" in text
