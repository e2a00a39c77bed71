import functools
import gzip
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from stages.gan.common.locks import lock
from stages.gan.data.raw import transfer
from stages.gan.data.raw.sources import fetch
from stages.gan.data.raw.transfer import Limits
from tests.helpers.data import message_of
from tests.helpers.processes.http import (
    Request,
    ask_directly,
    content,
    first_then,
    half,
    reply,
    serving,
    versions,
)

BODY = bytes(range(256)) * 40
OTHER = bytes(reversed(range(256))) * 40
LIMITS = Limits(timeout=5.0, retries=0, maximum_bytes=100_000)


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    ask_directly(monkeypatch)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)


@pytest.fixture
def fetched(tmp_path):
    """Fetch /a.zip of a server, into a new folder each time; what arrived stays in one folder."""

    def of(server, limits=LIMITS):
        return fetch(
            f"{server.address}/a.zip", (), tmp_path, limits, tmp_path / "begun"
        ).read_bytes()

    return of


@pytest.fixture
def kept(tmp_path):
    """The files of what has arrived, by name."""

    def of():
        return {f.name: f for f in (tmp_path / "begun").rglob("*") if f.is_file()}

    return of


def dropped(fetched, server):
    """Fetch in vain."""
    text = message_of(fetched, server)
    assert "/a.zip cannot be fetched: " in text
    return text


@pytest.mark.parametrize("named", ["ETag", "Last-Modified"])
def test_the_next_try_asks_for_the_rest_alone(fetched, kept, named):
    with serving({"/a.zip": versions(BODY, named=named, drops=1)}) as server:
        dropped(fetched, server)
        assert kept()["part"].read_bytes() == BODY[:5120]
        assert fetched(server) == BODY
        assert server.ranges == [None, "bytes=5120-"]
    assert not kept()


def test_a_retry_goes_on_too_however_often_the_server_drops(fetched):
    with serving({"/a.zip": versions(BODY, drops=6)}) as server:
        assert fetched(server, Limits(5.0, 6, 100_000)) == BODY
        starts = [int(asked.strip("bytes=-")) for asked in server.ranges[1:]]
        assert starts == [5120, 7680, 8960, 9600, 9920, 10080]


@pytest.mark.parametrize("named", ["ETag", "Last-Modified"])
def test_a_file_that_has_changed_is_fetched_from_its_beginning(fetched, named):
    with serving({"/a.zip": versions(BODY, OTHER, named=named, drops=1)}) as server:
        dropped(fetched, server)
        assert fetched(server) == OTHER
        assert server.ranges == [None, "bytes=5120-"]


def test_a_server_that_knows_no_ranges_sends_it_all(fetched):
    whole = reply(BODY, len(BODY), ETag='"v0"')
    table = {"/a.zip": first_then(reply(BODY[:99], len(BODY), ETag='"v0"'), whole)}
    with serving(table) as server:
        dropped(fetched, server)
        assert fetched(server) == BODY
        assert server.ranges == [None, "bytes=99-"]


def test_a_range_that_is_refused_is_not_asked_for_again(fetched):
    """416: the file is now shorter than what has arrived."""

    def answer(request: Request, head: bool) -> None:
        if "Range" in request.headers:
            reply(status=416, length=0, Content_Range="bytes */50")(request, head)
        elif len(request.server.asked) == 1:
            reply(BODY[:99], len(BODY), ETag='"v0"')(request, head)
        else:
            reply(OTHER[:50], 50, ETag='"v1"')(request, head)

    with serving({"/a.zip": answer}) as server:
        dropped(fetched, server)
        assert fetched(server) == OTHER[:50]
        assert server.ranges == [None, "bytes=99-", None]


WRONG = {
    "of another version": {"ETag": '"v1"', "Content_Range": "bytes 99-10239/10240"},
    "of no version": {"Content_Range": "bytes 99-10239/10240"},
    "from an earlier byte": {"ETag": '"v0"', "Content_Range": "bytes 64-10239/10240"},
    "of another length": {"ETag": '"v0"', "Content_Range": "bytes 99-10240/10241"},
    "not to its end": {"ETag": '"v0"', "Content_Range": "bytes 99-200/10240"},
    "unsaid": {"ETag": '"v0"'},
    "nonsense": {"ETag": '"v0"', "Content_Range": "bytes ?"},
    "packed": {
        "ETag": '"v0"', "Content_Range": "bytes 99-10239/10240", "Content_Encoding": "identity"
    },
}  # fmt: skip


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
def test_a_rest_that_does_not_fit_is_never_glued_on(fetched, headers):
    def answer(request: Request, head: bool) -> None:
        if "Range" in request.headers:
            reply(OTHER[99:], len(OTHER) - 99, status=206, **headers)(request, head)
        elif len(request.server.asked) == 1:
            reply(BODY[:99], len(BODY), ETag='"v0"')(request, head)
        else:
            content(OTHER)(request, head)

    with serving({"/a.zip": answer}) as server:
        dropped(fetched, server)
        assert fetched(server) == OTHER
        assert server.ranges == [None, "bytes=99-", None]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": 'W/"weak"'},
        {"Last_Modified": "yesterday"},
        {"Last_Modified": "Fri, 01 Jan 2999 00:00:00 GMT"},
    ],
    ids=["nothing", "a weak tag", "no time", "the future"],
)
def test_what_has_no_name_of_its_version_begins_again(fetched, kept, headers):
    cut = reply(BODY[:99], len(BODY), **headers)
    with serving({"/a.zip": first_then(cut, content(OTHER))}) as server:
        dropped(fetched, server)
        assert not kept()
        assert fetched(server) == OTHER
        assert server.ranges == [None, None]


@pytest.mark.parametrize("about", ["", "[]", "{}", '{"version": 1, "bytes": "x"}', "\0"])
def test_what_is_known_of_a_part_may_be_damaged(fetched, kept, about):
    with serving({"/a.zip": versions(BODY, drops=1)}) as server:
        dropped(fetched, server)
        kept()["about.json"].write_text(about)
        assert fetched(server) == BODY
        assert server.ranges == [None, None]


def test_a_part_that_is_longer_than_the_file_is_thrown_away(fetched, kept):
    with serving({"/a.zip": versions(BODY, drops=1)}) as server:
        dropped(fetched, server)
        kept()["part"].write_bytes(BODY * 2)
        assert fetched(server) == BODY
        assert server.ranges == [None, None]


def test_an_error_in_between_loses_nothing(fetched):
    good = versions(BODY, drops=1)

    def answer(request: Request, head: bool) -> None:
        if len(request.server.asked) == 2:
            request.send_error(503)
        else:
            good(request, head)

    with serving({"/a.zip": answer}) as server:
        dropped(fetched, server)
        assert "503" in dropped(fetched, server)
        assert fetched(server) == BODY
        assert server.ranges == [None, "bytes=5120-", "bytes=5120-"]


def test_the_bound_counts_what_had_arrived_before(fetched, kept):
    with serving({"/a.zip": versions(BODY, drops=1)}) as server:
        dropped(fetched, server)
        small = Limits(5.0, 0, 6000)
        text = message_of(fetched, server, small)
        assert text.endswith("/a.zip is larger than download.maximum_bytes (6,000)")


def test_one_that_another_process_fetches_is_fetched_apart(fetched, kept, tmp_path):
    with serving({"/a.zip": versions(BODY, drops=1)}) as server:
        dropped(fetched, server)
        with lock(kept()["about.json"].with_name("held"), "the download"):
            assert fetched(server) == BODY
        assert server.ranges == [None, None]
        assert kept()["part"].read_bytes() == BODY[:5120]


def test_what_has_arrived_can_be_cleared_unless_it_is_being_fetched(fetched, kept, tmp_path):
    assert transfer.clear(tmp_path / "begun") == 0
    with serving({"/a.zip": versions(BODY, drops=2)}) as server:
        dropped(fetched, server)
        about = len(kept()["about.json"].read_bytes())
        with lock(kept()["about.json"].with_name("held"), "the download"):
            assert transfer.clear(tmp_path / "begun") == 0
        assert transfer.clear(tmp_path / "begun") == 5120 + about
    assert not list((tmp_path / "begun").iterdir())


def test_nothing_is_kept_where_no_folder_is_given(tmp_path):
    with serving({"/a.zip": first_then(half(BODY), content(BODY))}) as server:
        get = functools.partial(fetch, f"{server.address}/a.zip", (), tmp_path, LIMITS)
        message_of(get)
        assert not [file for file in tmp_path.rglob("*") if file.is_file()]
        assert get().read_bytes() == BODY


KILLED = """
import sys
from pathlib import Path
from stages.gan.data.raw.sources import fetch
from stages.gan.data.raw.transfer import Limits
scratch = Path(sys.argv[2])
fetch(sys.argv[1], (), scratch, Limits(60.0, 0, 100_000_000), scratch / "begun")
"""


def test_after_kill_9_the_next_process_goes_on(fetched, kept, tmp_path):
    """The server sends two thirds, then waits; the process is killed while it waits."""
    body = BODY * 300

    def answer(request: Request, head: bool) -> None:
        if "Range" in request.headers:
            versions(body)(request, head)
            return
        request.send_response(200)
        request.send_header("ETag", '"v0"')
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:2_000_000])
        request.server.closing.wait(10)

    with serving({"/a.zip": answer}) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, f"{server.address}/a.zip", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        end = time.monotonic() + 60
        while not ("part" in kept() and kept()["part"].stat().st_size > 1_000_000):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        arrived = kept()["part"].stat().st_size
        assert json.loads(kept()["about.json"].read_text()) == {
            "version": '"v0"',
            "bytes": len(body),
        }
        server.closing.set()
        assert fetched(server, Limits(5.0, 0, 100_000_000)) == body
        assert server.ranges == [None, f"bytes={arrived}-"]
    assert not kept()


@pytest.mark.parametrize("packed", [False, True], ids=["in pieces", "in pieces and packed"])
def test_a_body_without_a_length_may_come_in_pieces(fetched, packed):
    """A server that packs it against our wish gives the same bytes."""
    body = gzip.compress(BODY) if packed else BODY

    def answer(request: Request, head: bool) -> None:
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.send_header("Connection", "close")
        if packed:
            request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        for piece in (body[:20], body[20:90], body[90:], b""):
            request.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    with serving({"/a.zip": answer}) as server:
        assert fetched(server) == BODY
