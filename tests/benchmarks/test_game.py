import json

import numpy as np
import pytest

from benchmarks.game import page, runs
from stages.gan.evaluation import game


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
