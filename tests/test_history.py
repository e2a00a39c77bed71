import numpy as np

from stages.gan.files import read_csv
from stages.gan.history import History
from stages.gan.training import MEASURES, Epoch


def epoch(number: int, first_step: int, steps: int) -> Epoch:
    measures = np.arange(steps * 4, dtype=np.float32).reshape(steps, 4) + first_step
    return Epoch(number, first_step, measures)


def test_a_row_an_epoch_and_all_steps_of_a_short_run(tmp_path):
    history = History()
    history.add(epoch(1, 1, 3))
    history.add(epoch(2, 4, 2))
    history.write(tmp_path)
    rows = read_csv(tmp_path / "history.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["steps"] for row in rows] == [3, 2]
    assert rows[1][MEASURES[0]] == history.last(MEASURES[0]) == 6.0
    steps = read_csv(tmp_path / "history_steps.csv")
    assert [row["step"] for row in steps] == [1, 2, 3, 4, 5]
    assert history.epochs == 2


def test_long_runs_are_downsampled_by_means(tmp_path):
    history = History()
    history.add(epoch(1, 1, 2500))
    history.write(tmp_path)
    rows = read_csv(tmp_path / "history_steps.csv")
    assert len(rows) <= 1000
    assert rows[0]["step"] == 3  # the mean of steps 1, 2 and 3
    assert rows[0][MEASURES[0]] == np.mean([1, 5, 9])
    assert rows[-1]["step"] == 2500


def test_a_run_that_goes_on_keeps_counting(tmp_path):
    history = History()
    history.add(epoch(8, 71, 2))
    history.write(tmp_path)
    assert [row["step"] for row in read_csv(tmp_path / "history_steps.csv")] == [71, 72]
