"""Processes that share out work among all cores.

Processes and not threads: a quarter of the time that an image takes is Python's own, which
threads cannot share, and waiting for each other at its lock costs them processor time: two
threads took 25 s for 70,171 faces, two processes 16.
"""

import functools
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any, TypeVar

from stages.gan.common.errors import UserError

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Each = Callable[[Callable[[Piece], Result], Iterable[Piece]], list[Result]]

# One that a worker works on and one that it has in hand, so that it never waits for the next.
_PIECES_AT_ONCE = 2


@contextmanager
def crew(count: int) -> Iterator[Each[Any, Any]]:
    """Start `count` processes, which end with the block; with one, all is done in this process.

    Yields
    ------
    each : callable
        each(work, pieces) is a list of work(piece) in the order of the pieces. `work`, pieces and
        results must be picklable. No more pieces than two a process are taken ahead, so memory
        does not grow with their number. What `work` raises is raised.

    Notes
    -----
    They hear no Ctrl-C: this process ends them. Where it is killed itself, each of them ends when
    it finds the line to it closed.
    """
    if count <= 1:
        yield lambda work, pieces: [work(piece) for piece in pieces]
        return
    lines: list[connection.Connection] = []
    processes: list[subprocess.Popen[bytes]] = []
    try:
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(count):
                ours, theirs = socket.socketpair()
                lines.append(connection.Connection(ours.detach()))
                with theirs:
                    processes.append(_start(theirs.fileno()))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        yield functools.partial(_share_out, lines)
    finally:
        for line in lines:
            line.close()
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _start(number: int) -> subprocess.Popen[bytes]:
    """Start a worker that listens to the open file of that number.

    Anew and not forked, as other libraries' threads do not survive a fork. Not by
    multiprocessing, which would import the main module in it: that takes as long as all else.
    """
    return subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve({number})"],
        pass_fds=[number],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _share_out(
    lines: list[connection.Connection],
    work: Callable[[Piece], Result],
    pieces: Iterable[Piece],
) -> list[Result]:
    owed: dict[connection.Connection, list[int]] = {line: [] for line in lines}
    results: dict[int, Result] = {}

    def collect() -> None:
        for line in connection.wait([line for line in lines if owed[line]]):
            assert isinstance(line, connection.Connection)
            with _ended_from_outside():
                result, error, origin = line.recv()
            if error is not None:
                raise error from RuntimeError(origin)
            results[owed[line].pop(0)] = result

    for number, piece in enumerate(pieces):
        while all(len(numbers) == _PIECES_AT_ONCE for numbers in owed.values()):
            collect()
        line = min(lines, key=lambda line: len(owed[line]))
        with _ended_from_outside():
            line.send((work, piece))
        owed[line].append(number)
    while any(owed.values()):
        collect()
    return [results[number] for number in range(len(results))]


@contextmanager
def _ended_from_outside() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError):  # also in the midst of a message
        raise UserError(
            "a process that shared the work was ended from outside, perhaps for want of memory"
        ) from None


def serve(number: int) -> None:
    """What a worker does: receive pieces ahead, work, answer, until the line is closed."""
    line = connection.Connection(number)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def receive() -> None:
        # However it ends, the process does: without pieces it would wait for ever.
        try:
            while True:
                tasks.put(line.recv())
        except (EOFError, OSError, MemoryError):
            pass
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        work, piece = tasks.get()
        answer: tuple[Any, Exception | None, str]
        try:
            answer = work(piece), None, ""
        except Exception as error:
            answer = None, error, traceback.format_exc()  # which pickling would lose
        try:
            line.send(answer)
        except ConnectionError:
            return
