import json

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.language import speaking
from stages.gan.training.history import History
from stages.gan.training.loop import Epoch
from stages.gan.training.step.measures import MEASURES
from stages.tools.collapse import page as comparison
from tests.helpers.data import message_of
from tests.helpers.texts.chinese import english_left, strange_letters

VERDICT = {
    "name": "saturated discriminator", "step": 60, "since": 3, "seen": "both <0>", "fatal": True,
    "changes": [], "meaning": "no way back", "levels": {"D at equilibrium": 1.386},
}  # fmt: skip


def left_behind(folder, **verdict):
    """What a train stage leaves."""
    pictures = folder / "reports/mnist/training"
    metrics = folder / "metrics/mnist"
    (pictures / "epochs").mkdir(parents=True)
    metrics.mkdir(parents=True)
    for number, level in ((9, 0), (10, 255)):
        Image.new("L", (4, 4), level).save(pictures / f"epochs/{number}.png")
    (pictures / "verdict.json").write_text(json.dumps({**VERDICT, "earlier": [], **verdict}))
    (metrics / "train.json").write_text(json.dumps({"real_diversity": 0.7}))
    history = History()
    rows = np.full((60, len(MEASURES)), 0.5, np.float32)
    for index, row in enumerate(rows):
        history.add_step(index + 1, row)
    history.add_epoch(Epoch(1, 1, rows))
    history.write(metrics)
    return folder


def test_runs_stand_side_by_side_in_their_order(tmp_path):
    told = {"name": "diverged", "step": 7, "seen": "nan"}
    runs = [
        comparison.read(left_behind(tmp_path / "a"), "mnist", "first", {"loss": "bce"}),
        comparison.read(left_behind(tmp_path / "b", earlier=[told]), "mnist", "second", {}),
    ]
    assert runs[0].grid.name == "10.png"  # the last
    page = comparison.page_of("A title", runs)
    assert page.index("first") < page.index("second")
    assert "repeat(2, 1fr)" in page
    assert "loss=bce" in page
    assert "both &lt;0&gt;" in page
    assert "Reported at step 7" in page
    assert page.count("<img") == 2 * (1 + 4)
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(
    "name", ["reports/mnist/training/verdict.json", "metrics/mnist/train.json"]
)
def test_what_is_missing_is_named(tmp_path, name):
    folder = left_behind(tmp_path / "a")
    (folder / name).unlink()
    text = message_of(comparison.read, folder, "mnist", "first", {})
    assert f"{name} is missing" in text


def test_the_page_is_in_the_language_now_spoken(tmp_path, drawn_texts):
    earlier = {
        "name": "diverged", "step": 7, "since": 7, "seen": "generator loss is nan", "meaning": "",
        "changes": [],
    }  # fmt: skip
    folder = left_behind(tmp_path / "a", earlier=[earlier], seen="D(x) is 1 and D(G(z)) is 1")
    found = comparison.read(folder, "mnist", comparison.ON_LOGITS, {"loss": "bce"})
    with speaking("zh"):
        page = comparison.page_of("A title", [found])
    assert '<html lang="zh-CN">' in page
    for words in (
        "同样的设置，对 logit 计算",
        "判别器饱和",
        "D(x) 为 1，D(G(z)) 为 1",
        "第 7 步报告：</strong>发散，生成器的损失为 nan",
    ):
        assert words in page
    assert english_left(page) == ["no way back"]  # which no sentence of ours made
    assert drawn_texts
    assert not strange_letters("".join(drawn_texts))
