"""The gaps of games whose gaps are known in closed form."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from stages.gan.evaluation.game import gaps
from stages.gan.evaluation.game.boards import Board, Part
from tests.helpers.training.games import (
    CROSS_ENTROPY,
    LINEAR,
    SMOOTHED,
    Normal,
    Point,
    Quadratic,
    Slope,
    Stuck,
    board,
    copies,
    normal,
    settings,
    zeros,
)

GRID = np.linspace(-1.0, 1.0, 401)


def lowest_proximal(a: float, proximity: float) -> float:
    """min over b of max over c of -c b - proximity (c - a)^2 b^2, all in [-1, 1]."""
    b, c = np.meshgrid(GRID, GRID, indexing="ij")
    return float((-c * b - proximity * (c - a) ** 2 * b**2).max(axis=1).min())


@pytest.mark.parametrize("weights", [(0.5, -0.3), (-0.8, 1.2)])
def test_a_bilinear_game_has_the_gap_of_the_formula(weights):
    """M = -tanh(w) tanh(t): D can gain |tanh t| at most, and G |tanh w|."""
    t, w = weights
    found = gaps.measure(
        copies(lambda: Point(t), lambda: Slope(w)), LINEAR, board(zeros), settings(proximity=0.5)
    )
    a, b = math.tanh(w), math.tanh(t)
    trained = -a * b
    for name, expected in {
        "duality_gap": abs(b) + abs(a),
        "perturbed_gap": abs(b) + abs(a),
        "discriminator_gain": abs(b) - trained,
        "generator_gain": trained + abs(a),
    }.items():
        assert found[name].value == pytest.approx(expected, abs=0.02), name
        assert found[name].error == pytest.approx(0.0, abs=1e-6)  # all images are alike
    # The search for it turns like the game, and may miss the lowest point, as for the first pair.
    proximal = abs(b) - lowest_proximal(a, 0.5)
    assert -0.001 < found["proximal_gap"].value < proximal + 0.02
    if a > 0:
        assert found["proximal_gap"].value == pytest.approx(proximal, abs=0.02)


def highest(mean: float, deviation: float) -> float:
    """max over D of M for N(0, 1) and N(mean, deviation^2): 2 JSD - 2 ln 2."""

    def term(x: float) -> float:
        p, q = norm.pdf(x), norm.pdf(x, mean, deviation)
        return p * math.log(p / (p + q)) + q * math.log(q / (p + q))

    return quad(term, -8.0, 8.0)[0]


def value(weights: tuple[float, float, float], x: np.ndarray, y: np.ndarray) -> float:
    """M for D's weights, of real x and generated y."""

    def answers(at: np.ndarray) -> np.ndarray:
        return weights[0] + weights[1] * at + weights[2] * at**2

    return -float(np.logaddexp(0, -answers(x)).mean() + np.logaddexp(0, answers(y)).mean())


def test_normal_distributions_have_the_gap_of_the_formula():
    """D's best response reaches 2 JSD - 2 ln 2, and G's draws the point that D likes best."""
    mean, deviation, weights = 0.7, 0.6, (0.2, 0.5, -0.5)
    games = board(normal, 4000)
    found = gaps.measure(
        copies(lambda: Normal(mean, deviation), lambda: Quadratic(*weights)),
        CROSS_ENTROPY,
        games,
        settings(),
    )
    x = games.scoring.real.ravel().astype(np.float64)
    y = mean + deviation * games.scoring.codes.ravel().astype(np.float64)
    best = -weights[1] / (2 * weights[2])
    trained = value(weights, x, y)
    lowest = value(weights, x, np.array([best]))
    for name, expected in {
        "discriminator_gain": highest(mean, deviation) - trained,
        "generator_gain": trained - lowest,
        "duality_gap": highest(mean, deviation) - lowest,
        "perturbed_gap": highest(mean, deviation) - lowest,
    }.items():
        assert 0 < found[name].error < 0.02
        assert found[name].value == pytest.approx(expected, abs=0.01 + 3 * found[name].error), name


def test_at_equilibrium_there_is_no_gap():
    found = gaps.measure(
        copies(lambda: Normal(0.0, 1.0), lambda: Quadratic(0.0, 0.0, 0.0)),
        CROSS_ENTROPY,
        board(normal, 2000),
        settings(40),
    )
    for name, gap in found.items():
        assert gap.value == pytest.approx(0.0, abs=0.002 + 3 * gap.error), name


def test_only_the_perturbed_gap_sees_a_point_where_the_gradient_is_0():
    """There D stands still, though it could gain tanh(0.8), and G could not gain anything."""
    found = gaps.measure(
        copies(lambda: Point(-0.8), Stuck), LINEAR, board(zeros), settings(steps=200)
    )
    assert found["duality_gap"].value == pytest.approx(0.0, abs=1e-6)
    assert found["perturbed_gap"].value == pytest.approx(math.tanh(0.8), abs=0.02)


# D's answer at equilibrium is logit 0, and with smoothed labels ln(0.45 / 0.55).
@pytest.mark.parametrize("losses", [CROSS_ENTROPY, SMOOTHED], ids=["plain", "smoothed"])
def test_the_floor_is_the_gap_of_a_pair_at_equilibrium(losses):
    """Real images on both sides: D's copy finds nothing, and G has nothing to gain."""
    games = board(normal, 2000)
    both = Board(
        games.real,
        normal,
        Part(games.choosing.real, normal(np.random.default_rng(4), 400)),
        Part(games.scoring.real, normal(np.random.default_rng(3), 2000)),
    )
    found = gaps.floor(
        copies(lambda: Normal(5.0, 1.0), lambda: Quadratic(1.0, 2.0, 0.5)),
        losses,
        both,
        settings(40),
    )
    assert set(found) == set(gaps.NAMES)
    assert found["generator_gain"].value == found["generator_gain"].error == 0.0
    for name in gaps.NAMES:
        assert found[name].value == pytest.approx(0.0, abs=0.002 + 3 * found[name].error), name
