import json
import math
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from benchmarks.calibration import __main__ as command
from benchmarks.calibration import looks, page, ranking
from benchmarks.calibration.damage import DAMAGES, MANY, SEED, Pool
from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.gan.data.prepared import Split
from stages.gan.evaluation import judge
from stages.gan.evaluation.judge import storage
from stages.gan.evaluation.quality.measuring import Sample
from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.params import Critic
from tests.helpers.data import load_params

COUNT = 120
CRITIC = Critic(epochs=4, batch_size=32, learning_rate=0.01, widths=[8])


def images(seed, count, size=8):
    """Blurred blobs in five places, one a class, and the classes."""
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, 5, count)
    places = np.stack([classes + 1, (classes * 2) % 5 + 1], axis=1) + 0.7 * draw.standard_normal(
        (count, 2)
    )
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"))
    squares = ((grid[None] - places[:, :, None, None]) ** 2).sum(axis=1)
    return (2 * np.exp(-squares / 4) - 1).astype(np.float32)[:, None], classes.astype(np.uint8)


def split(seed, count):
    shown, classes = images(seed, count)
    return Split(shown.astype(np.float16), np.zeros((count, 2), np.float32), classes)


def plain(shown):
    """Some fixed projections of the pixels; the class is where the blob is."""
    weights = np.random.default_rng(1).standard_normal((shown[0].size, 12))
    rows = np.clip(np.rint(shown.max(axis=3)[:, 0].argmax(axis=1) - 1), 0, 4)
    return Sample(
        (shown.reshape(len(shown), -1) @ weights).astype(np.float32), rows.astype(np.uint8)
    )


@pytest.fixture(scope="module")
def pool():
    fresh, classes = images(1, 2 * COUNT)
    return Pool(fresh, classes, images(2, COUNT)[0], COUNT)


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_samples_are_images_and_the_same_each_time(pool, name):
    damage = DAMAGES[name]
    before = pool.fresh.copy()
    for level in damage.levels:
        made = damage.make(pool, level)
        assert made.shape == pool.sound.shape
        assert made.dtype == np.float32
        assert np.abs(made).max() <= 1.0
        assert np.array_equal(made, damage.make(pool, level))
        assert not np.array_equal(made, pool.sound)
    assert np.array_equal(pool.fresh, before)


@pytest.mark.parametrize("name", ["shuffled", "mixed", "copied"])
def test_shares_are_what_they_say_and_each_level_holds_the_one_before(pool, name):
    struck = np.zeros(COUNT, bool)
    for level in DAMAGES[name].levels:
        changed = (DAMAGES[name].make(pool, level) != pool.sound).any(axis=(1, 2, 3))
        assert changed.sum() == pytest.approx(level * COUNT, abs=1)
        assert (changed >= struck).all()
        struck = changed


def test_shuffling_moves_patches_and_changes_none(pool):
    made = DAMAGES["shuffled"].make(pool, 0.8)
    assert np.allclose(np.sort(made.reshape(COUNT, -1)), np.sort(pool.sound.reshape(COUNT, -1)))
    corners = {
        tuple(made[0, 0, r : r + 2, c : c + 2].ravel()) for r in (0, 2, 4, 6) for c in (0, 2, 4, 6)
    }
    sound = {
        tuple(pool.sound[0, 0, r : r + 2, c : c + 2].ravel())
        for r in (0, 2, 4, 6)
        for c in (0, 2, 4, 6)
    }
    assert corners == sound


def test_dropped_classes_are_gone_and_no_image_is_there_twice(pool):
    made = DAMAGES["dropped"].make(pool, 0.4)
    assert len(np.unique(made.reshape(COUNT, -1), axis=0)) == COUNT
    here = [np.flatnonzero((pool.fresh == one).all(axis=(1, 2, 3)))[0] for one in made]
    assert set(pool.classes[here]) == {2, 3, 4}
    with pytest.raises(UserError, match="120 are needed"):
        DAMAGES["dropped"].make(pool, 0.8)


@pytest.mark.parametrize("copies", [2, 5, 20])
def test_duplicates_leave_so_many_fewer_images(pool, copies):
    made = DAMAGES["duplicated"].make(pool, copies)
    assert len(np.unique(made.reshape(COUNT, -1), axis=0)) == COUNT // copies


@pytest.mark.slow
def test_errors_of_copies_are_those_of_so_many_fewer_images(found):
    rows = ranking.of_fewer({"recall": Estimate(0.5, 0.1), "p": Estimate(0.2, None)}, 4)
    assert rows == {"recall": Estimate(0.5, 0.2), "p": Estimate(0.2, None)}
    # Density is as undamaged, its error as of a fourth of the images, and more.
    undamaged, often = (found["measured"]["duplicated"][x]["density"] for x in ("undamaged", "5"))
    assert often["error"] > 1.2 * undamaged["error"]
    assert often["error"] < 2 * math.sqrt(5) * undamaged["error"]


@pytest.mark.parametrize("train", [400, 180 + COUNT // 5])
def test_the_critic_is_asked_about_no_image_that_it_may_have_learned_from(train, monkeypatch):
    taken = []
    batch = Split.batch

    def noted(self, indices):
        if len(self) == train:
            taken.append(set(indices.tolist()))
        return batch(self, indices)

    def judge_apart(real, damaged, reference, fake, *settings):
        return np.ones(len(reference)), -np.ones(len(fake))

    monkeypatch.setattr(Split, "batch", noted)
    copied = set()
    make = DAMAGES["copied"].make
    known = split(3, train)
    places = {image.tobytes(): place for place, image in enumerate(known.images)}

    def noted_copies(pool, level):
        made = make(pool, level)
        images = made[: round(level * COUNT)].astype(np.float16)
        if pool.count == COUNT and pool.seed == SEED:  # those the critic is asked about
            copied.update(places[image.tobytes()] for image in images)
        return made

    monkeypatch.setitem(DAMAGES, "copied", replace(DAMAGES["copied"], make=noted_copies))
    monkeypatch.setattr(ranking, "judge_apart", judge_apart)
    ranking.calibrate(known, split(4, 3 * COUNT), plain, COUNT, CRITIC)
    near, *lessons = taken
    assert len(copied) == COUNT // 5
    assert copied <= near
    assert len(lessons) == 2
    assert not copied & set.union(*lessons)


def row(value, error=0.1):
    return {"coverage": Estimate(value, error), "frechet_distance": Estimate(-value, error)}


@pytest.mark.parametrize("measure", ["coverage", "frechet_distance"])
def test_levels_are_ranked_if_each_is_worse(measure):
    assert ranking.ranks(measure, [row(1.0), row(0.9), row(0.5)])
    assert not ranking.ranks(measure, [row(1.0), row(0.5), row(0.5)])
    assert not ranking.ranks(measure, [row(0.5), row(0.9), row(1.0)])


@pytest.mark.parametrize("measure", ["coverage", "frechet_distance"])
def test_a_damage_is_seen_from_where_all_harder_levels_differ_by_two_errors(measure):
    def seen(*values):
        rows = {str(level): row(value) for level, value in enumerate(values)}
        return ranking.first_seen(measure, {ranking.SOUND: row(1.0), **rows})

    assert seen(0.9, 0.7, 0.5) == "1"
    assert seen(0.5, 0.9, 0.5) == "2"
    assert seen(0.5, 0.5, 0.9) is None
    assert seen(2.0, 3.0, 4.0) is None


@pytest.fixture(scope="module")
def found():
    return ranking.calibrate(split(3, 400), split(4, 3 * COUNT), plain, COUNT, CRITIC)


@pytest.mark.slow
def test_all_is_measured_and_what_cannot_be_missed_is_seen(found):
    assert found["samples"] == COUNT
    for name, damage in DAMAGES.items():
        assert list(found["measured"][name]) == [ranking.SOUND, *map(str, damage.levels)]
    assert found["seen"]["dropped"]["class_coverage"] is not None
    assert found["seen"]["mixed"]["frechet_distance"] is not None
    assert found["seen"]["copied"]["near_copies"] is not None
    assert found["seen"]["mixed"]["class_coverage"] is None
    assert found["seen"]["mixed"]["critic_bce"] == "0.2"


@pytest.mark.slow
def test_too_few_images_are_told(found):
    for train, test, fewest in ((400, 90, 186), (90, 400, 204), (203, 3000, 204)):
        with pytest.raises(UserError, match=f"{fewest} and 180 are the fewest"):
            ranking.calibrate(split(3, train), split(4, test), plain, COUNT, CRITIC)


@pytest.mark.slow
def test_what_is_not_ranked_is_told_with_its_values(found):
    broken = json.loads(json.dumps(found))
    assert all("mnist: " not in line for line in ranking.failures("other", broken))
    broken["ranked"]["mixed"]["frechet_distance"] = False
    lines = ranking.failures("mnist", broken)
    assert any(line.startswith("mnist: frechet_distance does not rank mixed (") for line in lines)


@pytest.mark.slow
def test_the_critic_is_meant_to_see_a_few_bad_images_where_it_has_many_to_learn_from(found):
    broken = json.loads(json.dumps(found))
    for name in ("dropped", "mixed"):
        broken["ranked"][name]["critic_bce"] = False

    def told(samples):
        lines = ranking.failures("x", {**broken, "samples": samples})
        return {line.split(" (")[0] for line in lines if "critic_bce" in line}

    shuffled = {line for line in told(MANY) if "shuffled" in line}
    dropped_and_mixed = {f"x: critic_bce does not rank {name}" for name in ("dropped", "mixed")}
    assert told(MANY) - shuffled == dropped_and_mixed
    assert told(MANY - 1) == shuffled


@pytest.mark.slow
@pytest.mark.parametrize("ranked", [True, False])
def test_the_command_writes_its_pages_and_ends_with_1_if_something_is_not_ranked(
    found, ranked, tmp_path, monkeypatch, capsys
):
    result = json.loads(json.dumps(found))
    for rows in result["ranked"].values():
        rows.update(dict.fromkeys(rows, ranked))
    monkeypatch.setattr(command.prepared, "load", lambda folder, name: split(5, 30))
    about = {"source": "drawn", "bundled": False, "counts": {"train": 30, "test": 31}}
    monkeypatch.setattr(command.prepared, "description", lambda folder: about)
    monkeypatch.setattr(command.looks, "Eyes", lambda folder: Mock(sha256="0123456789abcdef"))
    monkeypatch.setattr(command.ranking, "calibrate", lambda *arguments: result)
    monkeypatch.setattr(
        "sys.argv", ["calibration", str(tmp_path / "mnist"), "--output", str(tmp_path / "docs")]
    )
    assert command.main() == (0 if ranked else 1)
    assert ("does not rank" in capsys.readouterr().out) is not ranked
    written = json.loads((tmp_path / "docs" / "calibration.json").read_text())
    text = (tmp_path / "docs" / "calibration.md").read_text()
    assert text == page.text(written)
    assert "## mnist" in text
    assert "30 were trained on and 31 held out; judge 01234567." in text
    assert ("not ranked**" in text) is not ranked
    assert (tmp_path / "docs" / "calibration.png").stat().st_size > 10_000


def test_what_is_known_of_other_data_sets_stays_unless_it_is_of_other_measures(tmp_path):
    def of(*measures):
        return {"seen": {"noise": dict.fromkeys(measures)}}

    file = tmp_path / "calibration.json"
    new = {"faces": of("recall", "critic_bce")}
    assert command.joined(file, new) == new
    kept, replaced, outdated = of("recall", "critic_bce"), of("recall", "critic_bce"), of("recall")
    replaced["samples"] = 7
    file.write_text(json.dumps({"mnist": kept, "faces": replaced, "flowers": outdated}))
    joined = command.joined(file, new)
    assert joined == {"mnist": kept, **new}
    assert list(joined) == ["mnist", "faces"]
    # Nor what lacks a figure that the page shows.
    assert command.joined(file, {"faces": {**of("recall", "critic_bce"), "judge": "x"}}).keys() == {
        "faces"
    }


def test_a_missing_folder_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["calibration", str(tmp_path / "mnist")])
    assert command.main() == 2
    assert "is missing: run `dvc repro` first" in capsys.readouterr().err


def test_it_looks_with_the_judges_eyes(tmp_path):
    train, test = split(1, 40), split(2, 20)
    settings = load_params(tmp_path, "mnist", mnist__judge__epochs=1).judge
    made = judge.make(train, test, settings)
    storage.save(tmp_path, made, {"train": train, "test": test})
    look = looks.Eyes(tmp_path)
    assert look.sha256 == sha256(tmp_path / "judge.state")
    seen, sample = made.see(test.images), look(test.images)
    assert np.array_equal(sample.features, seen.features)
    assert np.array_equal(sample.classes, seen.classes)
    with pytest.raises(UserError, match="judge"):
        looks.Eyes(tmp_path / "none")
