"""Worker processes that share the decoding of images among all cores.

Processes are faster than threads here. A quarter of an image's time is spent in Python, where
only one thread can run, and waiting for Python's lock costs more time. For 70,171 faces two
threads took 25 s, two processes 16.
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
from stages.gan.common.language import _

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Each = Callable[[Callable[[Piece], Result], Iterable[Piece]], list[Result]]

# The piece that a worker works on and the next one, so that it never waits.
_PIECES_AT_ONCE = 2


@contextmanager
def crew(count: int) -> Iterator[Each[Any, Any]]:
    """Start `count` processes, which end with the block; with 1, this process does the work.

    On Windows this process does all the work: it cannot pass a socket to another as here.

    Yields
    ------
    each : callable
        each(work, pieces) is a list of work(piece) in the order of the pieces. `work`, pieces and
        results must be picklable. At most two pieces per process are taken ahead, so memory does
        not grow with their number. Exceptions of `work` are raised here.

    Notes
    -----
    The workers ignore Ctrl-C: this process ends them. If this process is killed, each worker ends
    when it finds its connection closed.
    """
    if count <= 1 or os.name == "nt":
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
    """Start a worker that reads from the file descriptor `number`.

    It is a new process, not a fork, because other libraries' threads do not survive a fork.
    multiprocessing is not used: it would import the main module, which doubles the start time.
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
    except (EOFError, OSError):  # also in the middle of a message
        raise UserError(
            _("a process that shared the work was ended from outside; perhaps memory ran out")
        ) from None


def serve(number: int) -> None:
    """The worker's main loop: receive pieces, work, answer, until the connection is closed."""
    line = connection.Connection(number)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def receive() -> None:
        # When this thread ends, the process must end: it would wait for pieces for ever.
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
            answer = None, error, traceback.format_exc()  # pickling would lose the traceback
        try:
            line.send(answer)
        except ConnectionError:
            return
