"""What a page advises: the watch's advice and what follows from the scores, joined."""

import math

import pytest

from stages.gan.measures.headline import FEW_KINDS, Finding
from stages.gan.pages import advice
from tests.helpers.data import load_params
from tests.helpers.training.watched import SMALL, patterns, trained

FOUND = Finding(FEW_KINDS, "seen", "meaning")
WATCHED = {"param": "train.max_steps", "value": None, "why": "train for all epochs"}
SLOWER = {"param": "train.learning_rate", "value": 0.0001, "why": "smaller swings"}


def verdict(name="still learning", *changes):
    return {"name": name, "changes": changes or (WATCHED,)}


@pytest.fixture
def faces(tmp_path):
    def make(**changes):
        named = {f"faces__train__{name}": value for name, value in changes.items()}
        return load_params(tmp_path, "faces", **named)

    return make


PLAIN = {"max_steps": 300, "epochs": 200, "ema": 0.0, "augmentation": []}
TRAIN = {"steps": 300, "epochs": 11}


def test_after_a_sound_training_the_advice_for_the_scores_comes_first(faces):
    changes = advice.after(faces(**PLAIN), TRAIN, verdict(), FOUND)
    assert [(change["param"], change["value"]) for change in changes] == [
        ("train.max_steps", 1200),  # in place of the watch's own
        ("train.augmentation", ["translation"]),
        ("train.ema", 0.967),
    ]


def test_after_a_fault_the_advice_of_the_watch_comes_first(faces):
    changes = advice.after(faces(**PLAIN), TRAIN, verdict("oscillating", SLOWER), FOUND)
    assert [change["param"] for change in changes[:2]] == ["train.learning_rate", "train.max_steps"]
    faulty = advice.after(faces(**PLAIN), TRAIN, verdict("oscillating", SLOWER, WATCHED), FOUND)
    assert faulty[1] == WATCHED


def test_without_a_finding_only_the_watch_advises(faces):
    assert advice.after(faces(**PLAIN), TRAIN, verdict(), None) == [WATCHED]


def test_what_is_set_already_is_not_advised(faces, tmp_path):
    better = faces(**{**PLAIN, "ema": 0.99, "augmentation": ["translation"]})
    assert [c["param"] for c in advice.after(better, TRAIN, verdict(), FOUND)] == [
        "train.max_steps"
    ]
    mlp = load_params(tmp_path, "mnist", mnist__train__max_steps=300)
    params = [change["param"] for change in advice.after(mlp, TRAIN, verdict(), FOUND)]
    assert params == ["train.max_steps", "train.ema"]


def trained_with(tmp_path, data, network="mlp", **changes):
    """A run of a second or two on patterns of 8 x 8 or 16 x 16 pixels, and its params."""
    named = {f"mnist__train__{name}": value for name, value in {**SMALL, **changes}.items()}
    kind = {"format": "idx", "network": network}
    params = load_params(tmp_path, "mnist", datasets__mnist=kind, **named)
    return trained(params, data), params


def test_more_steps_and_an_average_bring_the_images_nearer_to_real_ones(tmp_path):
    """As advised to a run of so few steps, and to one of a usual length."""
    data = patterns(400)
    first, params = trained_with(tmp_path, data, max_steps=30)
    (longer,) = advice.after(params, {"steps": 30, "epochs": 2}, verdict(), FOUND)
    assert (longer["param"], longer["value"]) == ("train.max_steps", 120)
    second, params = trained_with(tmp_path, data, max_steps=120)
    assert second.distance < first.distance
    *_, average = advice.after(params, {"steps": 120, "epochs": 5}, verdict(), FOUND)
    assert average["param"] == "train.ema"
    third, _ = trained_with(tmp_path, data, max_steps=120, ema=average["value"])
    assert third.restless < second.restless


def test_augmentation_keeps_d_from_being_sure_of_few_images(tmp_path):
    data = patterns(48, size=16)
    given = {
        "network": "dcgan", "generator__widths": [16, 8], "discriminator__widths": [8, 16],
        "loss": "bce_with_logits", "max_steps": 150,
    }  # fmt: skip
    first, params = trained_with(tmp_path, data, **given)
    changes = advice.after(params, {"steps": 150, "epochs": 50}, verdict(), FOUND)
    (augmented,) = (change for change in changes if change["param"] == "train.augmentation")
    second, _ = trained_with(tmp_path, data, augmentation=augmented["value"], **given)
    sure, less_sure = (float(run.rows[-50:, 0].mean()) for run in (first, second))  # D's loss
    assert sure < less_sure < 2 * math.log(2) * 1.05  # of a D that guesses
