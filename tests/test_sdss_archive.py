"""The archive client against a server on this machine."""

from __future__ import annotations

import http.server
import io
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import fits

from stellar_core.errors import ArchiveError, IdentifierError
from stellar_core.sdss import archive
from stellar_core.sdss.archive import fetch_spectrum, plate_mjds
from stellar_core.sdss.star import StarId

STAR = StarId(266, 51602, 31, "103")
UNSURE = StarId.of(266, 51602, 31)


def spec_file(plate: int = 266, mjd: int = 51602, fiber: int = 31) -> bytes:
    loglam = 3.58 + 1e-4 * np.arange(3842)
    columns = [
        fits.Column(name="flux", format="E", array=5 + np.sin(np.arange(3842) / 9)),
        fits.Column(name="loglam", format="E", array=loglam),
        fits.Column(name="ivar", format="E", array=np.ones(3842)),
    ]
    primary = fits.PrimaryHDU()
    primary.header.update(PLATEID=plate, MJD=mjd, FIBERID=fiber)
    buffer = io.BytesIO()
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns, name="COADD")]).writeto(buffer)
    return buffer.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Answers by path from ``answers``: (status, body, declared length or None, seconds to wait)."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes, int | None, float]] = {}
        self.default = (404, b"<html>not found</html>", None, 0.0)
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def serve(self, star: StarId, run2d: str, body: bytes, *, status: int = 200, length: int | None = None, wait: float = 0):
        self.answers["/" + star.file_path(run2d)] = (status, body, length, wait)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, body, length, wait = self.server.answers.get(self.path, self.server.default)
        time.sleep(wait)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        try:
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            # The client has hung up, as some tests want.
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def cached(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_spectrum_is_fetched_once_and_then_kept(server, tmp_path):
    server.serve(STAR, "103", spec_file())
    first = fetch_spectrum(STAR, tmp_path, sas_url=server.url)
    assert first.source == "sdss" and first.name == "0266-51602-0031"
    assert first.meta["run2d"] == "103" and first.meta["specobjid"] == STAR.specobjid
    again = fetch_spectrum(STAR, tmp_path, sas_url=server.url)
    np.testing.assert_array_equal(first.flux, again.flux)
    assert len(server.asked) == 1
    assert [path.name for path in cached(tmp_path)] == ["spec-0266-51602-0031.fits"]


def test_unknown_reduction_is_found_by_trying(server, tmp_path):
    server.serve(UNSURE, "104", spec_file())
    assert fetch_spectrum(UNSURE, tmp_path, sas_url=server.url).meta["run2d"] == "104"
    assert [path.split("/")[5] for path in server.asked] == ["26", "103", "104"]
    fetch_spectrum(UNSURE, tmp_path, sas_url=server.url)
    assert len(server.asked) == 3, "the second time comes from the cache"


def test_base_url_and_cache_come_from_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_SAS_URL", server.url + "/")
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path / "kept"))
    server.serve(STAR, "103", spec_file())
    assert fetch_spectrum(STAR).source == "sdss"
    assert len(cached(tmp_path / "kept")) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"body": b"<html>Down for maintenance</html>"}, "web page"),
        ({"body": b"nothing here"}, "no FITS file"),
        ({"body": b""}, "no FITS file"),
        ({"body": spec_file()[:20000]}, "cannot be used"),
        ({"body": spec_file()[:20000], "length": 170000}, "broke off"),
        ({"body": spec_file(fiber=32)}, "sent 0266-51602-0032"),
        ({"body": b"<html>", "status": 503}, "busy or out of service .status 503"),
        ({"body": b"", "status": 403}, "refused the request .status 403"),
        ({"body": b"", "status": 404}, "has no spectrum"),
        ({"body": b"x" * (archive.MAX_BYTES + 10)}, "larger than"),
    ],
)
def test_what_is_no_spectrum_is_refused_and_not_kept(server, tmp_path, answer, words):
    server.serve(STAR, "103", **answer)
    with pytest.raises(ArchiveError, match=words) as caught:
        fetch_spectrum(STAR, tmp_path, sas_url=server.url)
    assert "\n" not in str(caught.value)
    assert cached(tmp_path) == []


def test_damaged_cache_is_fetched_again(server, tmp_path):
    server.serve(STAR, "103", spec_file())
    path = tmp_path / STAR.file_path("103")
    path.parent.mkdir(parents=True)
    path.write_bytes(spec_file()[:9000])
    assert fetch_spectrum(STAR, tmp_path, sas_url=server.url).source == "sdss"
    assert path.read_bytes() == spec_file()


def test_a_cache_that_cannot_be_written_costs_a_note_only(server, tmp_path):
    server.serve(STAR, "103", spec_file())
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    spectrum = fetch_spectrum(STAR, blocked, sas_url=server.url)
    assert "could not be kept" in spectrum.notes[-1]


def test_offline_and_slow_end_quickly_with_one_sentence(server, tmp_path):
    start = time.monotonic()
    with pytest.raises(ArchiveError, match="cannot be reached"):
        fetch_spectrum(STAR, tmp_path, sas_url="http://127.0.0.1:1")
    with pytest.raises(ArchiveError, match="cannot be reached|did not answer"):
        fetch_spectrum(STAR, tmp_path, timeout=1, sas_url="http://archive.invalid")
    server.serve(STAR, "103", spec_file(), wait=2)
    with pytest.raises(ArchiveError, match="did not answer within 0.2 s"):
        fetch_spectrum(STAR, tmp_path, timeout=0.2, sas_url=server.url)
    assert time.monotonic() - start < 5


def test_other_schemes_and_mock_stars_are_refused(tmp_path):
    with pytest.raises(ArchiveError, match="no http"):
        fetch_spectrum(STAR, tmp_path, sas_url="file:///etc")
    with pytest.raises(ArchiveError, match="mock survey"):
        fetch_spectrum(StarId.of(16001, 60000, 5), tmp_path)


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"#Table1\nmjd\n51630\n51602\n", [51602, 51630]), (b"mjd\n51602\n", [51602]), (b"#Table1\nmjd\n", [])],
)
def test_mjds_of_a_fiber(server, body, expected):
    server.default = (200, body, None, 0.0)
    assert plate_mjds(266, 31, skyserver_url=server.url) == expected
    assert "plate%3D266+AND+fiberID%3D31" in server.asked[0]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>SkyServer is down</html>", b"error_message\nMaximum 60 queries allowed per minute\n", b"mjd\nabc\n"],
)
def test_other_answers_are_no_mjds(server, body):
    server.default = (200, body, None, 0.0)
    with pytest.raises(ArchiveError, match="did not answer with MJDs"):
        plate_mjds(266, 31, skyserver_url=server.url)


def test_only_numbers_reach_the_query(server):
    with pytest.raises(IdentifierError):
        plate_mjds(0, 31, skyserver_url=server.url)
    with pytest.raises(ValueError):
        plate_mjds("1; DROP TABLE SpecObj", 31, skyserver_url=server.url)
    assert server.asked == []
