import math
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stages.gan import losses
from stages.gan.data.raw import leftovers
from stages.gan.evaluation.critic import two_sample
from stages.gan.evaluation.game import gaps
from stages.gan.evaluation.quality import measuring
from stages.gan.losses import equilibrium
from stages.gan.pages import report, scores
from stages.gan.training.watch import verdicts
from tests.helpers.data import load_params
from tests.helpers.texts.chinese import english_left, strange_letters


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
        ("rpgan", {}, "each has the probability 0.5 of being the real one of the two"),
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


def run_of(folder, params, task="labels", scored=True, loss="bce", game=False):
    """The results of a run, with every sentence that a page may have."""
    for name in ("generated", "real", "interpolation", "nearest"):
        Image.new("L", (4, 4)).save(folder / f"{name}.png")
    (folder / "epochs").mkdir(exist_ok=True)
    for epoch in (1, 2):
        Image.new("L", (4, 4)).save(folder / f"epochs/{epoch}.png")
    score = {"value": 0.5 if scored else None, "error": 0.01, "floor": 0.9, "floor_error": None}
    evaluate = {
        **evaluated(terms(loss)),
        "samples": 123,
        "quality": {name: dict(score) for name in measuring.NAMES},
        "critic": {
            **{name: dict(score) for name in two_sample.NAMES},
            "jsd_interval": {"low": 0.1, "high": 0.2},
        },
        "judge": {"sha256": "a" * 64, "accuracy": 0.9, "task": task},
        "epoch": 7,
    }
    if game:
        evaluate["game"] = {
            **{name: dict(score) for name in gaps.NAMES},
            "turning": {
                "rotation": {"value": 0.4, "error": 0.01}, "eigenvalues": [[3.0, 2.0], [3.0, -2.0]]
            },
        }  # fmt: skip
    seen = "over 50 steps D's loss is 1.234 (1.386 at equilibrium), D(x) 0.512"
    verdict = verdicts.Verdict(
        verdicts.OSCILLATING, 20, 5, seen, verdicts.MEANINGS[verdicts.OSCILLATING],
        verdicts.advice(verdicts.OSCILLATING, params.train, 200),
    )  # fmt: skip
    row = dict.fromkeys(report.SHOWN_BY_STEP, 0.5)
    return report.Run(
        source={"sha256": {"images": "b" * 64}},
        prepared={
            "source": "bundled:digits", "bundled": True, "counts": {"train": 100, "test": 20},
            "rejected": {"a.png": "empty file"}, "image_shape": [1, 28, 28], "latent_size": 100,
            "beyond_maximum": 7, "several_frames": 2, "raw_values": "uint8: 0 black, 255 white",
            "left_out": {**leftovers.NOTHING, "files": {"txt": 3}},
            "told": ["stored in English"],
            "copies": {
                "duplicates": "one_side", "exact": 4, "across": 2, "left_out": 2, "near": 1,
                "near_examples": [["1", "2"]],
            },
        },
        train={
            "steps": 20, "epochs": 2, "went_on_from": {"epoch": 3, "step": 30},
            "real_diversity": 0.7,
        },
        verdict={**verdict.to_json(), "earlier": [verdict.to_json()], "levels": {
            "D at equilibrium": 1.386, "G at equilibrium": 0.693}},
        evaluate=evaluate,
        epochs=[{"epoch": epoch, **row} for epoch in (1, 2)],
        steps=[{"step": step, **row} for step in range(1, 21)],
        classes={"real": [0.5, 0.5], "generated": [0.1, 0.9]} if scored else {},
        training=folder,
        evaluation=folder,
        quick=[{"epoch": epoch, "score": 1.0 / epoch} for epoch in (1, 2)],
    )  # fmt: skip


def test_a_chosen_checkpoint_is_told_and_only_then(tmp_path):
    changes = {"mnist__train__quick_score": 10, "mnist__evaluate__checkpoint": "best"}
    params = load_params(tmp_path, "mnist", **changes)
    page = report.page_of("mnist", params, run_of(tmp_path, params))
    assert "The scored generator is that of epoch 7" in page
    assert 'data-chart="quick"' in page
    params = load_params(tmp_path, "mnist")
    page = report.page_of("mnist", params, replace(run_of(tmp_path, params), quick=()))
    assert "The scored generator" not in page
    assert 'data-chart="quick"' not in page


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task": "transformations", "loss": "wgan_gp"},
        {"scored": False, "loss": "rpgan"},
        {"game": True, "loss": "bce_with_logits"},
    ],
)
def test_the_whole_page_is_in_the_params_language(changes, tmp_path, drawn_texts):
    params = load_params(tmp_path, "mnist", language="zh", mnist__report__title="数字")
    chinese = report.page_of("mnist", params, run_of(tmp_path, params, **changes))
    assert '<html lang="zh-CN">' in chinese
    assert english_left(chinese) == []
    said = ("诊断：振荡", "D(x) 为 0.512", "第 20 步：", "不是原来的数据集", "空文件", "▶ 播放")
    for words in said:
        assert words in chinese.replace("\\u25b6", "▶").replace("\\u64ad\\u653e", "播放")
    # Charts are drawn by the browser, pictures by matplotlib.
    assert '"title":"损失（' in chinese
    assert '"D 的均衡值: 1.386"' in chinese
    assert drawn_texts
    assert not strange_letters("".join(drawn_texts))

    params = load_params(tmp_path, "mnist", language="en")
    english = report.page_of("mnist", params, run_of(tmp_path, params, **changes))
    assert '<html lang="en">' in english
    numbers = [
        sorted(re.findall(r'<td class="number">([^<]*)</td>', page)) for page in (english, chinese)
    ]
    assert len(numbers[0]) == len(numbers[1]) > 20
    plain = [[each for each in found if re.fullmatch(r"[-\d.e]+", each)] for found in numbers]
    assert plain[0] == plain[1]


def test_the_game_is_on_the_page_only_where_it_was_played(tmp_path):
    params = load_params(tmp_path, "mnist", language="en")
    with_game, without = (
        report.page_of("mnist", params, run_of(tmp_path, params, game=played))
        for played in (True, False)
    )
    section = "<h2>What both networks could still gain</h2>"
    assert section in with_game
    assert "D could raise it to" in with_game
    assert "3 ± 2i turns most" in with_game
    assert section not in without
    assert "duality" not in without
