"""No image that finds a response chooses or scores it."""

import numpy as np

from stages.gan.evaluation.game import boards


def numbered(first: int, count: int) -> np.ndarray:
    """Images that say which they are."""
    return np.arange(first, first + count, dtype=np.float16).reshape(-1, 1, 1, 1)


def numbers(images: np.ndarray) -> set[int]:
    return {int(number) for number in np.ravel(images)}


KNOWN, HELD_OUT = numbered(0, 50), numbered(100, 41)


def draw() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_pair_is_scored_on_images_that_nothing_was_found_with():
    board = boards.of_pair(KNOWN, HELD_OUT, 3, 41, seed=7)
    finding = numbers(board.real(draw(), 500))
    choosing, scoring = numbers(board.choosing.real), numbers(board.scoring.real)
    assert finding == numbers(KNOWN)
    assert choosing | scoring == numbers(HELD_OUT)
    assert not choosing & scoring
    assert (len(choosing), len(scoring)) == (20, 21)
    assert board.scoring.codes.shape == (21, 3)
    assert board.codes(draw(), 5).shape == (5, 3)


def test_at_equilibrium_no_image_is_on_both_sides():
    board = boards.of_equilibrium(KNOWN, HELD_OUT, 41, seed=7)
    real, others = numbers(board.real(draw(), 500)), numbers(board.codes(draw(), 500))
    assert real | others == numbers(KNOWN)
    assert not real & others
    sides = [board.choosing.real, board.choosing.codes, board.scoring.real, board.scoring.codes]
    assert sum(len(numbers(side)) for side in sides) == 40
    assert len(set.union(*map(numbers, sides))) == 40


def test_few_pairs_are_enough_to_choose(monkeypatch):
    monkeypatch.setattr(boards, "MOST_CHOOSING", 5)
    board = boards.of_pair(KNOWN, HELD_OUT, 3, 30, seed=7)
    assert (len(board.choosing.real), len(board.scoring.real)) == (5, 25)
