"""Notices at once when another rank has ended, on any host.

MindSpore's exchanges wait for a rank that is gone until they time out. Here rank 0 holds a
connection to every other rank. Nothing is sent over it before the end. However a process ends,
its operating system closes the connection, and the reader at the other end notices.
"""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address

from stages.gan.common.errors import UserError
from stages.gan.common.language import ERROR, _, translated
from stages.gan.training.ranks.exchange import Link
from stages.gan.training.ranks.group import Group

_GOOD_BYE = b"."
_PATIENCE = 60.0


@contextmanager
def connections(
    group: Group, link: Link, meeting_point: str, on_loss: Callable[[str], None] | None = None
) -> Iterator[None]:
    """While the block runs, end this process if another rank's process ends before its block.

    All ranks enter the block together. A rank that finishes waits until rank 0 has finished too:
    if a rank left earlier and failed while leaving, msrun would end rank 0 as well. An error in
    the block counts as an early end, unless the ranks have agreed to end.

    Parameters
    ----------
    group : Group
    link : Link
    meeting_point : str
        Address of the scheduler, which all hosts reach. Rank 0 listens at its own address on the
        route to the scheduler.
    on_loss : callable
        Called in a separate thread with a message. By default the message is printed as an error,
        and the process ends with exit code 1 even if its main thread waits.
    """
    if group.is_alone:
        yield
        return
    lines = _as_first(group, link, meeting_point) if group.leads else _as_other(group, link)
    over, told = threading.Event(), threading.Event()
    for rank, line in lines.items():
        threading.Thread(
            target=_read,
            args=(line, rank, group, over, told, on_loss or _end),
            daemon=True,
            name=f"lifeline-{rank}",
        ).start()
    agreed = False
    try:
        yield
        agreed = True
        if not group.leads:
            told.wait()
    finally:
        over.set()
        for line in lines.values():
            with suppress(OSError):  # the other end is gone too
                if agreed or link.is_over:
                    line.sendall(_GOOD_BYE)
                line.shutdown(socket.SHUT_RDWR)  # which wakes this rank's own reader
            line.close()


def _as_first(group: Group, link: Link, meeting_point: str) -> dict[int, socket.socket]:
    family, *_between, place = socket.getaddrinfo(meeting_point, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:  # sends nothing
        probe.connect(place)
        address = probe.getsockname()[0]
    secret = os.urandom(16)
    with socket.create_server((address, 0), family=family, backlog=group.size) as server:
        server.settimeout(_PATIENCE)
        packed = ip_address(address).packed
        link.numbers(len(packed), *packed.ljust(16, b"\0"), server.getsockname()[1], *secret)
        lines: dict[int, socket.socket] = {}
        while len(lines) < group.size - 1:
            try:
                line, _address = server.accept()
                line.settimeout(_PATIENCE)
                told = line.recv(20, socket.MSG_WAITALL)
            except OSError as error:
                raise UserError(
                    _(
                        "rank 0 waits at {address} for connections of the {others} other "
                        "ranks, but has only {count}: {error}; is a firewall between the "
                        "hosts?"
                    ).format(address=address, others=group.size - 1, count=len(lines), error=error)
                ) from None
            if told[:16] != secret:
                line.close()  # somebody else
                continue
            line.settimeout(None)
            lines[int.from_bytes(told[16:], "big")] = line
    return lines


def _as_other(group: Group, link: Link) -> dict[int, socket.socket]:
    length, *told = link.numbers(*[0] * 34)
    address = str(ip_address(bytes(told[:length])))
    port, secret = told[16], bytes(told[17:])
    try:
        line = socket.create_connection((address, port), _PATIENCE)
        line.sendall(secret + group.rank.to_bytes(4, "big"))
    except OSError as error:
        raise UserError(
            _(
                "rank {rank} cannot connect to rank 0 at {address}, port {port}: {error}; "
                "is a firewall between the hosts?"
            ).format(rank=group.rank, address=address, port=port, error=error)
        ) from None
    line.settimeout(None)
    return {0: line}


def _read(
    line: socket.socket,
    rank: int,
    group: Group,
    over: threading.Event,
    told: threading.Event,
    on_loss: Callable[[str], None],
) -> None:
    try:
        word = line.recv(1)
    except OSError:
        word = b""
    if word != _GOOD_BYE and not over.is_set():
        on_loss(loss_of(rank, group.size))
    told.set()


def loss_of(rank: int, size: int) -> str:
    """The message about a rank that is gone; `job` tells by it that another rank has the reason."""
    return _(
        "rank {rank} of {size} ended before its time: it was killed, ran out of memory, or failed "
        "as its own log says; the same command resumes from the last saved state"
    ).format(rank=rank, size=size)


def _end(message: str) -> None:
    print(translated(ERROR).format(message=message), file=sys.stderr, flush=True)
    os._exit(1)
