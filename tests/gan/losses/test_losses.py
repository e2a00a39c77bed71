import importlib.util
import json
import math
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mindspore import Tensor, ops

from stages.gan import losses
from stages.gan.losses import Options
from stages.gan.pages.information import multiclass_cross_entropy, negative_log_likelihood
from stages.gan.params import choices
from tests.helpers.project import ROOT

TORCH = json.loads((ROOT / "tests/data/torch_losses.json").read_text())
TERMS = ("real", "fake", "generator")
ENTROPIES = [name for name, loss in choices.LOSSES.items() if loss.is_cross_entropy]

logit = st.floats(-8, 8, width=32)
several = st.lists(logit, min_size=1, max_size=6)


def value_and_gradient(loss, term: str, logits):
    """The value, and the gradient of its sum, with respect to a column of logits.

    Of a loss of pairs, by the logits of the images that the term is about; the others' are 0.
    """
    column = Tensor(np.array(logits, np.float32).reshape(-1, 1))
    zeros = ops.zeros_like(column)

    def total(s):
        if not loss.is_paired:
            value = getattr(loss, term)(s)
        elif term == "generator":
            value = loss.generator(s, zeros)
        else:
            value = loss.discriminator(*((s, zeros) if term == "real" else (zeros, s)))
        return ops.sum(value), value

    (_, value), gradient = ms.value_and_grad(total, 0, has_aux=True)(column)
    values = value.asnumpy().astype(np.float64)
    return values[..., 0] if values.ndim == 2 else values, gradient.asnumpy().ravel()


def closed_form(name: str, term: str, s, options: Options):
    """The loss of each logit and its derivative, as one writes them down."""
    weight, pos_weight = options.weight, options.pos_weight
    y = {"real": 1.0 - options.label_smoothing, "fake": 0.0, "generator": 1.0}[term]
    p = 1 / (1 + np.exp(-s))
    if name in ENTROPIES:
        value = pos_weight * y * np.logaddexp(0, -s) + (1 - y) * np.logaddexp(0, s)
        slope = (1 - y) * p - pos_weight * y * (1 - p)
    elif name == "mse":
        value, slope = (p - y) ** 2, 2 * (p - y) * p * (1 - p)
    elif name == "hinge" and term != "generator":
        sign = {"real": -1.0, "fake": 1.0}[term]
        value, slope = np.maximum(0, 1 + sign * s), sign * (1 + sign * s > 0)
    elif name == "rpgan":
        sign = 1.0 if term == "fake" else -1.0
        value, slope = np.logaddexp(0, sign * s), sign / (1 + np.exp(-sign * s))
    elif name in ("hinge", "wgan_gp"):
        sign = 1.0 if term == "fake" else -1.0
        value, slope = sign * s, sign * np.ones_like(s)
    else:
        raise AssertionError(f"loss {name} has no closed form here: write it down")
    return weight * value, weight * slope


@st.composite
def losses_with_options(draw, reduction: str):
    name = draw(st.sampled_from(list(losses.LOSSES)))
    takes = choices.LOSSES[name].takes
    return name, Options(
        reduction=reduction,
        weight=draw(st.sampled_from([1.0, 0.5, 3.0])),
        pos_weight=draw(st.sampled_from([1.0, 0.3, 4.0])) if takes("pos_weight") else 1.0,
        label_smoothing=(
            draw(st.sampled_from([0.0, 0.1, 0.3])) if takes("label_smoothing") else 0.0
        ),
    )


def closed_forms_hold(name, options, term, logits):
    """Whether a loss and its gradient are those of `closed_form`; an assertion if they are not."""
    s = np.array(logits, np.float64)
    value, gradient = value_and_gradient(losses.build(name, options), term, logits)
    expected, slope = closed_form(name, term, s, options)
    # At float32's grain of p near 1 the loss on probabilities is good to 1e-3.
    np.testing.assert_allclose(value, expected, rtol=2e-3, atol=2e-5)
    away_from_corners = np.abs(np.abs(s) - 1) > 1e-6  # of the hinge
    scale = options.weight * options.pos_weight
    np.testing.assert_allclose(
        gradient[away_from_corners], slope[away_from_corners], atol=2e-3 * max(scale, 1.0)
    )


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("term", TERMS)
def test_every_loss_has_its_closed_form(name, term):
    closed_forms_hold(name, Options(reduction="none"), term, [-3.0, -0.5, 0.0, 0.7, 2.0])


@settings(deadline=None, max_examples=60)
@given(several, losses_with_options("none"), st.sampled_from(TERMS))
def test_values_and_gradients_have_their_closed_forms(logits, loss, term):
    closed_forms_hold(*loss, term, logits)


@settings(deadline=None, max_examples=30)
@given(several, losses_with_options("none"), st.sampled_from(TERMS))
def test_reductions_agree(logits, loss, term):
    name, options = loss
    each = losses.build(name, options)
    values, gradients = value_and_gradient(each, term, logits)
    total, of_total = value_and_gradient(each.with_reduction("sum"), term, logits)
    mean, of_mean = value_and_gradient(each.with_reduction("mean"), term, logits)
    assert values.shape == (len(logits),)
    assert total == pytest.approx(values.sum(), rel=1e-5, abs=1e-5)
    assert mean == pytest.approx(values.mean(), rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(of_total, gradients, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(of_mean, gradients / len(logits), rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(several, st.sampled_from([1.0, 0.3, 4.0]), st.sampled_from([0.0, 0.2]))
def test_the_three_forms_of_cross_entropy_agree(logits, pos_weight, smoothing):
    options = Options(pos_weight=pos_weight, label_smoothing=smoothing)
    for term in TERMS:
        values = [
            value_and_gradient(losses.build(name, options), term, logits)[0] for name in ENTROPIES
        ]
        np.testing.assert_allclose(values, [values[1]] * 3, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("case", range(len(TORCH["adversarial"])))
def test_values_and_gradients_are_pytorchs(case):
    case = TORCH["adversarial"][case]
    for name in case["ours"]:
        loss = losses.build(name, Options(**case["options"]))
        value, gradient = value_and_gradient(loss, case["term"], TORCH["logits"])
        # PyTorch computed in float64. MindSpore's float32 sigmoid is off by up to 2e-6, and so
        # is the logarithm of a p near 1.
        np.testing.assert_allclose(value, case["value"], rtol=1e-5, atol=5e-6)
        np.testing.assert_allclose(gradient, case["gradient"], rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize("case", range(len(TORCH["classifier"])))
def test_a_classifiers_values_and_gradients_are_pytorchs(case):
    case = TORCH["classifier"][case]
    settings = [case[key] for key in ("labels", "class_weights", "ignore_index", "reduction")]
    ours = {"CrossEntropyLoss": multiclass_cross_entropy, "NLLLoss": negative_log_likelihood}
    scores = np.array(TORCH["scores"])
    if case["torch"] == "NLLLoss":
        scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours[case["torch"]](scores, *settings), case["value"], atol=1e-12)
    slopes = np.zeros_like(scores)
    for place in np.ndindex(scores.shape):
        ends = []
        for way in (1e-5, -1e-5):
            moved = scores.copy()
            moved[place] += way
            ends.append(np.sum(ours[case["torch"]](moved, *settings)))
        slopes[place] = (ends[0] - ends[1]) / 2e-5
    np.testing.assert_allclose(slopes, case["gradient"], atol=1e-8)


def test_the_stored_values_are_what_pytorch_gives():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: the stored values serve")
    # In a process of its own: PyTorch and MindSpore each bring their own threads.
    result = subprocess.run(
        [sys.executable, ROOT / "tests/data/make_torch_losses.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    fresh = json.loads(result.stdout)
    for kind in ("adversarial", "classifier"):
        for kept, new in zip(TORCH[kind], fresh[kind], strict=True):
            for key in ("value", "gradient"):
                np.testing.assert_allclose(kept.pop(key), new.pop(key), atol=1e-12)
            assert kept == new


def test_bce_saturates_where_logits_do_not():
    value, gradient = value_and_gradient(losses.build("bce"), "fake", [20.0, 20.0])
    assert value == pytest.approx(27.631021, abs=1e-4)
    assert (gradient == 0).all()
    for name in ("bce_with_logits", "softplus"):
        value, gradient = value_and_gradient(losses.build(name), "fake", [20.0, 20.0])
        assert value == pytest.approx(20.0, abs=1e-4)
        np.testing.assert_allclose(gradient, 0.5, atol=1e-6)


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("term", TERMS)
def test_no_logit_breaks_a_loss(name, term):
    loss = losses.build(name)
    value, gradient = value_and_gradient(loss, term, [-1e6, -100.0, -20.0, 20.0, 100.0, 1e6])
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_smoothing_is_one_sided_and_pos_weight_asks_for_real():
    plain = losses.build("bce_with_logits")
    smooth = losses.build("bce_with_logits", Options(label_smoothing=0.1))
    heavy = losses.build("bce_with_logits", Options(pos_weight=3.0))
    at = {
        loss: [float(value_and_gradient(loss, term, [1.0, 1.0])[0]) for term in TERMS]
        for loss in (plain, smooth, heavy)
    }
    assert at[smooth][0] > at[plain][0]
    assert at[smooth][1:] == at[plain][1:]
    assert at[heavy][1] == at[plain][1]
    assert at[heavy][0] == pytest.approx(3 * at[plain][0], rel=1e-5)
    assert at[heavy][2] == pytest.approx(3 * at[plain][2], rel=1e-5)


@given(st.lists(st.floats(0, 10, width=32), min_size=2, max_size=8))
@settings(deadline=None, max_examples=15)
def test_the_penalty_is_the_mean_square_distance_of_norms_from_1(norms):
    value = float(losses.gradient_penalty(Tensor(np.array(norms, np.float32))).asnumpy())
    assert value == pytest.approx(np.mean((np.array(norms) - 1) ** 2), rel=1e-5, abs=1e-6)
    assert float(losses.gradient_penalty(Tensor(np.ones(3, np.float32))).asnumpy()) == 0


def test_an_unknown_loss_names_the_known():
    with pytest.raises(ValueError, match=f"'bec': choose one of {', '.join(choices.LOSSES)}$"):
        losses.build("bec")


def test_the_table_and_the_classes_name_the_same_losses():
    assert list(losses.LOSSES) == list(choices.LOSSES)
    assert all(issubclass(loss, losses.Loss) for loss in losses.LOSSES.values())
    for name, loss in losses.LOSSES.items():
        assert loss.is_paired == choices.LOSSES[name].is_paired
        assert loss.is_paired != issubclass(loss, losses.LossOfImages)
    known = dict(losses.LOSSES)
    with pytest.raises(LookupError, match=r"loss third of losses\.LOSSES is missing in params/ch"):
        losses.complete({**known, "third": losses.Hinge})
    del known["mse"]
    with pytest.raises(LookupError, match=r"loss mse of params/choices\.py has no class in loss"):
        losses.complete(known)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "median"}, "reduction 'median': choose one of mean, sum, none"),
        ({"weight": 0.0}, "weight 0.0: valid is a number above 0"),
        ({"pos_weight": math.inf}, "pos_weight inf: valid is a number above 0"),
        ({"weight": math.nan}, "weight nan: valid is"),
        ({"label_smoothing": 1.0}, "label_smoothing 1.0: valid is a number from 0 below 1"),
        ({"label_smoothing": math.nan}, "label_smoothing nan: valid is"),
    ],
)
def test_a_bad_option_is_named_with_what_is_valid(options, message):
    with pytest.raises(ValueError, match=message):
        Options(**options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (name, {option: value})
        for option, value in (("pos_weight", 2.0), ("label_smoothing", 0.1))
        for name, loss in choices.LOSSES.items()
        if not loss.takes(option)
    ],
)
def test_an_option_that_means_nothing_is_refused_in_one_line(name, options):
    with pytest.raises(ValueError, match=f"loss '{name}' does not use it") as caught:
        losses.build(name, Options(**options))
    assert "\n" not in str(caught.value)
    (option,) = options
    assert str(caught.value).endswith(", ".join(choices.losses_that_take(option)))


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_shares_of_ranks_add_up_to_the_loss_of_the_whole_batch(settings, name, reduction):
    options = {"loss_options__reduction": reduction, "loss_options__weight": 0.5, "loss": name}
    train = settings(**options)
    logits = np.random.default_rng(3).standard_normal((12, 1)).astype(np.float32)
    whole, share = losses.of_params(train), losses.of_params(train, ranks=3)
    real = np.random.default_rng(4).standard_normal((12, 1)).astype(np.float32)
    for term in ("discriminator", "generator"):
        parts = [
            getattr(share, term)(Tensor(first), Tensor(second)).asnumpy()
            for first, second in zip(np.split(logits, 3), np.split(real, 3), strict=True)
        ]
        expected = getattr(whole, term)(Tensor(logits), Tensor(real)).asnumpy()
        assert sum(parts) == pytest.approx(float(expected), rel=1e-5), term


@settings(deadline=None, max_examples=20)
@given(several, st.floats(-50, 50), st.sampled_from(["mean", "sum", "none"]))
@example([1.640625, 1.484375], 0.0, "mean")
def test_a_loss_of_pairs_is_that_of_their_differences(logits, constant, reduction):
    """A constant added to all logits changes nothing, and G wants what D does not want."""
    loss = losses.build("rpgan", Options(reduction=reduction))
    # 64 logits: with AVX-512, softplus of other counts may have other last bits in each call
    # (findings/mindspore-softplus-calls.sh).
    fake = np.resize(np.array(logits, np.float32), (64, 1))
    real = fake[::-1] + np.float32(0.5)
    given = Tensor(real), Tensor(fake)
    moved = Tensor(real + np.float32(constant)), Tensor(fake + np.float32(constant))
    d_loss = loss.discriminator(*given).asnumpy()
    each = np.logaddexp(0, fake.astype(np.float64) - real)
    expected = {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
    np.testing.assert_allclose(d_loss, expected, rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(loss.discriminator(*moved).asnumpy(), d_loss, rtol=1e-4, atol=2e-5)
    np.testing.assert_array_equal(loss.generator(*given).asnumpy(), d_loss)
    right, wrong = (answers.asnumpy() for answers in loss.probabilities(*given))
    # On 8 million points MindSpore's sigmoid is off by up to 8.3e-7, and a sum of two by 1.3e-6.
    np.testing.assert_allclose(right + wrong, 1.0, atol=2e-6)
    expected = 1 / (1 + np.exp(fake.astype(np.float64) - real))
    np.testing.assert_allclose(right, expected, atol=2e-6)


@pytest.mark.parametrize("name", [name for name in losses.LOSSES if name != "rpgan"])
def test_a_loss_of_images_adds_its_two_terms_and_has_no_use_for_real_images_in_gs(name):
    loss = losses.build(name)
    real, fake = (Tensor(np.array([[value], [0.5]], np.float32)) for value in (1.0, -2.0))
    total = loss.discriminator(real, fake).asnumpy()
    assert total == (loss.real(real) + loss.fake(fake)).asnumpy()
    assert loss.generator(fake, real).asnumpy() == loss.generator(fake).asnumpy()
    assert [found.asnumpy().tolist() for found in loss.probabilities(real, fake)] == [
        ops.sigmoid(logits).asnumpy().tolist() for logits in (real, fake)
    ]
