import json

import numpy as np
import pytest

from stages.gan.common.errors import UserError
from stages.gan.pages.play import contents, packing
from tests.helpers.browser import make_page
from tests.helpers.data import message_of

SCORES = {
    "samples": 10,
    "accuracy": 0.6,
    "bce": {"discriminator": {"value": 1.3}},
    "critic": {"accuracy": {"value": None}, "bce": {"value": None}},
    "training_loss": {
        "name": "hinge",
        "equilibrium_point": {"probability": 0.5, "lowest_logit": -1.0, "highest_logit": 2.0},
        "discriminator": {"equilibrium": 2.0},
        "generator": {"equilibrium": 0.0},
    },
}


@pytest.mark.parametrize(("most", "form"), [(6_000_000, "float16"), (0, "int13")])
def test_networks_say_how_far_they_are_from_the_files(tmp_path, monkeypatch, most, form):
    monkeypatch.setattr(packing, "MOST_BYTES", most)
    networks = make_page(tmp_path, "dcgan").data["networks"]
    assert set(networks) == {"generator", "discriminator", "judge"}
    for network in networks.values():
        assert network["form"] == form
        assert 0 < network["difference"] < packing.LIMITS["images"] / 2


def test_where_thirteen_bits_are_too_coarse_a_large_page_has_sixteen(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MOST_BYTES", 0)
    refused = packing.difference

    def difference(kind, name, ours, packed):
        if not forms:
            forms.append(packing.INT13)
            raise UserError("too far")
        return refused(kind, name, ours, packed)

    forms = []
    monkeypatch.setattr(packing, "difference", difference)
    assert make_page(tmp_path).data["networks"]["generator"]["form"] == "float16"

    def always(*_):
        raise UserError("too far")

    monkeypatch.setattr(packing, "difference", always)
    assert message_of(make_page, tmp_path / "none") == "too far"


def test_a_page_without_a_judge_has_none(tmp_path):
    data = make_page(tmp_path, judged=False).data
    assert data["networks"]["judge"] is None
    assert data["classes"] is None


def test_what_the_scripts_see_is_json_with_short_numbers(tmp_path):
    data = make_page(tmp_path).data
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert len(data["directions"]) == contents.DIRECTIONS
    shares = [direction["share"] for direction in data["directions"]]
    assert shares == sorted(shares, reverse=True)
    for direction in data["directions"]:
        assert np.linalg.norm(direction["values"]) == pytest.approx(1, abs=1e-3)
        assert all(round(value, 4) == value for value in direction["values"])


def test_the_loss_has_its_equilibrium_or_none():
    about = contents.of_run("Title", "name", (1, 8, 9), 6, SCORES)
    assert about["image"] == {"channels": 1, "height": 8, "width": 9}
    assert about["latent"] == {"size": 6, "distribution": "normal"}
    assert about["loss"] == {
        "name": "hinge",
        "equilibrium": {"probability": 0.5, "logit": 0.5, "discriminator": 2.0, "generator": 0.0},
    }
    assert about["scores"]["critic_accuracy"] is None
    assert about["scores"]["discriminator_bce"] == 1.3
    own = {**SCORES["training_loss"], "equilibrium_point": None}
    without = contents.of_run("Title", "name", (1, 8, 9), 6, {**SCORES, "training_loss": own})
    assert without["loss"]["equilibrium"] is None
    # of a loss of pairs a single logit means nothing
    own = {**SCORES["training_loss"], "name": "rpgan"}
    pairs = contents.of_run("Title", "name", (1, 8, 9), 6, {**SCORES, "training_loss": own})
    assert pairs["loss"] == {"name": "rpgan", "equilibrium": None}
