"""Games whose Jacobian is known: a bilinear game turns, a damped one comes to rest."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import threadpoolctl

from stages.gan.evaluation.game import jacobian
from stages.gan.evaluation.game.boards import Part
from tests.helpers.training.games import (
    CROSS_ENTROPY,
    LINEAR,
    Normal,
    Point,
    Quadratic,
    Slope,
    normal,
)

SIZE = 6
PAYOFF = np.random.default_rng(1).standard_normal((SIZE, SIZE))


def game(damping: float, coupling: float = 1.0):
    """The field of M = g'P d, in which both players also pay damping / 2 of their square."""

    def field(weights: np.ndarray) -> np.ndarray:
        g, d = weights[:SIZE], weights[SIZE:]
        return np.concatenate(
            [coupling * PAYOFF @ d + damping * g, -coupling * PAYOFF.T @ g + damping * d]
        )

    return field


def draw() -> np.random.Generator:
    return np.random.default_rng(5)


def test_the_product_is_that_of_the_formula():
    field = game(0.3)
    at, vector = draw().standard_normal((2, 2 * SIZE))
    assert jacobian.product(field, at, vector) == pytest.approx(field(vector), abs=1e-6)
    assert not jacobian.product(field, at, np.zeros(2 * SIZE)).any()


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_the_eigenvalues_are_those_of_the_formula(damping):
    """Each singular value s of the payoff gives the pair damping +- i s."""
    found = jacobian.leading(game(damping), np.ones(2 * SIZE), 4, draw())
    values = np.linalg.svd(PAYOFF, compute_uv=False)[:2]
    expected = [complex(damping, sign * s) for s in values for sign in (-1, 1)]
    for eigenvalue in expected:
        assert np.abs(found - eigenvalue).min() < 0.05 * abs(eigenvalue)


def test_a_bilinear_game_turns_and_a_loss_that_falls_does_not():
    for field, expected in ((game(0.0), 1.0), (game(1.0, coupling=0.0), 0.0)):
        share, error = jacobian.rotation(field, np.ones(2 * SIZE), 20, draw())
        assert share == pytest.approx(expected, abs=1e-6)
        assert error == pytest.approx(0.0, abs=1e-6)


def test_a_field_that_is_0_has_no_share_of_rotation():
    """As of dead ReLUs; NaN is no JSON."""
    assert jacobian.rotation(np.zeros_like, np.ones(SIZE), 4, draw()) == (None, None)
    assert jacobian.leading(np.zeros_like, np.ones(SIZE), 4, draw()).tolist() == [0]


def test_sums_over_the_weights_are_made_by_one_thread(monkeypatch):
    """Else their last bits would depend on the number of cores."""
    seen = []

    def threads(*_):
        seen.extend(
            library["num_threads"]
            for library in threadpoolctl.threadpool_info()
            if library["user_api"] == "blas"
        )

    def rotation(*_):
        threads()
        return 0.5, 0.1

    def leading(*_):
        threads()
        return np.zeros(1, complex)

    monkeypatch.setattr(jacobian, "rotation", rotation)
    monkeypatch.setattr(jacobian, "leading", leading)
    zeros = np.zeros((8, 1, 1, 1), np.float32)
    board = SimpleNamespace(real=lambda *_: zeros, codes=lambda *_: zeros[:, :, 0, 0])
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        jacobian.turning(Point(0.5), Slope(-0.3), LINEAR.found, board, draw())
    assert seen
    assert set(seen) == {1}


def test_damping_lowers_the_share_of_rotation_as_the_formula_says():
    damping = 2.0
    turning = 2 * float((PAYOFF**2).sum())
    expected = turning / (turning + 2 * SIZE * damping**2)
    share, error = jacobian.rotation(game(damping), np.ones(2 * SIZE), 400, draw())
    assert 0.0 < error < 0.05
    assert share == pytest.approx(expected, abs=4 * error)


def test_plain_steps_go_outwards_in_the_bilinear_game_and_inwards_in_the_damped_one():
    """What the eigenvalues say: 1 - r lambda is the factor of a step of length r."""
    for damping, grows in ((0.0, True), (1.0, False)):
        field, weights = game(damping, 0.5), np.ones(2 * SIZE)
        largest = max(abs(1 - 0.1 * value) for value in jacobian.leading(field, weights, 4, draw()))
        for _ in range(200):
            weights = weights - 0.1 * field(weights)
        assert (np.linalg.norm(weights) > math.sqrt(2 * SIZE)) == grows
        assert (largest > 1.0) == grows


def test_the_field_of_networks_is_that_of_the_formula():
    """M = -tanh(w) tanh(t): G's loss is M, and D's is -M."""
    t, w = 0.5, -0.3
    zeros = np.zeros((8, 1, 1, 1), np.float32)
    field = jacobian.FieldOf(
        Point(t), Slope(w), LINEAR.found, Part(zeros, np.zeros((8, 1), np.float32))
    )
    assert field.weights == pytest.approx([t, w])
    a, b = math.tanh(w), math.tanh(t)
    assert field(field.weights) == pytest.approx([-(1 - b**2) * a, (1 - a**2) * b], abs=1e-6)
    moved = np.array([0.1, 0.2])
    a, b = math.tanh(0.2), math.tanh(0.1)
    assert field(moved) == pytest.approx([-(1 - b**2) * a, (1 - a**2) * b], abs=1e-6)


def test_the_product_of_networks_is_near_the_exact_one():
    part = Part(normal(draw(), 200), draw().standard_normal((200, 1)).astype(np.float32))
    field = jacobian.FieldOf(Normal(0.4, 0.8), Quadratic(0.1, -0.2, 0.3), CROSS_ENTROPY.found, part)
    at = field.weights
    columns = [jacobian.product(field, at, vector) for vector in np.eye(len(at))]
    rough = [
        (field(at + 0.01 * vector) - field(at - 0.01 * vector)) / 0.02 for vector in np.eye(len(at))
    ]
    assert np.array(columns) == pytest.approx(np.array(rough), abs=2e-3)
