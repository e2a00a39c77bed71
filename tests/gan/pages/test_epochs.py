import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.pages import epochs
from tests.helpers.data import message_of


@given(st.integers(1, 400), st.integers(epochs.FEW, 80))
def test_the_beginning_is_whole_and_the_end_is_there(number, most):
    every = list(range(1, number + 1))
    shown = epochs.chosen(every, most)
    assert shown == sorted(set(shown))
    assert set(shown) <= set(every)
    assert len(shown) == min(number, most)
    first = min(number, most // 3)
    assert shown[:first] == every[:first]
    assert shown[-1] == number


@given(st.integers(2 * epochs.MOST, 400))
def test_later_epochs_are_evenly_spaced(number):
    shown = epochs.chosen(range(1, number + 1), epochs.MOST)
    gaps = {b - a for a, b in itertools.pairwise(shown[20:])}
    assert max(gaps) - min(gaps) <= 1


@pytest.fixture
def folder(tmp_path):
    """Draws pictures of so many epochs, of so many bytes each."""

    def draw(number, size=10):
        (tmp_path / "epochs").mkdir()
        for epoch in range(1, number + 1):
            (tmp_path / f"epochs/{epoch}.png").write_bytes(bytes(size))
        return tmp_path

    return draw


def test_grids_come_in_the_order_of_epochs(folder):
    grids = epochs.grids(folder(11))
    assert [grid.epoch for grid in grids] == list(range(1, 12))
    assert [grid.epoch for grid in grids if grid.in_row] == [1, 3, 5, 7, 9, 11]
    assert all(grid.picture.startswith("data:image/png;base64,") for grid in grids)


def test_one_epoch_is_a_row_of_one(folder):
    (grid,) = epochs.grids(folder(1))
    assert grid.in_row


@pytest.mark.parametrize(
    ("number", "size", "shown"),
    [(200, 10, epochs.MOST), (60, 10, 60), (100, 200_000, 20), (40, 3_000_000, epochs.FEW)],
)
def test_many_or_large_grids_do_not_blow_up_the_page(folder, number, size, shown):
    assert len(epochs.grids(folder(number, size))) == shown


def test_no_picture_is_one_line(tmp_path):
    assert "has no picture of an epoch: run `dvc repro`" in message_of(
        lambda: epochs.grids(tmp_path)
    )


@given(st.integers(2, 300), st.integers(epochs.FEW, 60))
def test_the_sentence_tells_what_is_shown(number, most):
    every = list(range(1, number + 1))
    shown = epochs.chosen(every, most)
    sentence = epochs.told(shown, every)
    if number <= most:
        assert sentence == f"All {number} epochs are shown."
        return
    assert f"{len(shown)} of {number} epochs" in sentence
    whole = int(sentence.split("epoch ")[1].split(",")[0])
    assert shown[:whole] == every[:whole]
    assert shown[whole] != every[whole]
