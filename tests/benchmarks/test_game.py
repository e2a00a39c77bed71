import json

import numpy as np
import pytest
from mindspore import Tensor

from benchmarks.game import page, runs
from stages.gan.data.prepared import Split, normalise
from stages.gan.evaluation import game
from tests.helpers.data import digits


def test_moves_of_a_pair_that_goes_round_point_back_after_half_a_turn():
    """A turn of eight moves: the cosine of two moves is that of the angle between them."""
    angles = 2 * np.pi * np.arange(60) / 8
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = runs.turns(np.stack([circle, circle], axis=1))
    expected = [float(np.cos(2 * np.pi * apart / 8)) for apart in runs.APART]
    assert found["generator"] == pytest.approx(expected)
    assert found["discriminator"] == found["generator"]


def test_pairs_that_stand_still_or_were_seen_seldom_have_no_direction():
    assert runs.turns(np.ones((60, 2, 4))) == {}
    assert runs.turns(np.random.default_rng(1).normal(size=(6, 2, 4))) == {}


def test_the_page_has_a_row_for_each_run_that_was_measured(tmp_path, capsys):
    gap = {"value": 1.234, "error": 0.05, "floor": 0.0, "floor_error": 0.0}
    result = {
        "verdict": "still learning",
        "gaps": dict.fromkeys(game.NAMES, gap),
        "rotation": {"value": 0.5, "error": 0.01},
        "eigenvalues": [[300.0, 0.0], [2.0, 5.0]],
        "way": {"discriminator": [0.4, -0.3]},
    }
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("cycling", "young"):
        (tmp_path / f"{runs.slug(name)}.json").write_text(json.dumps(result))
    page.write(tmp_path, docs)
    assert list(json.loads((docs / "equilibrium.json").read_text())) == ["young", "cycling"]
    assert (docs / "equilibrium.png").read_bytes().startswith(b"\x89PNG")
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| young", "| cycling"]
    assert rows[0].endswith("| 1.23 ± 0.05 | 0.50 ± 0.01 | 300 | 2 ± 5i | 0.40, -0.30 |")


SMALL = {"generator.widths": [16, 24], "discriminator.widths": [24, 16], "batch_size": 16}


def split(count, seed):
    """Prepared digits with latent codes."""
    images, labels = digits(count, seed)
    values = normalise(images[:, None])
    codes = np.random.default_rng(seed).standard_normal((count, 100), dtype=np.float32)
    return Split(values, codes, labels)


def margin(pair, data):
    """How much higher D's logits are on real images than on those of G."""
    generator, discriminator = pair
    real = discriminator(Tensor(data.images.astype(np.float32))).asnumpy().mean()
    return float(real - discriminator(generator(Tensor(data.latents))).asnumpy().mean())


def test_a_d_that_answers_learns_against_a_g_that_stays(tmp_path):
    known, held_out = split(64, 1), split(game.FEWEST, 2)
    run = runs.Run(3, SMALL, answered=60)
    made, way = runs.trained(run, known)
    assert way.steps == [1]
    before = margin((made.players.generator, made.players.discriminator), known)
    weights = {p.name: p.asnumpy().copy() for p in made.players.generator.get_parameters()}
    generator, discriminator = runs.game_of(made, run, tmp_path, known, held_out).copies()
    for parameter in generator.get_parameters():
        assert np.array_equal(parameter.asnumpy(), weights[parameter.name])
    assert margin((generator, discriminator), known) > before + 0.1
    assert {folder.name for folder in tmp_path.iterdir()} == {"trained", "answered"}
