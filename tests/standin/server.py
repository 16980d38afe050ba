"""The HTTP server of the stand-in, on a free port of this machine."""

from __future__ import annotations

import http.server
import json
import re
import socket
import struct
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stellar_core.mock.gaia import GaiaBatch
from stellar_core.mock.plates import gaia_of_plate
from stellar_core.mock.survey import SEED
from tests.standin.casjobs import CasJobsDesk
from tests.standin.database import Catalogue, Refusal, as_csv
from tests.standin.faults import Fault, Faults
from tests.standin.gaia import FAULTY, GaiaSky
from tests.standin.gaia_sources import invented, sources_at
from tests.standin.spectra import SpectrumShelf

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Scheduled maintenance</title></head><body>We will be back.</body></html>\n"
)
_SQL_PAGES = ("/dr17/en/tools/search/x_results.aspx", "/dr17/skyserverws/searchtools/sqlsearch")
#: Longest query string, as the web servers of SkyServer have it.
_MAX_QUERY = 2048


class Served(NamedTuple):
    """One request as it ended."""

    service: str
    resource: str
    fault: Fault | None
    status: int


class StandIn(http.server.ThreadingHTTPServer):
    """SDSS and the Gaia archive on this machine; a context manager.

    Parameters
    ----------
    folder : Path
        For the database and the MOCK files.
    plates : iterable of int
        MOCK plates in the catalogue.
    seed : int
        Of the MOCK survey.
    real : Path or None
        Folder of real spec files.
    stall : float
        Seconds of silence of a stall, unless the stand-in ends before.

    Attributes
    ----------
    faults : Faults
    replies : dict
        Status, content type and body by path, in place of the stand-in's own.
    served : list of Served
        Every request so far.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        folder: Path,
        plates: Iterable[int] = (16000,),
        seed: int = SEED,
        real: Path | None = None,
        stall: float = 30.0,
    ) -> None:
        plates = tuple(plates)
        self.spectra = SpectrumShelf(folder / "spectra", seed, real)
        self.catalogue = Catalogue(folder, plates, seed, self.spectra.real_rows())
        self.casjobs = CasJobsDesk(self.catalogue)
        real = self.catalogue.real_stars()
        known = GaiaBatch.join([*(gaia_of_plate(seed, plate) for plate in plates), invented(real, seed)])
        self.sky = GaiaSky(sources_at(pd.concat([self.catalogue.mock, real], ignore_index=True), known, seed))
        self.faults = Faults()
        self.replies: dict[str, tuple[int, str, bytes]] = {}
        self.stall = stall
        self.served: list[Served] = []
        self.ended = threading.Event()
        self._asked: Counter[str] = Counter()
        self._alarms: list[tuple[int, Callable[[], None]]] = []
        self._mutex = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        self.catalogue.close()
        self.sky.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def sas(self) -> str:
        """Base URL of the Science Archive Server."""
        return f"{self.url}/sas"

    @property
    def skyserver(self) -> str:
        """Base URL of SkyServer, without the data release."""
        return f"{self.url}/skyserver"

    @property
    def casjobs_url(self) -> str:
        """Base URL of CasJobs' REST interface."""
        return f"{self.url}/CasJobs/RestApi"

    @property
    def gaia(self) -> str:
        """URL of the Gaia archive's TAP service."""
        return f"{self.url}/gaia/tap"

    def forget(self) -> None:
        """Reset: no faults, no requests so far."""
        self.sky.forget()
        with self._mutex:
            self.faults = Faults()
            self.replies.clear()
            self.catalogue.damaged.clear()
            self.served.clear()
            self._asked.clear()
            self._alarms.clear()

    def after(self, requests: int, call: Callable[[], None]) -> None:
        """Call ``call`` once after ``requests`` further requests."""
        with self._mutex:
            self._alarms.append((sum(self._asked.values()) + requests, call))

    def begin(self, service: str, resource: str) -> tuple[Fault | None, float]:
        """Count a request and choose its fault."""
        with self._mutex:
            time = self._asked[resource]
            self._asked[resource] += 1
            total = sum(self._asked.values())
            due = [call for at, call in self._alarms if total >= at]
            self._alarms = [alarm for alarm in self._alarms if total < alarm[0]]
        for call in due:
            call()
        return self.faults.choose(service, resource, time)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, *args: object) -> None:
        """Write no log."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urllib.parse.urlsplit(self.path)
        services = {"sas": "sas", "skyserver": "skyserver", "CasJobs": "casjobs", "gaia": "gaia"}
        service = services.get(parts.path.split("/")[1], "")
        resource = f"{self.command} {self.path} {body.decode(errors='replace')}"
        fault, place = self.server.begin(service, resource)
        if fault in (None, Fault.TRUNCATED, Fault.CUT_SHORT, Fault.STALL):
            status, kind, answer = self._answer(service, parts, body)
        else:
            status, kind, answer = self._refusal(service, fault, place)
        self.server.served.append(Served(service, self.path, fault, status))
        if fault is Fault.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if fault is Fault.CUT_SHORT:
            answer = answer[: int(place * len(answer))]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if fault in (Fault.TRUNCATED, Fault.STALL):
            self.wfile.write(answer[: int(place * len(answer))])
            self.wfile.flush()
            if fault is Fault.STALL:
                self.server.ended.wait(self.server.stall)
            return
        self.wfile.write(answer)

    def _refusal(self, service: str, fault: Fault, place: float) -> tuple[int, str, bytes]:
        if service == "gaia" and fault in FAULTY:
            replies = FAULTY[fault]
            return replies[int(place * len(replies))]
        if fault is Fault.THROTTLED and service == "skyserver":
            words = (
                'error_message\n"ERROR: Maximum 60 queries allowed per minute. Rejected query: SELECT \n s.plate "\n'
            )
            return 200, "text/plain", words.encode()
        return {
            Fault.UNAVAILABLE: (503, "text/html", _PAGE),
            Fault.OUTAGE: (200, "text/html", _PAGE),
            Fault.THROTTLED: (429, "text/html", _PAGE),
            Fault.WRONG_TYPE: (200, "application/json", b'{"detail": "see the documentation"}'),
            Fault.MISSING: (404, "text/html", b"<html><body>Not found</body></html>"),
            Fault.RESET: (0, "", b""),
            Fault.EMPTY: (200, "text/plain", b""),
        }[fault]

    def _answer(self, service: str, parts: urllib.parse.SplitResult, body: bytes) -> tuple[int, str, bytes]:
        if parts.path in self.server.replies:
            return self.server.replies[parts.path]
        if service == "sas":
            data = self.server.spectra.read(parts.path.removeprefix("/sas/"))
            return (404, "text/html", b"<html>404</html>") if data is None else (200, "application/fits", data)
        if service == "skyserver":
            return self._skyserver(parts)
        if service == "gaia" and parts.path == "/gaia/tap/sync":
            return self.server.sky.answer(self.headers.get("Content-Type", ""), body)
        if service == "casjobs":
            return self.server.casjobs.answer(
                self.command, parts.path.removeprefix("/CasJobs/RestApi"), self.headers, body
            )
        return 404, "text/html", b"<html>404</html>"

    def _skyserver(self, parts: urllib.parse.SplitResult) -> tuple[int, str, bytes]:
        page = parts.path.removeprefix("/skyserver").lower()
        if page not in _SQL_PAGES:
            return (200, "text/html", _PAGE) if page.rstrip("/") == "/dr17" else (404, "text/html", b"<html>404</html>")
        if len(parts.query) > _MAX_QUERY:
            return 404, "text/html", b"<html>The length of the query string exceeds maxQueryStringLength.</html>"
        query = dict(urllib.parse.parse_qsl(parts.query))
        sql, form = query.get("cmd", ""), query.get("format", "csv").lower()
        documented = re.search(r"fDocColumns\('(\w+)'\)", sql)
        try:
            if documented:
                names, rows = ["name"], [[name] for name in self.server.catalogue.columns_of(documented.group(1))]
            else:
                names, rows = self.server.catalogue.ask(sql)
        except Refusal as refusal:
            names, rows = ["error_message"], [[str(refusal)]]
        if form == "json":
            table = [{"TableName": "Table1", "Rows": [dict(zip(names, row)) for row in rows]}]
            return 200, "application/json", json.dumps(table).encode()
        return 200, "text/plain", as_csv(names, rows)
