"""HTTP requests: a whole reply in bounded time, or an error in one sentence."""

from __future__ import annotations

import gzip
import time

import pytest

from stellar_core.errors import ArchiveError, StorageError
from stellar_core.network.http import Reply, _retry_after, download, send, within
from stellar_core.network.retries import TransientError, UnreachableError
from tests.standin import Fault, Faults, server


def test_a_reply_comes_whole_with_its_status(sdss):
    sdss.replies["/sas/file"] = (200, "Application/FITS; charset=x", b"content")
    reply = send(f"{sdss.sas}/file", timeout=3.0, limit=100)
    assert (reply.status, reply.content_type, reply.body) == (200, "application/fits", b"content")
    assert send(f"{sdss.sas}/nothing", timeout=3.0, limit=100).status == 404


def test_replies_that_are_too_large_are_cut_off(sdss):
    sdss.replies["/sas/file"] = (200, "text/plain", b"x" * 5_000_000)
    with pytest.raises(ArchiveError, match="larger than 1 MB") as caught:
        send(f"{sdss.sas}/file", timeout=3.0, limit=1_000_000)
    assert not isinstance(caught.value, TransientError)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.TRUNCATED, "broke off .IncompleteRead"),
        (Fault.RESET, "broke off"),
        (Fault.STALL, "did not answer within 0.4 s"),
    ],
)
def test_broken_replies_are_transient(sdss, fault, words):
    sdss.replies["/sas/file"] = (200, "text/plain", b"x" * 100_000)
    sdss.faults = Faults(1.0, 2, (fault,))
    start = time.monotonic()
    with pytest.raises(TransientError, match=words):
        send(f"{sdss.sas}/file", timeout=0.4, limit=1_000_000)
    assert time.monotonic() - start < 5


def test_no_connection_is_an_unreachable_error():
    with pytest.raises(UnreachableError, match="127.0.0.1:1 cannot be reached"):
        send("http://127.0.0.1:1/file", timeout=2.0, limit=100)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "", "nonsense"])
def test_only_http_addresses_are_accepted(url):
    with pytest.raises(ArchiveError, match="not an http or https"):
        send(url, timeout=1.0, limit=100)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_statuses(status):
    with pytest.raises(TransientError, match=f"host.org is busy or out of service .status {status}") as caught:
        Reply("http://host.org/a", status, "", b"", 7.0).raise_for_status()
    assert caught.value.wait == 7.0


@pytest.mark.parametrize("status", [301, 400, 403, 418])
def test_permanent_statuses(status):
    with pytest.raises(ArchiveError, match="refused the request") as caught:
        Reply("http://host.org/a", status, "", b"").raise_for_status()
    assert not isinstance(caught.value, TransientError)


def test_retry_after():
    assert [
        _retry_after(text) for text in ("30", "0.5", None, "", "-3", "inf", "nan", "Fri, 31 Dec 2027 23:59:59 GMT")
    ] == [30, 0.5] + [0] * 6


def test_within_returns_the_result_or_times_out():
    assert within(lambda: 5, 2.0) == 5
    with pytest.raises(TimeoutError):
        within(lambda: time.sleep(5), 0.05)
    with pytest.raises(ZeroDivisionError):
        within(lambda: 1 / 0, 2.0)


def test_a_token_does_not_follow_a_redirect_to_another_host():
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    seen = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("X-Auth-Token")))
            self.send_response(302 if self.path == "/asked" else 200)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        reply = send(
            f"http://127.0.0.1:{server.server_port}/asked", timeout=5.0, limit=100, headers={"X-Auth-Token": "secret"}
        )
    finally:
        server.shutdown()
        server.server_close()
    assert reply.status == 200 and seen == [("/asked", "secret"), ("/elsewhere", None)]


def packed(body: bytes) -> bytes:
    """The same bytes whatever the time: names of tests are made of them."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (packed(b"SIMPLE" * 100), b"SIMPLE" * 100),
        (packed(b"SIMPLE" * 50) + packed(b"SIMPLE" * 50), b"SIMPLE" * 100),
        (packed(b"0" * 5_000_000), "larger than 1 MB"),
        (packed(b"0" * 900_000) * 2, "larger than 1 MB"),
        (packed(b"SIMPLE") + packed(b"SIMPLE" * 100)[:-9], "broke off"),
        (packed(b"SIMPLE" * 100)[:-9], "broke off"),
        (b"no gzip", "broke off"),
    ],
    ids=["one", "two members", "too large", "two too large", "second cut", "cut", "none"],
)
def test_replies_compressed_by_a_proxy_are_decompressed_within_the_limit(sdss, monkeypatch, body, outcome):
    sdss.replies["/sas/file"] = (200, "application/fits", body)
    honest = server._Handler.end_headers
    monkeypatch.setattr(
        server._Handler, "end_headers", lambda self: self.send_header("Content-Encoding", "gzip") or honest(self)
    )
    if isinstance(outcome, bytes):
        assert send(f"{sdss.sas}/file", timeout=3.0, limit=1_000_000).body == outcome
    else:
        with pytest.raises(ArchiveError, match=outcome):
            send(f"{sdss.sas}/file", timeout=3.0, limit=1_000_000)


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_declared_as_compressed_keeps_its_status(sdss, monkeypatch, status):
    sdss.replies["/sas/file"] = (status, "text/html", b"no gzip")
    honest = server._Handler.end_headers
    monkeypatch.setattr(
        server._Handler, "end_headers", lambda self: self.send_header("Content-Encoding", "gzip") or honest(self)
    )
    assert send(f"{sdss.sas}/file", timeout=3.0, limit=100).status == status


@pytest.mark.parametrize("url", ["http://[::1", "http://a..b/file"])
def test_invalid_host_names_give_one_sentence(url):
    with pytest.raises(ArchiveError) as caught:
        send(url, timeout=2.0, limit=100)
    assert "\n" not in str(caught.value)


def test_a_download_names_the_file_where_the_disk_fails(sdss, tmp_path):
    sdss.replies["/sas/file"] = (200, "text/plain", b"x" * 1000)
    download(f"{sdss.sas}/file", tmp_path / "file", timeout=3.0)
    assert (tmp_path / "file").stat().st_size == 1000
    with pytest.raises(StorageError, match="cannot be written"):
        download(f"{sdss.sas}/file", tmp_path / "no folder" / "file", timeout=3.0)
