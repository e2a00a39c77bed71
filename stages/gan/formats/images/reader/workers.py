"""Threads that share out work among all cores.

Threads and not processes: decoding, resizing and writing run outside of Python's lock, threads
have nothing to start and nothing to send, and they end with their process.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Each = Callable[[Callable[[Piece], Result], Iterable[Piece]], list[Result]]

# One that a thread works on and two for it to go on with, while the first piece of all is slow.
_PIECES_AT_ONCE = 3


@contextmanager
def crew(count: int) -> Iterator[Each[Any, Any]]:
    """Start `count` threads, which end with the block.

    Yields
    ------
    each : callable
        each(work, pieces) is a list of work(piece) in the order of the pieces. No more pieces
        than three a thread are taken ahead, so memory does not grow with their number. What
        `work` raises is raised, that of the first piece first, and what waits is not begun.
    """
    pool = ThreadPoolExecutor(count, "crew")

    def each(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
        owed: deque[Future[Result]] = deque()
        results = []
        for piece in pieces:
            if len(owed) == _PIECES_AT_ONCE * count:
                results.append(owed.popleft().result())
            owed.append(pool.submit(work, piece))
        return [*results, *(future.result() for future in owed)]

    try:
        yield each
    finally:
        pool.shutdown(cancel_futures=True)
