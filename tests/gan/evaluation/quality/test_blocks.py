import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.evaluation.quality.blocks import ROWS, Points, each, rows_of


def test_results_come_in_the_order_of_the_tasks():
    started = threading.Event()

    def work(task):
        if task == 0:
            started.wait(0.5)  # with one thread nobody else starts
        started.set()
        return task * 2

    assert list(each(work, range(20))) == list(range(0, 40, 2))


def test_an_error_of_a_task_is_not_lost():
    with pytest.raises(ZeroDivisionError):
        list(each(lambda task: 1 // task, [1, 0]))


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_rows_are_each_once_and_can_be_counted_in_8_bits(start, length):
    found = list(rows_of(slice(start, start + length)))
    assert [row for rows in found for row in range(rows.start, rows.stop)] == list(
        range(start, start + length)
    )
    assert all(rows.stop - rows.start <= ROWS < 256 for rows in found)


@given(st.integers(0, 1000), st.integers(1, 30), st.floats(0, 1000))
def test_distances_are_those_of_differences_and_copies_are_at_0(seed, size, offset):
    draw = np.random.default_rng(seed)
    one, other = (draw.standard_normal((12, size)) + offset for _ in range(2))
    other[3] = one[5]
    found = Points(one).squares_to(slice(2, 10), Points(other), slice(1, 12))
    expected = ((one[2:10, None] - other[None, 1:12]) ** 2).sum(axis=2)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12 * size * (offset + 5) ** 2)
    assert found[3, 2] == 0.0
