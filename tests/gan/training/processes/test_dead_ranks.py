"""Connections between ranks, played by threads of one process."""

import threading
from queue import Queue

import pytest

from stages.gan.training.processes import dead_ranks as module
from stages.gan.training.processes.dead_ranks import connections
from stages.gan.training.ranks.group import ALONE, Group
from tests.helpers.data import message_of


class _Link:
    """What a rank says reaches the others by a queue each."""

    def __init__(self, queues: list[Queue]) -> None:
        self.queues = queues
        self.is_over = False

    def numbers(self, *values: int) -> tuple[int, ...]:
        for queue in self.queues:
            queue.put(values)
        return values


class _Hearing(_Link):
    def numbers(self, *values: int) -> tuple[int, ...]:
        (queue,) = self.queues
        told = queue.get(timeout=30)
        assert len(told) == len(values)
        return told


class Rank(threading.Thread):
    """One rank: it enters the block, and leaves it when it is let go."""

    def __init__(self, rank: int, queues: list[Queue]) -> None:
        super().__init__(daemon=True)
        size = len(queues) + 1
        self.group = Group(rank, size)
        self.link = _Hearing([queues[rank - 1]]) if rank else _Link(queues)
        self.lost: Queue = Queue()
        self.inside, self.go = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with connections(self.group, self.link, "127.0.0.1", self.lost.put):
                self.inside.set()
                self.go.wait(30)
                if self.error:
                    raise self.error
        except ZeroDivisionError:
            pass


@pytest.fixture
def three():
    queues: list[Queue] = [Queue(), Queue()]
    found = [Rank(number, queues) for number in range(3)]
    for rank in found:
        assert rank.inside.wait(30)
    yield found
    for rank in found:
        rank.go.set()
        rank.join(30)


def leave(rank: Rank, error: Exception | None = None) -> None:
    rank.error = error
    rank.go.set()
    rank.join(30)
    assert not rank.is_alive()


def test_who_comes_to_its_end_says_so(three):
    three[1].go.set()
    three[1].join(0.2)
    assert three[1].is_alive()  # it stays until rank 0 leaves
    for rank in three:
        leave(rank)
    assert all(rank.lost.empty() for rank in three)


@pytest.mark.parametrize(("gone", "who"), [(1, [0]), (0, [1, 2])])
def test_a_rank_that_ends_before_its_time_is_noticed(three, gone, who):
    leave(three[gone], ZeroDivisionError())
    for rank in who:
        message = three[rank].lost.get(timeout=30)
        assert message.startswith(f"rank {gone} of 3 ended before its time")
        assert "the same command resumes" in message


def test_an_end_that_all_agreed_on_is_none_before_its_time(three):
    for rank in three:
        rank.link.is_over = True
        leave(rank, ZeroDivisionError())
    assert all(rank.lost.empty() for rank in three)


def test_who_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.1)
    queue: Queue = Queue()

    def enter() -> None:
        with connections(Group(0, 2), _Link([queue]), "127.0.0.1"):
            pass

    message = message_of(enter)
    assert (
        "rank 0 waits at 127.0.0.1 for connections of the 1 other ranks, but has only 0" in message
    )


def test_alone_there_is_nobody():
    with connections(ALONE, _Link([]), ""):
        pass
