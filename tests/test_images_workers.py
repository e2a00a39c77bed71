import operator
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from stages.gan.formats.images.reader.workers import crew

ROOT = Path(__file__).parents[1]


def names():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("crew")]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_stand_in_the_order_of_the_pieces(count):
    with crew(count) as each:
        assert each(partial(operator.mul, 3), range(40)) == list(range(0, 120, 3))
        assert each(len, ["ab", "", "abc"]) == [2, 0, 3]
        assert each(len, []) == []


def test_slow_pieces_come_in_their_place():
    def work(piece):
        number, seconds = piece
        time.sleep(seconds)
        return number

    with crew(2) as each:
        assert each(work, enumerate([0.3, 0, 0, 0, 0.1, 0])) == list(range(6))


def test_as_many_threads_as_asked_for_work_at_once():
    meeting = threading.Barrier(3)
    with crew(3) as each:
        assert sorted(each(lambda piece: meeting.wait(timeout=60), range(3))) == [0, 1, 2]
        assert len(names()) == 3
    assert names() == []


@pytest.mark.parametrize("count", [1, 2])
def test_no_more_pieces_than_three_a_thread_are_taken_ahead(count):
    taken, done, ahead = [], [], []

    def pieces():
        for number in range(60):
            taken.append(number)
            ahead.append(len(taken) - len(done))
            yield number

    with crew(count) as each:
        each(done.append, pieces())
    assert 1 <= max(ahead) <= 3 * count + 1


def test_first_piece_that_fails_is_told_and_what_waits_is_not_begun():
    begun = []

    def work(piece):
        begun.append(piece)
        time.sleep(0.2 if piece == "x" else 0)
        return int(piece)

    with pytest.raises(ValueError, match="'x'"), crew(2) as each:
        each(work, ["1", "x", "y", *"4" * 100])
    assert len(begun) < 20
    assert names() == []


def test_what_goes_wrong_between_pieces_ends_the_threads():
    def pieces():
        yield "1"
        raise KeyError("ours")

    with pytest.raises(KeyError), crew(2) as each:
        each(int, pieces())
    assert names() == []


# Says so when its threads are at work, which takes a minute in all.
_PROGRAM = """
import time
from stages.command import guarded, say
from stages.gan.formats.images.reader.workers import crew

def work(piece):
    say("at work")
    time.sleep(0.5)

def main():
    with crew(2) as each:
        each(work, range(240))

if __name__ == "__main__":
    guarded(main)
"""


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGINT, 130, "error: interrupted\n"),
        (signal.SIGTERM, 143, "error: ended by SIGTERM\n"),
    ],
)
def test_work_ends_with_its_process(tmp_path, number, code, line):
    file = tmp_path / "program.py"
    file.write_text(_PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith("at work")
    process.send_signal(number)
    output, errors = process.communicate(timeout=40)
    assert (process.returncode, errors) == (code, line)
    assert output.count("at work") < 20
