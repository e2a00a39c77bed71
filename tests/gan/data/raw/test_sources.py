import errno
import gzip
import os
import socket
from functools import partial

import pytest

from stages.gan.common.errors import UserError
from stages.gan.data.raw import sources, transfer
from stages.gan.data.raw.sources import Limits, fetch, first_that_works, is_remote, public_name
from tests.helpers.data import message_of
from tests.helpers.processes.http import (
    announced,
    ask_directly,
    content,
    failing,
    first_then,
    half,
    redirect,
    serving,
    silent,
    unannounced,
)

LIMITS = Limits(timeout=5.0, retries=0, maximum_bytes=10_000)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    ask_directly(monkeypatch)


@pytest.fixture
def fetched(tmp_path):
    """Fetch a path from a server that answers as a table says."""

    def of(table, path, names=(), limits=LIMITS):
        with serving(table) as server:
            return fetch(server.address + path, names, tmp_path, limits)

    return of


def test_public_name_of_a_path_is_its_last_part():
    assert public_name("/home/someone/data/faces.zip") == "faces.zip"
    assert public_name("~/faces/") == "faces"


def test_public_name_of_a_url_holds_no_secrets():
    url = "https://user:password@host.org:81/a/b.zip?token=secret#part"
    assert public_name(url) == "https://host.org:81/a/b.zip"


def test_public_name_of_a_bundled_set_is_itself():
    assert public_name("bundled:digits") == "bundled:digits"


def test_public_name_of_a_malformed_url_tells_nothing():
    assert public_name("https://me:secret@[::1/x") == "https://..."


@pytest.mark.parametrize(
    ("source", "remote"),
    [
        ("http://a/b", True),
        ("HTTPS://a/b", True),
        ("http://[::1/x", True),
        ("/a/b", False),
        ("https", False),
        ("ftp://a/b", False),
        ("bundled:digits", False),
    ],
)
def test_is_remote(source, remote):
    assert is_remote(source) is remote


def taker(working):
    tried = []

    def take(source):
        tried.append(source)
        if source not in working:
            raise UserError(f"{source} is no good")

    return take, tried


def test_sources_are_tried_in_order_until_one_works():
    take, tried = taker({"c", "d"})
    found = first_that_works(["a", "b", "c", "d"], take, lambda message: None)
    assert tried == ["a", "b", "c"]
    assert found == sources.Found("c", False, ("a: a is no good", "b: b is no good"))


def test_first_source_that_works_leaves_the_others_alone():
    take, tried = taker({"a", "b"})
    assert first_that_works(["a", "b"], take, lambda message: None).failures == ()
    assert tried == ["a"]


def test_bundled_source_is_found_as_bundled():
    take, _ = taker({"bundled:digits"})
    found = first_that_works(["x", "bundled:digits"], take, lambda message: None)
    assert (found.name, found.bundled) == ("bundled:digits", True)


def test_when_all_fail_one_line_names_each():
    take, _ = taker(set())
    text = message_of(first_that_works, ["/x/a", "b"], take, lambda message: None)
    assert text == "no source gave the data: a: /x/a is no good; b: b is no good"


def test_faults_that_are_not_the_sources_are_not_hidden():
    def take(source):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        first_that_works(["a"], take, lambda message: None)


ABROAD, NEAR = "https://a.example.org/", "https://x.bj.bcebos.com/mnist/"


@pytest.mark.parametrize(
    ("language", "known", "expected"),
    [
        ("zh", True, ["/disk/a", NEAR, ABROAD, "bundled:x"]),
        ("en", True, ["/disk/a", ABROAD, NEAR, "bundled:x"]),
        ("zh", False, ["/disk/a", ABROAD, NEAR, "bundled:x"]),
    ],
)
def test_for_chinese_near_sources_come_first_where_hashes_are_known(language, known, expected):
    given = ["/disk/a", ABROAD, NEAR, "bundled:x"]
    assert sources.in_order(given, language, known) == expected


def test_the_order_of_a_malformed_url_is_no_error():
    assert sources.in_order(["http://[::1/x", NEAR], "zh", True) == [NEAR, "http://[::1/x"]


@pytest.mark.parametrize("host", ["cn", "bcebos.com.evil.org", "notcn"])
def test_a_host_is_in_china_by_the_whole_end_of_its_name(host):
    far = f"https://{host}/x.zip" if host != "cn" else "https://acn/x.zip"
    assert sources.in_order([far, NEAR], "zh", True) == [NEAR, far]


def test_each_trial_is_announced_without_secrets():
    take, _ = taker({"bundled:x"})
    said = []
    first_that_works(["https://me:pw@host/a?key=1", "/disk/a", "bundled:x"], take, said.append)
    assert said[0] == "trying https://host/a"
    assert said[2] == "trying /disk/a"
    assert said[-1] == "trying bundled:x"


def test_path_on_disk_is_used_where_it_is(tmp_path):
    file = tmp_path / "a.zip"
    file.write_bytes(b"x")
    assert fetch(str(file), (), tmp_path / "unused", LIMITS) == file


def test_path_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "here").mkdir()
    assert fetch("~/here", (), tmp_path, LIMITS) == tmp_path / "here"


def test_missing_path_is_named(tmp_path):
    text = message_of(fetch, f"{tmp_path}/no.zip", (), tmp_path, LIMITS)
    assert text == f"{tmp_path}/no.zip does not exist"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("~nobody-here/a.zip", "home directory"), ("n" * 10_000, "File name too long")],
    ids=["home of nobody", "long"],
)
def test_path_that_leads_nowhere_is_named_in_short(tmp_path, path, reason):
    text = message_of(fetch, path, (), tmp_path, LIMITS)
    assert text.startswith(path[:200])
    assert reason in text
    assert len(text) < 300


def test_archive_is_fetched(fetched):
    file = fetched({"/a/set.zip": content(b"content")}, "/a/set.zip")
    assert file.name == "set.zip"
    assert file.read_bytes() == b"content"


def test_folder_of_gz_files_is_fetched(fetched):
    table = {f"/set/{name}.gz": content(gzip.compress(name.encode())) for name in ("one", "two")}
    folder = fetched(table, "/set/", ["one", "two"])
    assert sorted(file.name for file in folder.iterdir()) == ["one.gz", "two.gz"]
    assert gzip.decompress((folder / "two.gz").read_bytes()) == b"two"


def test_folder_that_lacks_a_file_is_refused(fetched):
    table = {"/set/one.gz": content(b"x")}
    text = message_of(fetched, table, "/set/", ["one", "two"])
    assert "/set/two.gz cannot be fetched: 404" in text


@pytest.mark.parametrize("path", ["", "/a/%2e%2e", "/a/..?x"])
def test_archive_without_a_name_stays_in_its_folder(fetched, tmp_path, path):
    answers = {place: content(b"z") for place in ("/", "/a/%2e%2e", "/a/..", "/a")}
    file = fetched(answers, path)
    assert file.name == "archive"
    assert file.parent.parent == tmp_path
    assert file.read_bytes() == b"z"


@pytest.mark.parametrize("code", [403, 404, 500])
def test_http_error_is_named(fetched, code):
    text = message_of(fetched, {"/a.zip": failing(code)}, "/a.zip")
    assert f"/a.zip cannot be fetched: {code}" in text


def test_error_holds_no_secrets(tmp_path):
    with serving({}) as server:
        url = f"http://me:pass@127.0.0.1:{server.server_port}/a.zip?token=hush"
        text = message_of(fetch, url, (), tmp_path, LIMITS)
    assert "404" in text
    refused = message_of(fetch, url, (), tmp_path, LIMITS)
    for secret in ("me:", "pass", "hush"):
        assert secret not in text
        assert secret not in refused


def test_refused_connection_is_named(tmp_path):
    with serving({}) as server:
        pass
    text = message_of(fetch, f"{server.address}/a.zip", (), tmp_path, LIMITS)
    assert text.startswith(f"{server.address}/a.zip cannot be fetched: ")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("certificates", [None, "", "no certificate"])
def test_missing_certificates_are_named_and_the_next_source_is_tried(
    tmp_path, monkeypatch, variable, certificates
):
    gone = tmp_path / "gone.pem"
    if certificates is not None:
        gone.write_text(certificates)
    for name in sources._CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(gone))
    with serving({"/a.zip": content(b"abc")}) as server:
        url = f"https://127.0.0.1:{server.server_port}/a.zip"
        once_more = Limits(timeout=5.0, retries=1, maximum_bytes=10_000)
        text = message_of(fetch, url, (), tmp_path, once_more)
        found = first_that_works(
            [url, f"{server.address}/a.zip"],
            lambda source: fetch(source, (), tmp_path, LIMITS),
            lambda _: None,
        )
    assert text.startswith(f"{url} cannot be fetched: {variable} is wrong: ")
    assert (str(gone) in text) == (certificates is None)
    assert found.name == f"{server.address}/a.zip"
    assert found.failures == (f"{url}: {text}",)


def test_a_full_disk_is_not_the_sources_fault(fetched, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transfer._Part, "write", full)
    with pytest.raises(OSError, match="No space left") as caught:
        fetched({"/a.zip": content(b"abc")}, "/a.zip")
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("url", ["http://[::1/x.zip", "http:///x.zip", "http://a b/x/"])
def test_malformed_url_is_refused(tmp_path, url):
    assert message_of(fetch, url, ["one"], tmp_path, LIMITS)


def test_server_that_does_not_answer_is_given_up(fetched):
    impatient = Limits(0.2, 0, LIMITS.maximum_bytes)
    text = message_of(fetched, {"/a.zip": silent}, "/a.zip", limits=impatient)
    assert "timed out" in text.lower()


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"]
)
def test_server_that_sends_byte_by_byte_is_given_up(fetched, beginning):
    def trickle(request, head):
        request.wfile.write(beginning)
        while not request.server.closing.wait(0.05):
            request.wfile.write(b"x")
            if head and beginning.endswith(b"\r\n\r\n"):
                break

    limits = Limits(0.3, 0, LIMITS.maximum_bytes)
    text = message_of(fetched, {"/a.zip": trickle}, "/a.zip", limits=limits)
    assert "/a.zip is too slow: " in text
    assert "in 1.2 seconds" in text


def test_redirect_is_followed(fetched):
    table = {"/a.zip": redirect("/b"), "/b": content(b"moved")}
    assert fetched(table, "/a.zip").read_bytes() == b"moved"


def test_more_than_the_bound_is_refused_before_it_is_fetched(tmp_path):
    """The body never comes; waiting for it would end in another error."""
    with serving({"/a.zip": announced(10_001)}) as server:
        text = message_of(fetch, f"{server.address}/a.zip", (), tmp_path, LIMITS)
        assert server.asked == ["/a.zip"]
    assert text == (
        f"{server.address}/a.zip announces 10,001 bytes, more than download.maximum_bytes (10,000)"
    )


def test_bound_holds_behind_a_redirect(fetched):
    table = {"/a.zip": redirect("/b"), "/b": announced(10_001)}
    assert "announces 10,001 bytes" in message_of(fetched, table, "/a.zip")


def test_bound_itself_is_accepted(fetched):
    assert len(fetched({"/a.zip": content(bytes(10_000))}, "/a.zip").read_bytes()) == 10_000


def test_more_than_the_bound_is_refused_where_nothing_is_announced(fetched):
    text = message_of(fetched, {"/a.zip": unannounced(bytes(50_000))}, "/a.zip")
    assert text.endswith("/a.zip is larger than download.maximum_bytes (10,000)")


def test_content_without_a_length_is_fetched(fetched):
    assert fetched({"/a.zip": unannounced(b"abc")}, "/a.zip").read_bytes() == b"abc"


def test_connection_dropped_half_way_is_an_error(fetched, tmp_path):
    text = message_of(fetched, {"/a.zip": half(bytes(8000))}, "/a.zip")
    assert "/a.zip cannot be fetched: " in text
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_retry_recovers_from_a_dropped_connection(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    body = bytes(range(256)) * 20
    table = {"/a.zip": first_then(half(body), content(body))}
    with serving(table) as server:
        once_more = Limits(5.0, 1, LIMITS.maximum_bytes)
        assert fetch(f"{server.address}/a.zip", (), tmp_path, once_more).read_bytes() == body
        assert len(server.asked) == 2


def test_retry_recovers_from_a_busy_server(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    table = {"/a.zip": first_then(failing(503), content(b"abc"))}
    once_more = Limits(5.0, 1, LIMITS.maximum_bytes)
    with serving(table) as server:
        get = partial(fetch, f"{server.address}/a.zip", (), tmp_path)
        assert get(once_more).read_bytes() == b"abc"
        assert server.asked == ["/a.zip", "/a.zip"]


def test_a_server_without_an_address_is_asked_once(tmp_path, monkeypatch):
    def unknown(*_arguments, **_named):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    def wait(_seconds):
        pytest.fail("it is tried again")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    monkeypatch.setattr("pooch.core.time.sleep", wait)
    often = Limits(5.0, 3, LIMITS.maximum_bytes)
    with pytest.raises(UserError, match=r"a\.zip cannot be fetched: .*resol"):
        fetch("https://nowhere.invalid/a.zip", (), tmp_path, often)


def test_a_reason_of_any_length_fits_on_a_screen():
    said = []

    def refuse(source):
        raise UserError(f"{source} cannot be read: its name is too long")

    message = message_of(lambda: sources.first_that_works(["n" * 10_000], refuse, said.append))
    assert len(message) < 1000
    assert message.endswith("cannot be read: its name is too long")
    assert len(said[-1]) < 1000
