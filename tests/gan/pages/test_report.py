import math

import numpy as np
import pytest

from stages.gan import losses
from stages.gan.losses import equilibrium
from stages.gan.pages import report, scores
from tests.helpers.data import load_params


def terms(loss: str, **options):
    """The part of evaluate.json that is about the training loss."""
    cell = losses.build(loss, losses.Options(**options))
    at = equilibrium.point(cell)
    found = equilibrium.loss_terms(cell, at, np.ones(2), np.zeros(2))
    return {
        "name": loss,
        "equilibrium_point": at.to_json() if at else None,
        **{name: term.to_json() for name, term in found.items()},
    }


def evaluated(own) -> dict:
    bce = equilibrium.bce_terms(np.ones(2), np.zeros(2))
    return {
        "bce": {name: term.to_json() for name, term in bce.items()},
        "training_loss": own,
        "real_probability": 0.7,
        "fake_probability": 0.5,
        "accuracy": 0.75,
        "jsd_lower_bound": 0.01,
    }


def train_params(tmp_path, loss: str, **options):
    changes = {f"mnist__train__loss_options__{name}": value for name, value in options.items()}
    return load_params(tmp_path, "mnist", mnist__train__loss=loss, **changes).train


@pytest.mark.parametrize(
    ("loss", "options", "answer"),
    [
        ("bce", {}, "D then gives every image the probability 0.5 "),
        ("mse", {}, "D then gives every image the probability 0.5 "),
        ("mse", {"label_smoothing": 0.2}, "D then gives every image the probability 0.4 "),
        ("bce", {"pos_weight": 4.0}, "D then gives every image the probability 0.8 "),
        ("hinge", {}, "every logit from -1 to 1 is then equally good"),
        ("wgan_gp", {}, "has no equilibrium point"),
    ],
)
def test_all_of_the_page_compares_with_the_losss_own_equilibrium(tmp_path, loss, options, answer):
    own = terms(loss, **options)
    sentence = report.about_equilibrium(own)
    assert answer in sentence
    assert ("moved this value away from 1/2" in sentence) == bool(options)
    rows = scores.loss_table(evaluated(own), train_params(tmp_path, loss, **options))
    by_name = {row["name"]: row["equilibrium"] for row in rows}
    assert by_name["cross-entropy, generator (nats)"] == pytest.approx(math.log(2))
    point = own["equilibrium_point"]
    assert by_name["mean D(x)"] == (point["probability"] if point else None)
    if loss == "bce" and not options:
        assert "bce, discriminator" not in by_name
    else:
        assert by_name[f"{loss}, discriminator"] == own["discriminator"]["equilibrium"]
