import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from stages.gan.evaluation.quality import blocks, frechet, manifolds
from stages.gan.evaluation.quality.measuring import NAMES, Sample, Settings, measure
from tests.helpers.project import ROOT

FEW = Settings(samples=200, neighbours=3, parts=5)


def sample(seed, count=200, shift=0.0, size=8, kinds=4):
    draw = np.random.default_rng(seed)
    features = draw.standard_normal((count, size)) + shift
    return Sample(features.astype(np.float32), draw.integers(0, kinds, count).astype(np.uint8))


def measured(train, test, generated, settings=FEW, seed=1):
    samples = train, test, generated
    looks = [lambda rows, features=one.features: features[rows, :4] ** 2 for one in samples]
    return measure(*samples, settings, np.random.default_rng(seed), looks)


def test_all_scores_are_there_and_are_plain_json():
    found = measured(sample(1), sample(2), sample(3))
    assert tuple(found) == NAMES
    for score in found.values():
        assert set(score.to_json()) == {"value", "error", "floor", "floor_error"}
        assert all(type(value) is float for value in score.to_json().values())


def test_training_images_in_place_of_generated_ones_get_the_floor():
    train, test = sample(1), sample(2)
    found = measured(train, test, train)
    for name in set(NAMES) - {"memorisation", "near_copies"}:
        # Only the order, and so the order of sums, differs.
        assert found[name].value == pytest.approx(found[name].floor, rel=1e-9, abs=1e-12), name
    assert found["memorisation"].value == found["near_copies"].value == 1.0


def test_what_new_real_images_get_of_nearness_is_known_and_not_measured():
    """To measure it would add the error of so many images to a figure that has none."""
    for count in (200, 300):
        found = measured(*(sample(seed, count) for seed in range(3)))
        assert (found["memorisation"].floor, found["memorisation"].floor_error) == (0.5, 0.0)
        assert (found["near_copies"].floor, found["near_copies"].floor_error) == (0.01, 0.0)


def test_other_images_get_worse_than_the_floor():
    found = measured(sample(1), sample(2), sample(3, shift=1.0, kinds=2))
    for name in (
        "frechet_distance",
        "kernel_distance",
        "class_divergence",
        "untrained_frechet_distance",
    ):
        assert found[name].value > found[name].floor + 3 * found[name].error, name
    for name in (*manifolds.NAMES, "class_coverage", "memorisation"):
        assert found[name].value < found[name].floor, name


def test_copies_are_looked_for_among_all_training_images():
    train, test = sample(1, count=2000), sample(2)
    copies = train.take(np.arange(1500, 1700))
    assert measured(train, test, copies)["memorisation"].value == 1.0


def test_no_more_images_are_compared_than_asked_or_there():
    """Which shows in the Frechet distance: its floor grows as images get fewer."""
    many = [sample(seed, count=2000) for seed in range(3)]
    floor = measured(*many, Settings(2000, 3, 5))["frechet_distance"].floor
    fewer = measured(*many, Settings(200, 3, 5))["frechet_distance"].floor
    assert fewer > 3 * floor
    assert (
        measured(many[0], many[1], many[2].take(np.arange(200)), Settings(2000, 3, 5))[
            "frechet_distance"
        ].floor
        > 3 * floor
    )


@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize("blas", [1, 2])
def test_the_same_to_the_last_bit_on_any_number_of_threads(monkeypatch, cores, blas):
    samples = [sample(seed, count=700, size=128) for seed in range(3)]
    expected = measured(*samples, Settings(700, 5, 5))
    monkeypatch.setattr(blocks, "usable_cores", lambda: cores)
    with threadpool_limits(blas, "blas"):
        assert measured(*samples, Settings(700, 5, 5)) == expected


def test_the_second_space_is_asked_for_the_images_that_are_compared():
    samples, asked = [sample(seed, count=300) for seed in range(3)], []

    def look_at(place):
        def look(rows):
            asked.append((place, rows))
            return samples[place].features[rows]

        return look

    looks = [look_at(place) for place in range(3)]
    found = measure(*samples, FEW, np.random.default_rng(1), looks)
    assert [place for place, _ in asked] == [0, 1, 2]
    assert all(len(set(rows)) == 200 for _, rows in asked)
    # In equal features it is the first distance.
    (name,) = frechet.UNTRAINED
    assert found[name] == found["frechet_distance"]


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="19 images to compare, valid is 20 or more"):
        measured(sample(1), sample(2), sample(3, count=19))


@pytest.mark.parametrize(
    ("features", "classes"),
    [
        (np.zeros((3, 2), np.float32), np.zeros(2, np.uint8)),
        (np.zeros(3, np.float32), np.zeros(3, np.uint8)),
        (np.full((3, 2), np.nan, np.float32), np.zeros(3, np.uint8)),
    ],
)
def test_samples_that_do_not_fit_are_refused(features, classes):
    with pytest.raises(ValueError, match="features"):
        Sample(features, classes)


def test_mindspore_is_not_needed():
    script = (
        "import sys, stages.gan.evaluation.quality.measuring; print('mindspore' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
