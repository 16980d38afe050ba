"""CasJobs, where queries too long for SkyServer run as jobs into tables of the user (MyDB).

It needs a token of the user's SciServer account, from environment STELLAR_CASJOBS_TOKEN. The token is sent in a
header only, never in a URL, and is never written to a file or a message.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.network.http import ABSENT, Reply, send
from stellar_core.network.retries import Retries, TransientError
from stellar_core.sdss.sql_response import (
    COUNT_SQL,
    MAX_RESPONSE,
    Check,
    SqlResponse,
    accept,
    confirm_empty,
    parse_rows,
)

#: Base URL of the REST interface; environment STELLAR_CASJOBS_URL sets another.
CASJOBS_URL = "https://skyserver.sdss.org/CasJobs/RestApi"
#: Databases of the release and of the user.
RELEASE, OWN = "DR17", "MyDB"
#: Seconds between requests for the state of a job.
POLL = 15.0


class JobState(NamedTuple):
    """State of a job: ready, started, canceling, canceled, failed or finished, and the message of CasJobs."""

    name: str
    message: str

    @property
    def over(self) -> bool:
        """Whether the state is final."""
        return self.name in ("canceled", "failed", "finished")


#: Names of CasJobs' status numbers.
STATES = ("ready", "started", "canceling", "canceled", "failed", "finished")


def casjobs_url() -> str:
    """Return STELLAR_CASJOBS_URL, else `CASJOBS_URL`."""
    return (os.environ.get("STELLAR_CASJOBS_URL") or CASJOBS_URL).rstrip("/")


class JobEndedError(ArchiveError):
    """A job that failed or was canceled."""


class NoJobError(TransientError):
    """A job that CasJobs does not know, or an address without CasJobs."""


class RefusedError(ArchiveError):
    """A query that CasJobs refuses."""


@dataclass(frozen=True)
class CasJobs:
    """The CasJobs account of one user.

    Attributes
    ----------
    token : str
    url : str
    timeout : float
        Seconds until it must have replied, and again for the reply to arrive.
    retries : Retries

    Raises
    ------
    ParameterError
        If the token is not one line of printable ASCII characters.
    """

    token: str = field(repr=False)
    url: str = field(default_factory=casjobs_url)
    timeout: float = 120.0
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", self.token):
            raise ParameterError(
                "The CasJobs token must be one line of printable ASCII characters.",
                remedy="Copy it again into STELLAR_CASJOBS_TOKEN, or unset that variable.",
            )

    def submit(self, sql: str) -> int:
        """Start ``SELECT ... INTO MyDB.name`` on the release and return the number of the job.

        There is one attempt only: after a failure the job may or may not have started, so that the next
        attempt needs another table.

        Raises
        ------
        ArchiveError
            If CasJobs cannot be reached, or refuses the token or the query.
        """
        reply = self._send("PUT", f"/contexts/{RELEASE}/jobs", sql)
        text = reply.body.decode("utf-8", "replace").strip()
        if not text.isdecimal() or len(text) > 15:
            raise TransientError(f"CasJobs sent {text[:80]!r} instead of the number of a job.")
        return int(text)

    def state(self, job: int) -> JobState:
        """Return the state of a job; errors as `submit`."""

        def look() -> JobState:
            reply = self._send("GET", f"/jobs/{job:d}")
            try:
                found = json.loads(reply.body)
                return JobState(
                    STATES[int(re.fullmatch(r"\d", str(found["Status"]))[0])],
                    " ".join(str(found.get("Message") or "").split())[:200],
                )
            except (ValueError, TypeError, KeyError, IndexError, RecursionError):
                raise TransientError("CasJobs did not send the state of the job.", value=job) from None

        return self.retries.call(look)

    def wait(self, job: int, report: Callable[[str], None] = lambda state: None) -> None:
        """Wait until a job is finished; call ``report`` with each state.

        Raises
        ------
        JobEndedError
            If it fails or was canceled.
        ArchiveError
            If CasJobs cannot be reached.
        """
        while True:
            state = self.state(job)
            report(state.name)
            if state.name == "finished":
                return
            if state.over:
                ended = "failed" if state.name == "failed" else "was canceled"
                raise JobEndedError(
                    f"The CasJobs job {job} {ended}: {state.message or 'no reason given'}.",
                    value=job,
                    remedy="Run the same command to submit it again.",
                )
            self.retries.sleep(POLL)

    def query(self, sql: str, columns: Sequence[str], check: Check = accept) -> SqlResponse:
        """Run a short query on MyDB whose last column is `stellar_core.sdss.sql_response.TOTAL_SQL`.

        Parameters
        ----------
        sql : str
        columns : sequence of str
            Names of the other columns.
        check : callable, optional
            Raises `TransientError` on rows that cannot be right.

        Raises
        ------
        ArchiveError
            As `submit`.
        """

        def ask() -> SqlResponse:
            response = self._ask(sql, columns)
            check(response.rows)
            if not response.rows:
                confirm_empty(self._ask(COUNT_SQL.format(sql), ["found"]).rows, "CasJobs")
            return response

        return self.retries.call(ask)

    def _ask(self, sql: str, columns: Sequence[str]) -> SqlResponse:
        reply = self._send("POST", f"/contexts/{OWN}/query", sql)
        return SqlResponse(parse_rows(reply.body, columns, reply.content_type, "CasJobs"), reply.body)

    def _send(self, method: str, path: str, sql: str = "") -> Reply:
        body = json.dumps({"Query": sql, "TaskName": "stellar-ages-explorer"}).encode() if sql else None
        headers = {
            "X-Auth-Token": self.token,
            "Content-Type": "application/json",
            "Accept": "text/plain" if sql else "application/json",
        }
        reply = send(
            self.url + path, timeout=self.timeout, limit=MAX_RESPONSE, method=method, body=body, headers=headers
        )
        if reply.status in (401, 403):
            raise ArchiveError(
                "CasJobs does not accept the token.", remedy="Set STELLAR_CASJOBS_TOKEN to a new one, or unset it."
            )
        if reply.status in ABSENT:
            raise NoJobError(f"CasJobs at {self.url} does not have {path} (status {reply.status}).")
        if reply.status == 400:
            words = " ".join(reply.body.decode("utf-8", "replace").split())[:200]
            raise RefusedError(f"CasJobs refused the query: {words}", value=sql)
        reply.raise_for_status()
        return reply
