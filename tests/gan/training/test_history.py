import math

import numpy as np
import pytest

from stages.gan.common.files import read_csv
from stages.gan.training.history import History
from stages.gan.training.loop import Epoch
from stages.gan.training.step.measures import MEASURES


def add(history: History, number: int, first_step: int, steps: int) -> np.ndarray:
    """One epoch of numbers that rise; the last measure is taken in every other step."""
    rows = np.arange(steps * len(MEASURES), dtype=np.float32).reshape(steps, -1) + first_step
    rows[::2, -1] = np.nan
    for index, row in enumerate(rows):
        history.add_step(first_step + index, row)
    history.add_epoch(Epoch(number, first_step, rows))
    return rows


def test_a_row_an_epoch_and_all_steps_of_a_short_run(tmp_path):
    history = History()
    first = add(history, 1, 1, 3)
    add(history, 2, 4, 1)
    history.write(tmp_path)
    rows = read_csv(tmp_path / "history.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["steps"] for row in rows] == [3, 1]
    assert rows[0][MEASURES[0]] == first[:, 0].mean()
    assert rows[0]["diversity"] == first[1, -1]
    assert math.isnan(rows[1]["diversity"])  # was measured in none of its steps
    for name in ("history.csv", "history_steps.csv"):
        # DVC's plots draw an empty field as 0, and leave this one out.
        fields = (tmp_path / name).read_text().replace("\n", ",").split(",")[:-1]
        assert "nan" in fields
        assert "" not in fields
    steps = read_csv(tmp_path / "history_steps.csv")
    assert [row["step"] for row in steps] == [1, 2, 3, 4]
    assert history.epochs == 2


def test_the_summary_is_the_last_epochs_and_of_what_is_measured_seldom_the_last_value():
    history = History()
    first = add(history, 1, 1, 3)
    rows = add(history, 2, 4, 1)
    summary = history.summary()
    assert list(summary) == list(MEASURES)
    assert summary[MEASURES[0]] == rows[0, 0]
    assert summary["diversity"] == first[1, -1]


def test_what_is_no_number_is_none_in_the_summary():
    history = History()
    add(history, 1, 1, 1)
    history.add_step(2, np.full(len(MEASURES), np.nan, np.float32))
    history.add_epoch(Epoch(2, 2, history.recent(1)))
    assert history.summary()[MEASURES[0]] is None
    assert history.summary()["diversity"] is None


def test_long_runs_are_downsampled_by_means(tmp_path):
    history = History()
    add(history, 1, 1, 2500)
    history.write(tmp_path)
    rows = read_csv(tmp_path / "history_steps.csv")
    assert len(rows) <= 1000
    width = len(MEASURES)
    assert rows[0]["step"] == 3  # the mean of steps 1, 2 and 3
    assert rows[0][MEASURES[0]] == np.mean([1, 1 + width, 1 + 2 * width])
    assert rows[0]["diversity"] == 2 * width  # of step 2 alone
    assert rows[-1]["step"] == 2500


def test_a_run_that_goes_on_keeps_counting(tmp_path):
    history = History()
    add(history, 8, 71, 2)
    history.write(tmp_path)
    assert [row["step"] for row in read_csv(tmp_path / "history_steps.csv")] == [71, 72]
    assert (history.first_step, history.last_step) == (71, 72)


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (3, 3), (99, 5)])
def test_recent_rows(count, expected):
    history = History()
    rows = add(history, 1, 1, 5)
    np.testing.assert_array_equal(history.recent(count), rows[-expected:])
    np.testing.assert_array_equal(history.measures, rows)


def test_rows_are_kept_as_they_were():
    history = History()
    row = np.zeros(len(MEASURES), np.float32)
    history.add_step(1, row)
    row[:] = 7
    assert (history.measures == 0).all()


@pytest.mark.parametrize("unfinished", [0, 3])
def test_what_was_kept_is_taken_up_to_the_bit(tmp_path, unfinished):
    history = History()
    add(history, 1, 5, 4)
    add(history, 2, 9, 4)
    for index in range(unfinished):
        history.add_step(13 + index, np.full(len(MEASURES), 0.1 + index, np.float32))
    again = History()
    again.restore(history.state())
    assert len(again.unfinished) == unfinished
    assert again.epoch_numbers == [1, 2]
    for one in (history, again):
        add(one, 3, 13 + unfinished, 1500)  # beyond the table's first size
    np.testing.assert_array_equal(again.measures, history.measures)
    history.write(tmp_path / "a")
    again.write(tmp_path / "b")
    for name in ("history.csv", "history_steps.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert again.summary() == history.summary()


def test_nothing_is_taken_up_from_nothing():
    history = History()
    history.restore(History().state())
    assert (len(history), history.epochs, len(history.unfinished)) == (0, 0, 0)
