"""What a page advises: the watch's advice and what follows from the scores, joined."""

import pytest

from stages.gan.measures.headline import FEW_KINDS, Finding
from stages.gan.pages import advice
from tests.helpers.data import load_params

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
        ("train.augmentation", ["color", "translation"]),
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
