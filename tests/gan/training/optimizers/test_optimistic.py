import math

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

from stages.gan.training import optimizers
from tests.helpers.training.bilinear import Bilinear


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("kind", ["sgd", "rmsprop", "adam"])
def test_on_the_bilinear_game_plain_steps_never_arrive_and_optimistic_ones_do(kind, at_once):
    """min over x, max over y of x y, which has its equilibrium at 0, 0."""
    final = {}
    for optimistic in (False, True):
        options = {} if kind == "sgd" else {"beta1": 0.0}
        rate = 0.3 if kind == "sgd" else 0.03
        game = Bilinear(rate, kind, at_once, optimistic, **options)
        reached = []
        for _ in range(1000 if kind == "adam" else 300):
            game.step()
            reached.append(math.hypot(*game.place))
        final[optimistic] = max(reached[-100:])
    assert final[False] > 0.8
    # Adam's correction of the second moment makes its first moves long for many steps.
    assert final[True] < (0.5 if kind == "adam" else 1e-3)


@pytest.mark.parametrize("kind", ["adam", "adamw", "rmsprop", "sgd"])
def test_a_move_is_extrapolated_by_the_last_one(kind):
    """w(t+1) = w(t) + 2 u(t) - u(t-1), with u(t) the move of the optimizer alone."""
    draw = np.random.default_rng(1)
    gradients = draw.standard_normal((6, 4)).astype(np.float32)
    places = {}
    for optimistic in (False, True):
        network = nn.Cell()
        network.weight = Parameter(Tensor(np.ones(4, np.float32)), name="a.weight")
        mover = optimizers.build(kind, network, "a", 0.1, 0.5, 0.9, optimistic=optimistic)

        def move(gradient, mover=mover):
            return mover((gradient,))

        compiled = ms.jit(move)
        places[optimistic] = [np.ones(4)]
        for gradient in gradients:
            compiled(Tensor(gradient))
            places[optimistic].append(network.weight.asnumpy().astype(np.float64))
    moves = np.diff(places[False], axis=0)
    expected = np.ones(4)
    for index, move in enumerate(moves):
        expected = expected + 2 * move - (moves[index - 1] if index else 0.0)
        np.testing.assert_allclose(places[True][index + 1], expected, atol=2e-5)
