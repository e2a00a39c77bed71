"""Sources over the network: servers that stall, break off, lie, refuse, and recover."""

import contextlib
import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.faults.groups.archives import CONTENTS, is_bundled, zipped
from tests.faults.trial import ERROR, SUCCESS, Fault, stage_trial
from tests.faults.world import World

GROUP = "servers"
ARCHIVE = zipped(CONTENTS)
PACKED = {f"/set/{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
_HTML = b"<html><body>Please log in</body></html>" * 50


@dataclass
class Exchange:
    """One request on its connection; `gets` counts the GET requests for its path so far."""

    connection: socket.socket
    server: "Server"
    method: str
    path: str
    gets: int

    def send(self, content: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(content)

    def head(self, status: str = "200 OK", **fields: object) -> None:
        """Send a status and header fields."""
        lines = [f"HTTP/1.1 {status}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def body(self, content: bytes) -> None:
        """Send a body, where one was asked for."""
        if self.method == "GET":
            self.send(content)

    def wait(self, seconds: float = 600) -> None:
        """Do nothing until the server is closed."""
        self.server.closing.wait(seconds)


Behaviour = Callable[[Exchange], None]


class Server:
    """Answers each request on a thread as `behaviour` does."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.closing = threading.Event()
        self._gets: dict[str, int] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop, and let go of all who wait."""
        self.closing.set()
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            connection.settimeout(60)
            request = b""
            while b"\r\n\r\n" not in request:
                block = connection.recv(65536)
                if not block:
                    return
                request += block
            method, path, _ = request.split(b"\r\n")[0].decode("latin-1").split(" ")
            if method == "GET":
                self._gets[path] = self._gets.get(path, 0) + 1
            self.behaviour(Exchange(connection, self, method, path, self._gets.get(path, 0)))


def sound(exchange: Exchange) -> None:
    """Serve what there is."""
    files = {"/set.zip": ARCHIVE, **PACKED}
    content = files.get(exchange.path)
    if content is None:
        exchange.head("404 Not Found", Content_Length=0)
        return
    exchange.head(Content_Length=len(content))
    exchange.body(content)


def status(line: str) -> Behaviour:
    """Answer with a status and a page of HTML."""

    def answer(exchange: Exchange) -> None:
        exchange.head(line, Content_Length=len(_HTML), Content_Type="text/html")
        exchange.body(_HTML)

    return answer


def content(body: bytes, **fields: object) -> Behaviour:
    """Answer with a body and header fields; Content-Length is the body's if not given."""

    def answer(exchange: Exchange) -> None:
        exchange.head(**{"Content_Length": len(body), **fields})
        exchange.body(body)

    return answer


def unannounced(body: bytes) -> Behaviour:
    """Answer without a length."""

    def answer(exchange: Exchange) -> None:
        exchange.head()
        exchange.body(body)

    return answer


def redirect(to: str) -> Behaviour:
    """Send on to another place; {address} is the server's own, {n} counts up."""
    count = iter(range(10**9))

    def answer(exchange: Exchange) -> None:
        place = to.format(address=exchange.server.address, n=next(count))
        exchange.head("302 Found", Location=place, Content_Length=0)

    return answer


def moved(exchange: Exchange) -> None:
    """Send on to where it really is."""
    if exchange.path == "/set.zip":
        exchange.head("302 Found", Location="/new", Content_Length=0)
    else:
        content(ARCHIVE)(exchange)


def trickle(first: bytes, pause: float) -> Behaviour:
    """Send some bytes, then one after the other, without an end."""

    def answer(exchange: Exchange) -> None:
        exchange.send(first)
        if exchange.method == "HEAD" and first.endswith(b"\r\n\r\n"):
            return
        while not exchange.server.closing.is_set():
            exchange.send(b"a")
            time.sleep(pause)

    return answer


def reset(after: int) -> Behaviour:
    """Break the connection so that the other side sees an error."""

    def answer(exchange: Exchange) -> None:
        exchange.head(Content_Length=len(ARCHIVE))
        exchange.body(ARCHIVE[:after])
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def half_then_stall(exchange: Exchange) -> None:
    """Send half of it and nothing more."""
    exchange.head(Content_Length=len(ARCHIVE))
    if exchange.method == "GET":
        exchange.send(ARCHIVE[: len(ARCHIVE) // 2])
        exchange.wait()


def endless_header(exchange: Exchange) -> None:
    """A header that does not end, sent as quickly as it is taken."""
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    while not exchange.server.closing.is_set():
        exchange.send(b"X-Field: " + b"a" * 60_000 + b"\r\n")


def endless_body(exchange: Exchange) -> None:
    """A body that does not end."""
    exchange.head()
    while exchange.method == "GET" and not exchange.server.closing.is_set():
        exchange.send(bytes(65536))


def chunks(text: bytes) -> Behaviour:
    """A chunked answer as it stands."""

    def answer(exchange: Exchange) -> None:
        exchange.head(Transfer_Encoding="chunked")
        exchange.body(text)

    return answer


def only_get(behaviour: Behaviour) -> Behaviour:
    """Refuse HEAD."""

    def answer(exchange: Exchange) -> None:
        refuse = status("405 Method Not Allowed")
        (behaviour if exchange.method == "GET" else refuse)(exchange)

    return answer


def at_first(bad: Behaviour, times: int = 1) -> Behaviour:
    """Misbehave at the first so many GET requests of each path, then recover."""

    def answer(exchange: Exchange) -> None:
        early = exchange.method == "GET" and exchange.gets <= times
        (bad if early else sound)(exchange)

    return answer


def only_for(path: str, bad: Behaviour) -> Behaviour:
    """Misbehave for one path."""
    return lambda exchange: (bad if exchange.path == path else sound)(exchange)


def given(world: World, path: str = "set.zip") -> None:
    """A server that params.yaml names as the only source."""
    if "server" not in world.kept:
        world.kept["server"] = Server(sound)
        world.aliases[world.kept["server"].address.encode()] = b"server"
    server = world.kept["server"]
    server.behaviour = sound
    world.params(
        mnist__download__sources=[f"http://{server.address}/{path}"],
        mnist__download__sha256={},
        mnist__download__timeout=1,
        mnist__download__retries=0,
        mnist__download__maximum_bytes=5_000_000,
    )


def server_of(world: World) -> Server:
    """The world's server; after a fault it is the same one, recovered."""
    return world.kept["server"]


def behave(behaviour: Behaviour, world: World, **changes: object) -> None:
    """Let the world's server misbehave."""
    server_of(world).behaviour = behaviour
    world.params(**changes)


def gone(world: World) -> None:
    """A source at whose address nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    world.params(mnist__download__sources=[f"http://127.0.0.1:{port}/set.zip"])


def encrypted_address(world: World) -> None:
    """https:// where only http:// is spoken."""
    world.params(mnist__download__sources=[f"https://{server_of(world).address}/set.zip"])


def then_bundled(behaviour: Behaviour, world: World) -> None:
    """A server that misbehaves, and the bundled set behind it."""
    source = f"http://{server_of(world).address}/set.zip"
    sources = {"mnist__download__sources": [source, "bundled:digits"]}
    behave(behaviour, world, **sources)


def faults() -> list[Fault]:
    """All faults of this kind."""
    kb = 100 * len(ARCHIVE)
    rows: list[tuple[str, Behaviour, frozenset, str]] = [
        ("stalls before its answer", lambda e: e.wait(), ERROR, "timed out"),
        ("stalls in its header", lambda e: (e.send(b"HTTP/1.1 200 OK\r\nX: "), e.wait()), ERROR,
         "timed out"),
        ("stalls at half", half_then_stall, ERROR, "timed out"),
        ("one byte a fifth of a second", trickle(
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 0.2), ERROR, "slow"),
        ("header byte by byte", trickle(b"HTTP/1.1 200 OK\r\nX: ", 0.2), ERROR, "set.zip"),
        ("endless header", endless_header, ERROR, "set.zip"),
        ("endless body", endless_body, ERROR, "maximum_bytes"),
        ("drops at half", content(ARCHIVE[: len(ARCHIVE) // 2], Content_Length=len(ARCHIVE)), ERROR,
         "set.zip"),
        ("drops at half, no length told", unannounced(ARCHIVE[: len(ARCHIVE) // 2]), ERROR, "zip"),
        ("drops at once", lambda e: None, ERROR, "set.zip"),
        ("resets at half", reset(len(ARCHIVE) // 2), ERROR, "set.zip"),
        ("announces less than it sends", content(ARCHIVE, Content_Length=1000), ERROR, "set.zip"),
        ("announces more than it sends", content(ARCHIVE, Content_Length=kb), ERROR, "set.zip"),
        ("announces 1 TB", content(ARCHIVE, Content_Length=10**12), ERROR, "maximum_bytes"),
        ("announces -5 bytes", content(ARCHIVE, Content_Length=-5), ERROR | SUCCESS, ""),
        ("announces nonsense", content(ARCHIVE, Content_Length="many"), ERROR | SUCCESS, ""),
        ("announces nothing", unannounced(ARCHIVE), SUCCESS, ""),
        ("refuses HEAD", only_get(sound), SUCCESS, ""),
        ("sends chunks", chunks(f"{len(ARCHIVE):x}\r\n".encode() + ARCHIVE + b"\r\n0\r\n\r\n"),
         SUCCESS, ""),
        ("broken chunks", chunks(b"zzz\r\nabc"), ERROR, "set.zip"),
        ("chunks without an end", chunks(b"ffff\r\nabc"), ERROR, "set.zip"),
        ("says gzip but is not", content(ARCHIVE, Content_Encoding="gzip"), ERROR, "set.zip"),
        ("bomb as Content-Encoding", content(gzip.compress(bytes(50_000_000)),
                                             Content_Encoding="gzip"), ERROR, "maximum_bytes"),
        ("HTML for a zip", content(_HTML, Content_Type="text/html"), ERROR, "zip"),
        ("nothing for a zip", content(b""), ERROR, "zip"),
        ("speaks no HTTP", lambda e: e.send(b"220 mail ready\r\n" * 50), ERROR, "set.zip"),
        ("redirects in a loop", redirect("http://{address}/set.zip"), ERROR, "redirects"),
        ("redirects without an end", redirect("/{n}"), ERROR, "redirects"),
        ("redirects to a file", redirect("file:///etc/passwd"), ERROR, "set.zip"),
        ("redirects to nonsense", redirect("http://[::1"), ERROR, "set.zip"),
        ("redirects to where it is", moved, SUCCESS, ""),
        ("200 with no archive left", status("200 OK"), ERROR, "zip"),
        ("204", status("204 No Content"), ERROR, ""),
        ("206 of a part", lambda e: (
            e.head("206 Partial Content", Content_Length=900), e.body(ARCHIVE[:900])), ERROR, ""),
        *[(str(code), status(f"{code} Refused"), ERROR, str(code))
          for code in (401, 403, 404, 410, 429, 500, 502, 503)],
    ]  # fmt: skip
    found = [fault(name, partial(behave, behaviour), may, cause)
             for name, behaviour, may, cause in rows]  # fmt: skip
    once = {"mnist__download__retries": 1}
    recovering = {
        "403": status("403 Forbidden"),
        "500": status("500 Broken"),
        "503": status("503 Busy"),
        "stall": half_then_stall,
        "drop": content(ARCHIVE[: len(ARCHIVE) // 2], Content_Length=len(ARCHIVE)),
        "reset": reset(3000),
    }
    for name, behaviour in recovering.items():
        spoil = partial(behave, at_first(behaviour), **once)
        found.append(fault(f"{name}, then recovers", spoil, SUCCESS))
    for name in ("500", "stall", "drop"):
        spoil = partial(then_bundled, recovering[name])
        found.append(fault(f"{name}, then bundled", spoil, SUCCESS, "", is_bundled))
    found.append(fault("nobody listens", gone, ERROR, "set.zip"))
    found.append(fault("https where http is spoken", encrypted_address, ERROR, "set.zip"))

    second = f"/set/{list(CONTENTS)[1]}.gz"
    parts: list[tuple[str, Behaviour, frozenset, str]] = [
        ("404 for one file", only_for(second, status("404 Not Found")), ERROR, "404"),
        ("stall at one file", only_for(second, lambda e: e.wait()), ERROR, "timed out"),
        ("HTML for one file", only_for(second, content(_HTML)), ERROR, "gz"),
        ("cut file", only_for(second, content(PACKED[second][:-9])), ERROR, "gz"),
        ("bomb for one file", only_for(second, content(gzip.compress(bytes(50_000_000)))), ERROR,
         "maximum_bytes"),
        ("each file at the second trial", at_first(status("500 Broken")), SUCCESS, ""),
    ]  # fmt: skip
    for name, behaviour, may, cause in parts:
        spoil = partial(behave, behaviour, **(once if may is SUCCESS else {}))
        found.append(fault(f"folder: {name}", spoil, may, cause, path="set/"))
    return found


def fault(name, spoil, may=ERROR, mention="", accepted=None, path="set.zip") -> Fault:
    """A fault of the only source, a server."""
    trial = stage_trial(
        "mnist",
        "download",
        spoil,
        given=partial(given, path=path),
        key=f"server-{path.strip('/')}",
        may=may,
        mention=mention,
        accepted=accepted,
    )
    return Fault(GROUP, name, trial)
