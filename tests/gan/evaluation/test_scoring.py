import math

import numpy as np
import pytest

from stages.gan.common.randomness import stream
from stages.gan.data.prepared import Split, normalise
from stages.gan.evaluation import judge, scoring
from stages.gan.evaluation.judge import storage
from stages.gan.trained import states
from tests.helpers.data import load_params, message_of, tree

COUNT = 200
SETTINGS = {
    "mnist__judge__epochs": 3, "mnist__judge__batch_size": 20, "mnist__judge__shift": 1,
    "mnist__evaluate__critic__epochs": 4, "mnist__evaluate__critic__batch_size": 20,
}  # fmt: skip


def images(count: int, seed: int, brightness: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of a bar in one of two places, and in which."""
    draw = np.random.default_rng(seed)
    levels = draw.integers(0, 60, (count, 1, 8, 8))
    places = draw.permutation(count) % 2
    for level, place in zip(levels, places, strict=True):
        level[0, :, 1 + 4 * place] += 150
    return normalise((levels + brightness).astype(np.uint8)), places.astype(np.uint8)


def split(count: int, seed: int) -> Split:
    pixels, places = images(count, seed)
    return Split(pixels, np.zeros((count, 4), np.float32), places)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Two splits, the folder of a judge of them, and evaluate's params."""
    folder = tmp_path_factory.mktemp("judge")
    params = load_params(folder, "mnist", **SETTINGS)
    splits = {"train": split(COUNT, 1), "test": split(COUNT, 2)}
    made = judge.make(splits["train"], splits["test"], params.judge)
    storage.save(folder, made, splits)
    return splits["train"], splits["test"], folder, params.evaluate


def score(judged, shown, fresh):
    return scoring.score(*judged[:3], shown, fresh, judged[3])


@pytest.fixture(scope="module")
def good(judged):
    """The scores of images drawn as the real ones are."""
    return score(judged, images(COUNT, 3)[0], images(COUNT, 4)[0])


@pytest.fixture(scope="module")
def bad(judged):
    """The scores of brighter ones."""
    return score(judged, images(COUNT, 3, 40)[0], images(COUNT, 4, 40)[0])


def test_all_scores_are_there(good):
    assert tuple(good["quality"]) == scoring.QUALITY
    assert set(good["critic"]) == {*scoring.CRITIC, "jsd_interval"}
    for group, names in (("quality", scoring.QUALITY), ("critic", scoring.CRITIC)):
        for name in names:
            found = good[group][name]
            assert set(found) == {"value", "error", "floor", "floor_error"}
            assert math.isfinite(found["value"])
            assert math.isfinite(found["floor"])
            if name == "p_value":
                assert found["error"] is found["floor_error"] is None
            else:
                assert found["error"] > 0
                known = name in ("memorisation", "near_copies")
                assert (found["floor_error"] == 0) is known


def test_the_judges_part_alone_has_the_same_scores(judged, bad):
    shown = images(COUNT, 3, 40)[0]
    assert scoring.quality(*judged[:3], shown, judged[3]) == bad["quality"]
    few = scoring.quality(*judged[:3], shown[: scoring.FEWEST - 1], judged[3])
    assert set(few) == set(scoring.QUALITY)
    assert all(score["value"] is None for score in few.values())


def test_without_fresh_images_there_is_no_critic_and_a_published_judge_looks_anew(judged, bad):
    train, test, folder, settings = judged
    shown = images(COUNT, 3, 40)[0]
    found = scoring.score(train, test, folder, shown, None, settings, published=True)
    assert found == {name: bad[name] for name in ("judge", "quality", "histograms")}
    assert len(scoring.lines(found)) == len(scoring.QUALITY)


def test_real_images_stand_at_the_floor_and_others_do_not(good, bad):
    for group, name, worse in (
        ("quality", "frechet_distance", 1), ("quality", "kernel_distance", 1),
        ("quality", "coverage", -1), ("critic", "jsd_lower_bound", 1), ("critic", "accuracy", 1),
    ):  # fmt: skip
        sound, damaged = good[group][name], bad[group][name]
        assert sound["floor"] == damaged["floor"]
        away = worse * (damaged["value"] - damaged["floor"])
        assert away > 5 * abs(sound["value"] - sound["floor"]), name
    assert good["critic"]["p_value"]["value"] > 1e-3
    assert bad["critic"]["p_value"]["value"] < 1e-6


def test_the_bound_lies_in_its_interval(bad):
    interval = bad["critic"]["jsd_interval"]
    assert interval["low"] <= bad["critic"]["jsd_lower_bound"]["value"] <= interval["high"]


def test_histograms_are_shares(good):
    for shares in good["histograms"].values():
        assert len(shares) == 2
        assert sum(shares) == pytest.approx(1.0)


def test_the_order_of_the_real_images_means_nothing_to_the_critic(judged):
    """Sorted by class, a file's first half is of another kind than its second."""
    train, test, folder, settings = judged
    sorted_splits = []
    for each in (train, test):
        order = np.argsort(each.labels, kind="stable")
        sorted_splits.append(Split(each.images[order], each.latents, each.labels[order]))
    found = scoring.score(*sorted_splits, folder, *(images(80, s)[0] for s in (3, 4)), settings)
    assert found["critic"]["accuracy"]["value"] < 0.7


def test_copies_of_training_images_are_found(judged, good):
    train = judged[0]
    rows = stream(1, "split").permutation(COUNT)
    found = score(judged, train.images[rows].astype(np.float32), images(COUNT, 4)[0])
    assert found["quality"]["near_copies"]["value"] > 0.9
    assert good["quality"]["near_copies"]["value"] < 0.2


def test_the_same_images_have_the_same_scores(judged, good):
    assert score(judged, images(COUNT, 3)[0], images(COUNT, 4)[0]) == good


def test_too_few_images_have_no_scores(judged):
    few = scoring.FEWEST - 1
    found = score(judged, images(few, 3)[0], images(COUNT, 4)[0])
    assert all(found["quality"][name]["value"] is None for name in scoring.QUALITY)
    assert all(found["critic"][name]["floor"] is None for name in scoring.CRITIC)
    assert found["histograms"] == {}
    assert found["judge"]["sha256"] == storage.load(judged[2]).sha256
    (line,) = scoring.lines(found)
    assert f"{scoring.FEWEST} or more of each kind" in line


def test_the_judge_is_named_as_its_weights_are(judged, good):
    _, about = states.read(judged[2] / storage.STATE)
    assert good["judge"] == {
        "sha256": storage.load(judged[2]).sha256,
        "accuracy": about["accuracy"],
        "task": "labels",
    }


@pytest.fixture
def spoilt(judged, tmp_path):
    """The same with a copy of the judge, to be spoilt."""
    for name, content in tree(judged[2]).items():
        (tmp_path / name).write_bytes(content)
    return (*judged[:2], tmp_path, judged[3])


def test_what_the_judge_saw_of_fewer_images_is_refused(spoilt):
    for kind in storage.KINDS:
        file = spoilt[2] / f"train_{kind}.npy"
        np.save(file, np.load(file)[: COUNT // 2])
    text = message_of(score, spoilt, *(images(COUNT, seed)[0] for seed in (3, 4)))
    assert "train_features.npy does not fit" in text
    assert "dvc repro" in text


@pytest.mark.parametrize("count", [COUNT, scoring.FEWEST - 1])
def test_a_judge_of_images_of_another_size_is_refused(judged, count):
    """As after the data were prepared anew."""
    narrow = [Split(part.images[..., :7], part.latents, part.labels) for part in judged[:2]]
    shown, fresh = (images(count, seed)[0][..., :7] for seed in (3, 4))
    text = message_of(scoring.score, *narrow, judged[2], shown, fresh, judged[3])
    assert "a judge of images (1, 8, 8), but the prepared images are (1, 8, 7)" in text
    assert "run `dvc repro`" in text


def test_every_score_is_told_with_error_and_floor(good):
    told = scoring.lines(good)
    assert len(told) == len(scoring.QUALITY) + len(scoring.CRITIC)
    for line in told:
        assert "real images: " in line
        assert line.count("+-") == (0 if "p_value" in line else 2)
    found = good["quality"]["recall"]
    floor = f"(real images: {found['floor']:.4g} +- {found['floor_error']:.2g})"
    assert told[scoring.QUALITY.index("recall")].endswith(floor)
