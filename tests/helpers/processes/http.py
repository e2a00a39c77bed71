"""A web server for tests, which answers each path as a table says: well, badly or not at all."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

# Answers one request: HEAD, if the second argument is true, and otherwise GET.
Answer = Callable[["Request", bool], None]

# No test waits longer for a client that hangs, or for a server that is to be silent.
_PATIENCE = 10.0


class Server(ThreadingHTTPServer):
    """Listens on a port of its own; `asked` are the paths of the GET requests, in order.

    `ranges` are the bytes that they asked for; None stands for all.
    """

    daemon_threads = False  # closing then waits for the answers that are under way

    def __init__(self, table: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.table = table
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.closing = threading.Event()
        self.faults: list[BaseException] = []

    @property
    def address(self) -> str:
        """The URL of the server's root, without a slash."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what an answer raised, but for clients that hang up; the traceback is printed."""
        fault = sys.exc_info()[1]
        if fault is not None and not isinstance(fault, ConnectionError):
            self.faults.append(fault)
            super().handle_error(request, client_address)


class Request(BaseHTTPRequestHandler):
    """Looks the path up in the table, without its query; 404 if it is not there."""

    server: Server
    timeout = _PATIENCE

    def log_message(self, *arguments: Any) -> None:
        pass

    @property
    def place(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self.server.asked.append(self.place)
        self.server.ranges.append(self.headers.get("Range"))
        self._answer(head=False)

    def _answer(self, head: bool) -> None:
        self.server.table.get(self.place, failing(404))(self, head)


def reply(
    body: bytes = b"", length: int | None = None, status: int = 200, **headers: str
) -> Answer:
    """An answer of that body, which announces that length, if any, be it true or not."""

    def answer(request: Request, head: bool) -> None:
        request.send_response(status)
        if length is not None:
            request.send_header("Content-Length", str(length))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        if not head:
            request.wfile.write(body)

    return answer


def content(body: bytes) -> Answer:
    """As it should be."""
    return reply(body, len(body))


def redirect(path: str) -> Answer:
    """It is elsewhere."""
    return reply(length=0, status=302, Location=path)


def failing(code: int) -> Answer:
    """An error."""
    return lambda request, head: request.send_error(code)


def announced(size: int) -> Answer:
    """The length of a body that does not come."""
    return reply(length=size)


def unannounced(body: bytes) -> Answer:
    """No Content-Length: the end of the connection is the end of the content."""
    return reply(body)


def half(body: bytes) -> Answer:
    """The connection is closed half way."""
    return reply(body[: len(body) // 2], len(body))


def silent(request: Request, head: bool) -> None:
    """No answer, until the server is closed."""
    request.server.closing.wait(_PATIENCE)


def first_then(first: Answer, then: Answer) -> Answer:
    """One answer to the first GET, another from the second on."""

    def answer(request: Request, head: bool) -> None:
        early = head or request.server.asked.count(request.place) == 1
        (first if early else then)(request, head)

    return answer


def versions(*bodies: bytes, named: str = "ETag", drops: int = 0) -> Answer:
    """A file that a good server can send from any byte on, and that changes with each request.

    Parameters
    ----------
    bodies : bytes
        The file at each GET; the last from then on.
    named : str
        How the version is named: ETag, Last-Modified or nothing.
    drops : int
        So many answers end when half of what was asked for is sent.
    """

    def answer(request: Request, head: bool) -> None:
        count = request.server.asked.count(request.place)
        body = bodies[min(count, len(bodies)) - 1]
        number = bodies.index(body)
        names = {
            "ETag": f'"v{number}"',
            "Last-Modified": f"Mon, 0{number + 1} Jan 2024 00:00:00 GMT",
        }
        name = names.get(named)
        start, asked = 0, request.headers.get("Range")
        if asked and request.headers.get("If-Range") in (None, name):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if start else 200)
        if name:
            request.send_header(named, name)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        rest = body[start:]
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        request.wfile.write(rest[: len(rest) // 2] if count <= drops else rest)

    return answer


@contextmanager
def serving(table: dict[str, Answer]) -> Iterator[Server]:
    """A server that answers meanwhile.

    What an answer raises is raised here in the end: a client would take it for a connection that
    was closed, and a test that expects that would pass for the wrong reason.
    """
    server = Server(table)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
    if server.faults:
        raise server.faults[0]


def ask_directly(patch: pytest.MonkeyPatch) -> None:
    """Have this machine's servers asked without the proxy that the environment may name."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        patch.delenv(name, raising=False)
    patch.setenv("NO_PROXY", "127.0.0.1")
