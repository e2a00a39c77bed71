"""Searches keep the best that they have seen, and begin anew without a trace."""

import numpy as np

from stages.gan.common.tensors import as_tensor
from stages.gan.evaluation.game.responses import Budget, Ignorant, OfDiscriminator, Player, Same
from tests.helpers.training.games import CROSS_ENTROPY, Normal, Quadratic, board, normal

FIRST = (0.3, 0.2, -0.1)


def search(rate: float, steps: int = 20):
    budget = Budget(steps, 32, rate)
    player = Player(Quadratic(*FIRST), "response", budget)
    return OfDiscriminator(player, CROSS_ENTROPY.found, CROSS_ENTROPY.measured, budget)


def draw() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_search_that_only_spoils_ends_where_it_began():
    response = search(rate=100.0)
    first = response.player.weights()
    response.search(board(normal), Normal(0.5, 1.0), first, draw())
    for name, values in response.player.weights().items():
        assert (values == first[name]).all()


def test_a_search_begins_anew_without_a_trace():
    response, games, generator = search(rate=0.1), board(normal), Normal(0.5, 1.0)
    first = response.player.weights()
    found = []
    for _ in range(2):
        response.search(games, generator, first, draw())
        found.append(response.player.weights())
    (name,) = found[0]
    assert (found[0][name] == found[1][name]).all()
    assert (found[0][name] != first[name]).any()


def test_noise_on_weights_has_the_size_of_the_weights():
    player = search(rate=0.1).player
    weights = {"discriminator.weight": np.full(3, 2.0, np.float32)}
    changed = player.perturbed(weights, 0.01, draw())["discriminator.weight"]
    assert (weights["discriminator.weight"] == 2.0).all()
    expected = 2.0 + 0.02 * draw().standard_normal(3, dtype=np.float32)
    assert (changed == expected.astype(np.float32)).all()


def test_an_ignorant_d_gives_all_images_one_answer_until_it_learns():
    budget = Budget(20, 32, 0.1)
    still = Quadratic(*FIRST)
    still.update_parameters_name("still.")
    player = Player(Quadratic(*FIRST), "response", budget)
    ignorant = Ignorant(player.network, still, 0.25)
    response = OfDiscriminator(
        player, CROSS_ENTROPY.found, CROSS_ENTROPY.measured, budget, seen=ignorant
    )
    games = board(normal)
    before = response.values(games.scoring, Normal(0.5, 1.0))
    assert np.ptp(before) == 0.0
    response.search(games, Normal(2.0, 1.0), player.weights(), draw())
    assert response.values(games.scoring, Normal(2.0, 1.0)).mean() > before.mean() + 0.1
    assert (still.weight.asnumpy() == np.array(FIRST, np.float32)).all()


def test_real_images_pass_through_the_generator_of_a_game_at_equilibrium():
    images = normal(draw(), 3)
    assert (Same()(as_tensor(images)).asnumpy() == images).all()
