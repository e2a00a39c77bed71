import operator
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import types
from functools import partial

import psutil
import pytest

from stages.gan.data.raw.images.reader.workers import crew
from tests.helpers.data import message_of
from tests.helpers.project import ROOT


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_stand_in_the_order_of_the_pieces(count):
    with crew(count) as each:
        assert each(partial(operator.mul, 3), range(40)) == list(range(0, 120, 3))
        assert each(len, ["ab", "", "abc"]) == [2, 0, 3]
        assert each(len, []) == []


def test_slow_pieces_come_in_their_place():
    with crew(2) as each:
        seconds = [0.3, 0, 0, 0, 0.1, 0]
        programs = [f"__import__('time').sleep({s}) or {n}" for n, s in enumerate(seconds)]
        assert each(eval, programs) == list(range(6))


def test_work_is_done_in_other_processes():
    with crew(2) as each:
        done = set(each(eval, ["__import__('time').sleep(0.05) or __import__('os').getpid()"] * 20))
    assert len(done) == 2
    assert os.getpid() not in done


def test_no_more_pieces_than_two_a_process_are_taken_ahead(tmp_path):
    ahead = []

    def pieces():
        for number in range(60):
            ahead.append(number - len(list(tmp_path.iterdir())))
            yield tmp_path / str(number)

    with crew(2) as each:
        each(os.mkdir, pieces())
    assert max(ahead) <= 4


def test_large_pieces_and_results_pass():
    with crew(2) as each:
        large = [bytes([number]) * 3_000_000 for number in range(6)]
        assert each(bytes, large) == large


@pytest.mark.parametrize("count", [1, 2])
def test_what_the_work_raises_is_raised_and_says_where(count):
    with pytest.raises(ValueError, match="invalid literal") as caught, crew(count) as each:
        each(int, ["1", "2", "x", "4"])
    if count > 1:
        assert "Traceback" in str(caught.value.__cause__)


def test_trouble_with_the_disk_keeps_its_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, crew(2) as each:
        each(os.listdir, [str(tmp_path / "missing")])
    assert caught.value.filename == str(tmp_path / "missing")


def test_what_goes_wrong_with_a_piece_ends_the_processes():
    def pieces():
        yield "1"
        raise KeyError("ours")

    before = set(psutil.Process().children())
    started: set[psutil.Process] = set()
    with pytest.raises(KeyError):
        work_on(pieces(), started)
    started -= before
    assert len(started) == 2
    assert not any(is_alive(process) for process in started)


def work_on(pieces, started):
    with crew(2) as each:
        started |= set(psutil.Process().children())
        each(int, pieces)


@pytest.mark.parametrize("code", [0, 9])
def test_process_that_ends_from_outside_is_told_in_one_line(code):
    def run():
        with crew(2) as each:
            each(os._exit, [code] * 6)

    assert "ended from outside" in message_of(run)


def unknown_here(piece):  # as a worker knows no module of tests
    return piece


def test_a_piece_that_cannot_be_received_is_told_and_no_hang():
    unknown_here.__module__ = "nowhere"
    nowhere = types.ModuleType("nowhere")
    nowhere.unknown_here = unknown_here

    def run():
        with crew(2) as each:
            each(unknown_here, [1, 2, 3])

    sys.modules["nowhere"] = nowhere
    try:
        assert "ended from outside" in message_of(run)
    finally:
        del sys.modules["nowhere"]


def test_want_of_memory_while_receiving_is_told_and_no_hang():
    def run():
        with crew(2) as each:
            bound = (600 << 20, 600 << 20)
            each(partial(resource.setrlimit, resource.RLIMIT_AS), [bound] * 4)
            each(len, [bytes(900 << 20)])

    assert "perhaps memory ran out" in message_of(run)


def test_a_worker_ends_when_the_first_process_ends_in_the_midst_of_a_piece():
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from {crew.__module__} import serve; serve({theirs.fileno()})",
            ],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
    ours.sendall(struct.pack("!i", 1000) + b"x" * 10)
    time.sleep(1)
    ours.close()
    assert process.communicate(timeout=20)[1] == ""


def is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# Prints the processes' numbers when they are at work, which takes a minute.
_PROGRAM = """
import time
import psutil
from stages.command import guarded, say
from stages.gan.data.raw.images.reader.workers import crew

def main():
    with crew(2) as each:
        each(len, ["", ""])
        say(" ".join(str(child.pid) for child in psutil.Process().children()))
        each(time.sleep, [60] * 6)

if __name__ == "__main__":
    guarded(main)
"""


@pytest.mark.parametrize(
    ("number", "everyone", "code", "line"),
    [
        # Ctrl-C reaches all processes of a terminal
        (signal.SIGINT, True, 130, "error: interrupted\n"),
        (signal.SIGINT, False, 130, "error: interrupted\n"),
        (signal.SIGTERM, False, 143, "error: ended by SIGTERM\n"),
        (signal.SIGKILL, False, -signal.SIGKILL, ""),
    ],
)
def test_no_process_stays_when_the_first_is_ended(tmp_path, number, everyone, code, line):
    file = tmp_path / "program.py"
    file.write_text(_PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers_of_it = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
    assert len(workers_of_it) == 2
    (os.killpg if everyone else os.kill)(process.pid, number)
    assert process.wait(timeout=20) == code
    deadline = time.monotonic() + 20
    while any(is_alive(worker) for worker in workers_of_it) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(worker) for worker in workers_of_it)
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == line
