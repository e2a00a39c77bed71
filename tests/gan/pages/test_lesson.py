import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stages.gan import losses
from stages.gan.losses.equilibrium import point, probability, values_and_slopes
from stages.gan.pages import lesson


def test_the_worked_values():
    loss = {(row["probability"], row["label"]): row["loss"] for row in lesson.worked_values()}
    assert loss[0.9, 1] == pytest.approx(0.105361, abs=1e-6)
    assert loss[0.1, 1] == pytest.approx(2.302585, abs=1e-6)
    assert loss[0.9, 0] == pytest.approx(2.302585, abs=1e-6)
    assert loss[0.5, 1] == pytest.approx(math.log(2))


def test_the_classifiers_table_is_what_one_computes_by_hand():
    found = lesson.several_classes()
    sure = 1 / (1 + 2 * math.exp(-2))  # softmax of 2 among 0, 0
    first, second, third, ignored = found["rows"]
    assert first["probability"] == pytest.approx(sure)
    assert second["probability"] == pytest.approx((1 - sure) / 2)
    assert third["probability"] == pytest.approx(1 / 3)
    plain = [-math.log(row["probability"]) for row in (first, second, third)]
    assert [row["loss"] for row in (first, second, third)] == pytest.approx(plain)
    assert [row["weight"] for row in found["rows"]] == [1, 3, 1, 0]
    assert [row["weighted"] for row in (first, second, third)] == pytest.approx(
        [plain[0], 3 * plain[1], plain[2]]
    )
    assert (ignored["label"], ignored["probability"]) == (found["ignored"], None)
    assert ignored["loss"] == ignored["weighted"] == 0
    assert found["mean"] == pytest.approx(sum(plain) / 3)
    assert found["weighted_mean"] == pytest.approx((plain[0] + 3 * plain[1] + plain[2]) / 5)


def test_cross_entropy_is_shown_as_entropy_and_divergence():
    found = lesson.several_classes()
    sure = 1 / (1 + 2 * math.exp(-2))
    other = -math.log((1 - sure) / 2)
    assert found["cross_entropy"] == pytest.approx(-0.7 * math.log(sure) + 0.3 * other)
    assert found["entropy"] == pytest.approx(-sum(p * math.log(p) for p in (0.7, 0.2, 0.1)))
    assert found["cross_entropy"] == pytest.approx(found["entropy"] + found["divergence"])


@given(st.floats(1e-6, 1 - 1e-6))
def test_logit_is_the_inverse_of_probability(p):
    assert probability(lesson.logit_of(np.array([p])))[0] == pytest.approx(p, rel=1e-9)


def test_float32_saturates_where_it_is_said_to():
    found = lesson.saturation()
    assert found.logit == pytest.approx(17, abs=0.5)
    assert found.loss == pytest.approx(-math.log(1e-12), abs=1e-4)
    around = np.array([found.logit - 1 / 32, found.logit, found.logit + 5])
    bce, with_logits = (
        losses.build(name, losses.Options(reduction="none")) for name in ("bce", "bce_with_logits")
    )
    slopes = values_and_slopes(bce.fake, around)[1]
    assert slopes[0] != 0
    assert (slopes[1:] == 0).all()
    np.testing.assert_allclose(values_and_slopes(with_logits.fake, around)[1], 1, atol=1e-6)


def drawn(name: str) -> dict[str, bytes]:
    loss = losses.build(name)
    return lesson.pictures(name, loss, point(loss))


def test_pictures_are_pngs_that_repeat():
    once, again = drawn("bce"), drawn("bce")
    assert once == again
    assert len(set(once.values())) == len(once)
    for content in once.values():
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == "PNG"
            assert "Software" not in picture.info


def test_only_the_picture_of_the_own_loss_is_the_runs(monkeypatch):
    given_to_draw = []
    real_draw = lesson.png.curves

    def draw(*arguments, marks=None):
        given_to_draw.append((arguments, marks))
        return real_draw(*arguments, marks=marks)

    monkeypatch.setattr(lesson.png, "curves", draw)
    pages = {name: drawn(name) for name in ("mse", "hinge", "wgan_gp", "rpgan")}
    others = [{k: v for k, v in page.items() if k != "own_terms"} for page in pages.values()]
    assert others[0] == others[1] == others[2]
    own = [
        (lines["D's sum"], marks)
        for (_, lines, *_), marks in given_to_draw
        if "D's sum" in lines
    ]  # fmt: skip
    assert list(own[0][1].values()) == [0.0]
    assert min(own[0][0]) == pytest.approx(0.5)
    assert list(own[1][1].values()) == [-1.0, 1.0]
    assert min(own[1][0]) == pytest.approx(2.0)
    assert own[2] == ([0.0] * len(own[2][0]), {})
    (((_, pair, *_), marks),) = (drawn for drawn in given_to_draw if "D" in drawn[0][1])
    assert list(marks.values()) == [0.0]
    assert min(pair["D, mean of both orders"]) == pytest.approx(math.log(2), abs=1e-6)
    np.testing.assert_allclose(pair["G"], pair["D"][::-1], atol=2e-6)
    assert pair["D"][0] > pair["D"][-1]
