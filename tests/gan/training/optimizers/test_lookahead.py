import math

import pytest

from stages.gan.training.optimizers.lookahead import Lookahead
from tests.helpers.training.bilinear import Bilinear


def test_every_k_steps_both_networks_move_back_towards_the_slow_weights():
    game = Bilinear(rate=0.1)
    lookahead = Lookahead(game.players, every=3, alpha=0.25)
    slow, fast = complex(*game.place), complex(*game.place)
    for step in range(1, 10):
        before = complex(*game.place)
        assert before == pytest.approx(fast, abs=1e-6)
        game.step()
        fast = complex(*game.place)
        lookahead.follow(step)
        if step % 3 == 0:
            slow = fast = slow + 0.25 * (fast - slow)
        assert complex(*game.place) == pytest.approx(fast, abs=1e-6)
        assert [float(each.asnumpy()[0]) for each in lookahead.state] == pytest.approx(
            [slow.real, slow.imag], abs=1e-6
        )


@pytest.mark.parametrize("at_once", [True, False])
def test_on_the_bilinear_game_plain_steps_never_arrive_and_lookahead_does(at_once):
    """min over x, max over y of x y, which has its equilibrium at 0, 0."""
    plain, with_it = Bilinear(rate=0.3, at_once=at_once), Bilinear(rate=0.3, at_once=at_once)
    lookahead = Lookahead(with_it.players, every=5, alpha=0.5)
    reached = []
    for step in range(1, 301):
        plain.step()
        with_it.step()
        lookahead.follow(step)
        reached.append(math.hypot(*plain.place))
    if at_once:
        # Each step makes the distance sqrt(1 + rate^2) times as long: a spiral outwards.
        assert reached[-1] == pytest.approx(math.sqrt(2) * 1.09**150, rel=1e-3)
    else:
        assert min(reached) > 1.0  # a closed curve
    assert math.hypot(*with_it.place) < 1e-3
