import json
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan import losses
from stages.gan.common.files import read_csv
from stages.gan.losses import equilibrium
from stages.gan.training.history import History
from stages.gan.training.step.measures import (
    ALIKE,
    DIVERSITY_EVERY,
    GRADIENTS_EVERY,
    MEASURES,
    RealImages,
)
from stages.gan.training.watch import diagnosis, verdicts
from stages.gan.training.watch.diagnosis import (
    D_GRADIENT,
    D_LOSS,
    DIVERSITY,
    FAKE,
    G_GRADIENT,
    G_LOSS,
    REAL,
    VANISHED,
    WINDOW,
    Diagnosis,
)
from stages.gan.training.watch.verdicts import VERDICTS
from tests.helpers.project import ROOT

REAL_IMAGES = RealImages(0.7, -1.0, 1.0)
G_WEIGHTS = 10_000
CLAMP = np.float32(-math.log(1e-12))


def diagnose(train, real: RealImages = REAL_IMAGES) -> Diagnosis:
    return Diagnosis(train, equilibrium.point(losses.of_params(train)), real, G_WEIGHTS)


def healthy(steps: int, seed: int = 0, loss: float = 1.3, first_step: int = 1) -> np.ndarray:
    """Rows such as a run of the recipe leaves, with gradients and looks where they are due."""
    draw = np.random.default_rng(seed)
    rows = np.full((steps, len(MEASURES)), np.nan, np.float32)
    rows[:, D_LOSS] = loss + 0.05 * draw.standard_normal(steps)
    rows[:, G_LOSS] = 0.8 + 0.1 * draw.standard_normal(steps)
    rows[:, REAL] = 0.54 + 0.04 * draw.standard_normal(steps)
    rows[:, FAKE] = 0.46 + 0.04 * draw.standard_normal(steps)
    numbers = np.arange(first_step, first_step + steps)
    due = numbers % GRADIENTS_EVERY == 0
    rows[due, D_GRADIENT] = 5 + draw.random(due.sum())
    rows[due, G_GRADIENT] = 2 + draw.random(due.sum())
    looks = numbers % DIVERSITY_EVERY == 0
    rows[looks, DIVERSITY] = 0.5 + 0.05 * draw.random(looks.sum())
    return rows


def watch(diagnosed: Diagnosis, rows: np.ndarray, first_step: int = 1):
    """The first fatal verdict on a run, or None, and its history up to there."""
    history = History()
    for index, row in enumerate(rows):
        history.add_step(first_step + index, row)
        verdict = diagnosed.failure(history)
        if verdict:
            return verdict, history
    return None, history


def measured(rows: np.ndarray, column: int, start: int, value: float) -> None:
    """Set a measure from a row on, wherever it was taken."""
    part = rows[start:, column]
    part[~np.isnan(part)] = value


@pytest.mark.parametrize("loss", list(losses.LOSSES))
def test_a_healthy_run_is_never_stopped(settings, loss):
    verdict, history = watch(diagnose(settings(loss=loss)), healthy(700))
    assert verdict is None
    assert diagnose(settings(loss=loss)).conclusion(history).fatal is False


@hypothesis.settings(deadline=None)
@given(st.integers(1, 400), st.sampled_from([1, 6001]))
def test_a_saturated_discriminator_is_told_within_100_steps(settings, start, first_step):
    rows = healthy(start + 120, first_step=first_step)
    rows[start:, [D_LOSS, G_LOSS, REAL, FAKE]] = [CLAMP, -0.0, 1.0, 1.0]
    for column in (D_GRADIENT, G_GRADIENT):
        measured(rows, column, start, 0.0)
    verdict, _ = watch(diagnose(settings()), rows, first_step)
    assert verdict is not None
    assert verdict.name == "saturated discriminator"
    assert verdict.fatal
    assert verdict.since == first_step + start
    assert start - 10 < verdict.step - first_step - 30
    assert verdict.step - verdict.since < 100
    assert "27.631021" in verdict.seen
    assert "G's is -0.000000" in verdict.seen


def test_gradients_that_are_zero_for_a_moment_are_no_failure(settings):
    rows = healthy(400)
    for column in (D_GRADIENT, G_GRADIENT):
        measured(rows[:140], column, 100, 0.0)
    rows[100:140, D_LOSS] = CLAMP
    assert watch(diagnose(settings()), rows)[0] is None


def test_one_gradient_that_is_not_zero_keeps_a_run_alive(settings):
    rows = healthy(400)
    rows[100:, D_LOSS] = CLAMP
    measured(rows, D_GRADIENT, 100, 0.0)
    measured(rows, G_GRADIENT, 100, 1e-30)
    assert watch(diagnose(settings()), rows)[0] is None


@pytest.mark.parametrize("column", [D_LOSS, G_LOSS, REAL, FAKE])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_told_at_once(settings, column, value):
    rows = healthy(60)
    rows[33, column] = value
    verdict, _ = watch(diagnose(settings(loss="wgan_gp")), rows)
    assert (verdict.name, verdict.step, verdict.fatal) == ("diverged", 34, True)
    assert MEASURES[column].replace("_", " ") in verdict.seen


@pytest.mark.parametrize("column", [D_GRADIENT, G_GRADIENT])
def test_a_gradient_that_is_not_finite_is_told_when_it_is_measured(settings, column):
    rows = healthy(60)
    rows[39, column] = np.nan
    verdict, _ = watch(diagnose(settings()), rows)
    assert (verdict.name, verdict.step) == ("diverged", 40)
    assert verdict.seen == f"{MEASURES[column].replace('_', ' ')} is nan"


@pytest.mark.parametrize(
    ("loss", "value"),
    [("bce", 0.01), ("mse", 0.005), ("bce_with_logits", 0.02), ("rpgan", 0.0001)],
)
def test_a_discriminator_that_won_is_told_within_100_steps(settings, loss, value):
    vanished = 0.9 * VANISHED * math.sqrt(G_WEIGHTS)
    rows = healthy(400)
    rows[201:, D_LOSS] = value
    measured(rows, G_GRADIENT, 201, vanished)
    verdict, _ = watch(diagnose(settings(loss=loss)), rows)
    assert verdict.name == "discriminator won"
    assert verdict.fatal
    assert 202 <= verdict.since <= 212
    assert verdict.step <= 301
    # With a gradient that moves weights it may still come back.
    measured(rows, G_GRADIENT, 201, 2 * vanished)
    found, history = watch(diagnose(settings(loss=loss)), rows)
    assert found is None
    at_the_end = diagnose(settings(loss=loss)).conclusion(history)
    assert (at_the_end.name, at_the_end.fatal) == ("discriminator won", False)


def test_a_score_without_equilibrium_cannot_win(settings):
    rows = healthy(400)
    rows[200:, D_LOSS] = -50
    measured(rows, G_GRADIENT, 200, 1e-30)
    assert watch(diagnose(settings(loss="wgan_gp")), rows)[0] is None


def alike_from(rows: np.ndarray, start: int, value: float = 0.9 * ALIKE, first_step: int = 1):
    """Images are alike from that row on; the meter then looks as often as at gradients."""
    measured(rows, DIVERSITY, start, value)
    low = False
    for index in range(start, len(rows)):
        step = first_step + index
        if low and step % GRADIENTS_EVERY == 0:
            rows[index, DIVERSITY] = value
        low = low or not np.isnan(rows[index, DIVERSITY])


@pytest.mark.parametrize("start", range(50, 260, 7))
def test_a_generator_that_draws_one_image_is_told_within_100_steps(settings, start):
    rows = healthy(start + 120)
    alike_from(rows, start)
    verdict, _ = watch(diagnose(settings()), rows)
    assert (verdict.name, verdict.fatal) == ("generator collapsed", True)
    assert start < verdict.since <= start + 50
    assert verdict.step == verdict.since + 30
    assert verdict.step - start <= 100
    alike_from(rows, start, 1.1 * ALIKE)
    assert watch(diagnose(settings()), rows)[0] is None


def test_new_networks_may_begin_with_images_that_are_alike(settings):
    rows = healthy(400)
    alike_from(rows[:200], 0)
    assert watch(diagnose(settings()), rows)[0] is None
    alike_from(rows, 0)
    verdict, _ = watch(diagnose(settings()), rows)
    assert (verdict.since, verdict.step) == (50, 210)
    # those of a checkpoint are not new
    rows = healthy(200, first_step=6001)
    alike_from(rows, 0, first_step=6001)
    verdict, _ = watch(diagnose(settings()), rows, 6001)
    assert (verdict.since, verdict.step) == (6050, 6080)


def test_a_generator_that_lost_most_kinds_of_image_is_told_at_the_end(settings):
    rows = healthy(1000)
    measured(rows, DIVERSITY, 500, 0.1)
    failure, history = watch(diagnose(settings()), rows)
    assert failure is None
    verdict = diagnose(settings()).conclusion(history)
    assert (verdict.name, verdict.fatal) == ("generator collapsed", False)
    assert "it was 0.7" in verdict.seen
    # one that never had more has not lost any, unless it is next to nothing
    for level, name in ((0.1, "near equilibrium"), (0.03, "generator collapsed")):
        measured(rows, DIVERSITY, 0, level)
        _, history = watch(diagnose(settings()), rows)
        assert diagnose(settings()).conclusion(history).name == name


@pytest.mark.parametrize("steps", [120, 121, 125, 129])
def test_a_failure_is_still_told_at_the_end_whatever_the_last_step_is(settings, steps):
    rows = healthy(steps)
    rows[20:, [D_LOSS, G_LOSS, REAL, FAKE]] = [CLAMP, -0.0, 1.0, 1.0]
    for column in (D_GRADIENT, G_GRADIENT):
        measured(rows, column, 20, 0.0)
    history = filled(rows)
    verdict = diagnose(settings()).conclusion(history)
    assert (verdict.name, verdict.step, verdict.since) == ("saturated discriminator", steps, 21)


def filled(rows: np.ndarray) -> History:
    """The history of a run that nobody stopped."""
    history = History()
    for index, row in enumerate(rows):
        history.add_step(index + 1, row)
    return history


def test_what_is_not_finite_is_told_since_its_first_step(settings):
    rows = healthy(60)
    rows[20:, D_LOSS] = np.nan
    verdict = diagnose(settings()).conclusion(filled(rows))
    assert (verdict.name, verdict.since, verdict.step) == ("diverged", 21, 60)


@pytest.mark.parametrize("loss", list(losses.LOSSES))
@pytest.mark.parametrize("level", [1.386, 0.9, 3.0])
def test_a_discriminator_that_answers_nothing_of_g_is_told(settings, loss, level):
    rows = healthy(400, loss=level)
    measured(rows, G_GRADIENT, 100, 0.0)
    verdict, _ = watch(diagnose(settings(loss=loss)), rows)
    assert (verdict.name, verdict.fatal) == ("saturated discriminator", True)
    assert verdict.step <= 200
    assert "every measured gradient of G was exactly 0" in verdict.seen


@pytest.mark.parametrize(
    "changes",
    [
        {"beta1": 0.95},
        {"optimizer": "adamw", "weight_decay": 0.01},
        {"optimizer": "sgd", "momentum": 0.99},
    ],
)
def test_weights_that_move_without_a_gradient_may_come_back(settings, changes):
    rows = healthy(400)
    rows[100:, [D_LOSS, G_LOSS]] = [CLAMP, -0.0]
    for column in (D_GRADIENT, G_GRADIENT):
        measured(rows, column, 100, 0.0)
    assert watch(diagnose(settings(**changes)), rows)[0] is None
    assert watch(diagnose(settings()), rows)[0] is not None


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_the_course_of_the_default_run_is_no_failure(settings, dataset):
    """The committed histories, which are means over a few steps."""
    course = read_csv(ROOT / "metrics" / dataset / "history_steps.csv")
    rows = np.array([[row[name] for name in MEASURES] for row in course], np.float32)
    failure, history = watch(diagnose(settings()), rows)
    assert failure is None
    told = json.loads((ROOT / "metrics" / dataset / "train.json").read_text())["verdict"]
    found = diagnose(settings()).conclusion(history).name
    assert found == told or told == verdicts.OSCILLATING  # means do not swing as steps do


@pytest.mark.parametrize(
    ("loss", "level", "word"),
    [
        ("bce", 1.0, "The watch over training saw no fault. D still distinguishes"),
        ("bce", 40.0, "D does worse than a D that gives every image the same answer"),
        ("wgan_gp", -3.0, "has no equilibrium"),
    ],
)
def test_still_learning_says_no_more_than_is_seen(settings, loss, level, word):
    verdict = diagnose(settings(loss=loss)).conclusion(filled(healthy(400, loss=level)))
    assert verdict.name == "still learning"
    assert word in verdict.meaning


@pytest.mark.parametrize(
    ("real", "name", "word"),
    [
        (RealImages(0.0, -1.0, 1.0), "generator collapsed", "one image to learn"),
        (RealImages(90.0, 0.0, 255.0), "wrong range", "0 to 255"),
    ],
)
def test_data_that_cannot_be_learnt_are_told_at_the_first_look(settings, real, name, word):
    verdict, _ = watch(diagnose(settings(), real), healthy(60))
    assert (verdict.name, verdict.step, verdict.fatal) == (name, GRADIENTS_EVERY, True)
    assert word in verdict.seen


def test_images_in_half_of_the_range_are_told_before_the_first_step_and_at_the_end(settings):
    """The tutorial's fault, x / 255 against tanh: not fatal, since images may really be pale."""
    halved = diagnose(settings(), RealImages(0.4, 0.0, 1.0, normalised=False))
    verdict = halved.of_data()
    assert (verdict.name, verdict.step, verdict.fatal) == ("wrong range", 0, False)
    assert "real images have values from 0 to 1, but G draws in [-1, 1]" in verdict.seen
    assert "x / 255" in verdict.meaning
    failure, history = watch(halved, healthy(400))
    assert failure is None
    at_the_end = halved.conclusion(history)
    assert (at_the_end.name, at_the_end.step, at_the_end.since) == ("wrong range", 400, 1)
    bright = diagnose(settings(), RealImages(0.4, 0.004, 1.0))  # really bright, and normalised
    assert bright.of_data() is None
    assert bright.conclusion(history).name == "near equilibrium"


def test_weights_that_are_not_finite_are_told_though_all_losses_are(settings):
    history = filled(healthy(77))
    broken = ["D's a.weight", "D's b.weight", "G's c.gamma", "G's d.weight"]
    verdict = diagnose(settings()).failure(history, broken)
    assert (verdict.name, verdict.step, verdict.fatal) == ("diverged", 77, True)
    assert verdict.seen == "not finite: D's a.weight, D's b.weight, G's c.gamma and 1 more"
    assert "turn NaN into ordinary numbers" in verdict.meaning
    assert diagnose(settings()).conclusion(history, broken[:1]).name == "diverged"
    assert diagnose(settings()).failure(history) is None


@pytest.mark.parametrize(
    ("loss", "options", "limit"),
    [
        ("bce", {}, 4.27),
        ("bce_with_logits", {"loss_options__weight": 2.0}, 8.54),
        ("bce", {"loss_options__reduction": "sum"}, 128 * 4.27),
        ("hinge", {}, 4.25),
        ("rpgan", {}, 8.51),
    ],
)
def test_a_generator_that_d_rejects_for_sure_is_not_told_that_nothing_is_wrong(
    settings, loss, options, limit
):
    """D's loss and answers, 0.89 and 0.11, look harmless; G's loss does not."""
    rows = healthy(300, loss=0.43)
    rows[:, [REAL, FAKE]] = [0.89, 0.11]
    if "loss_options__reduction" in options:
        rows[:, D_LOSS] *= settings().batch_size
    diagnosed = diagnose(settings(loss=loss, **options))
    for factor, name in ((2.95, "discriminator won"), (0.9, "still learning")):
        rows[:, G_LOSS] = limit * factor
        verdict = diagnosed.conclusion(filled(rows))
        assert (verdict.name, verdict.fatal) == (name, False)
    assert "no fault" in verdict.meaning
    rows[:, G_LOSS] = limit * 2.95
    told = diagnosed.conclusion(filled(rows))
    assert "after D's update" in told.meaning
    assert "probability 0.014" in told.seen
    assert ("both images of a pair" in told.seen) == (loss == "rpgan")


@pytest.mark.parametrize("period", [1, 60])
def test_large_swings_are_told_at_the_end(settings, period):
    rows = healthy(1000)
    up = np.arange(1000) // period % 2 == 0
    rows[:, FAKE] = np.where(up, 0.75, 0.2)
    _, history = watch(diagnose(settings()), rows)
    verdict = diagnose(settings()).conclusion(history)
    assert verdict.name == "oscillating"
    assert "turned" in verdict.seen
    # of scores that are no probabilities nothing is said
    assert diagnose(settings(loss="wgan_gp")).conclusion(history).name == "still learning"


@pytest.mark.parametrize(
    ("loss", "options", "at", "name"),
    [
        ("bce", {}, 1.3, "near equilibrium"),
        ("bce", {}, 1.1, "still learning"),
        ("mse", {}, 0.48, "near equilibrium"),
        ("mse", {}, 1.3, "still learning"),
        ("bce", {"loss_options__reduction": "sum"}, 1.3 * 128, "near equilibrium"),
        ("bce", {"loss_options__weight": 2.0}, 1.3, "still learning"),
        ("bce", {"loss_options__weight": 2.0}, 2.6, "near equilibrium"),
    ],
)
def test_near_is_near_the_losss_own_equilibrium(settings, loss, options, at, name):
    rows = healthy(400)
    rows[:, D_LOSS] *= at / 1.3
    diagnosed = diagnose(settings(loss=loss, **options))
    rows[:, G_LOSS] = 1.1 * diagnosed.levels["G at equilibrium"]
    _, history = watch(diagnosed, rows)
    verdict = diagnosed.conclusion(history)
    assert verdict.name == name
    assert (verdict.step, verdict.since) == (400, 351)


def test_a_generator_far_from_its_equilibrium_is_not_near(settings):
    rows = healthy(400)
    for level, name in ((1.05, "near equilibrium"), (1.7, "still learning")):
        rows[:, G_LOSS] = level
        assert diagnose(settings()).conclusion(filled(rows)).name == name


def test_a_mean_that_is_right_by_chance_is_not_near(settings):
    rows = healthy(400)
    rows[::2, D_LOSS] -= 0.5
    rows[1::2, D_LOSS] += 0.5
    _, history = watch(diagnose(settings()), rows)
    assert diagnose(settings()).conclusion(history).name == "still learning"


@pytest.mark.parametrize(
    ("loss", "options", "d_level", "g_level"),
    [
        ("bce", {}, 2 * math.log(2), math.log(2)),
        ("bce", {"reduction": "sum"}, 128 * 2 * math.log(2), 128 * math.log(2)),
        ("mse", {}, 0.5, 0.25),
        ("mse", {"label_smoothing": 0.2}, 0.32, 0.36),
        ("bce", {"pos_weight": 4.0}, -4 * math.log(0.8) - math.log(0.2), -4 * math.log(0.8)),
        ("hinge", {}, 2.0, 0.0),
    ],
)
def test_levels_are_those_of_the_loss_as_it_is_trained(settings, loss, options, d_level, g_level):
    named = {f"loss_options__{name}": value for name, value in options.items()}
    levels = diagnose(settings(loss=loss, **named)).levels
    assert levels["D at equilibrium"] == pytest.approx(d_level, abs=1e-5, rel=1e-5)
    assert levels["G at equilibrium"] == pytest.approx(g_level, abs=1e-5, rel=1e-5)


def test_a_loss_without_equilibrium_has_no_levels(settings):
    assert diagnose(settings(loss="wgan_gp")).levels == {}


def test_a_short_run_gets_a_verdict_too(settings):
    for steps in (1, 2, 9, 60):
        _, history = watch(diagnose(settings()), healthy(steps))
        assert diagnose(settings()).conclusion(history).name in VERDICTS


def test_a_failure_is_told_within_100_steps_wherever_it_begins_between_two_looks():
    assert WINDOW + GRADIENTS_EVERY <= 100
    assert DIVERSITY_EVERY + (diagnosis.ALIKE_LOOKS - 1) * GRADIENTS_EVERY <= 100
