"""CasJobs, where queries too long for SkyServer run as jobs into tables of one's own (MyDB).

It needs a token of the user's SciServer account, from environment STELLAR_CASJOBS_TOKEN; the token goes
into a header only, never into a URL, a file or a message.
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
from stellar_core.network.retries import TransientError, Retries
from stellar_core.sdss.skyserver import Answer
from stellar_core.sdss.sql_response import COUNT_SQL, MAX_ANSWER, confirm_nothing, read_answer

#: Base URL of the REST interface; environment STELLAR_CASJOBS_URL sets another.
CASJOBS_URL = "https://skyserver.sdss.org/CasJobs/RestApi"
#: Where the tables of the release are, and one's own.
RELEASE, OWN = "DR17", "MyDB"
#: Seconds between looks at a job.
POLL = 15.0


class JobState(NamedTuple):
    """State of a job: ready, started, canceling, canceled, failed or finished, and CasJobs' own words."""

    name: str
    message: str

    @property
    def over(self) -> bool:
        """Whether it will not change any more."""
        return self.name in ("canceled", "failed", "finished")


#: By CasJobs' numbers.
STATES = ("ready", "started", "canceling", "canceled", "failed", "finished")


def casjobs_url() -> str:
    """Environment STELLAR_CASJOBS_URL, else `CASJOBS_URL`."""
    return (os.environ.get("STELLAR_CASJOBS_URL") or CASJOBS_URL).rstrip("/")


class JobEndedError(ArchiveError):
    """A job that failed or was canceled: it is not worth another look."""


class NoJobError(TransientError):
    """CasJobs does not know a job, or is not at this address."""


class RefusedError(ArchiveError):
    """A query that CasJobs does not run."""


@dataclass(frozen=True)
class CasJobs:
    """One user's CasJobs.

    Attributes
    ----------
    token : str
    url : str
    timeout : float
        Seconds until it must have answered, and again for the answer to arrive.
    retries : Retries

    Raises
    ------
    ParameterError
        If the token cannot be one.
    """

    token: str = field(repr=False)
    url: str = field(default_factory=casjobs_url)
    timeout: float = 120.0
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", self.token):
            raise ParameterError(
                "The token of CasJobs is one line of plain characters; what was given has others, or a line break.",
                remedy="Copy it anew into STELLAR_CASJOBS_TOKEN, or leave it out.",
            )

    def submit(self, sql: str) -> int:
        """Start ``SELECT ... INTO MyDB.name`` on the release; the number of its job.

        It is sent once: after a failure the job may or may not have begun, so that the next
        attempt needs another table.

        Raises
        ------
        ArchiveError
            If CasJobs cannot be reached, or refuses the token or the query.
        """
        reply = self._send("PUT", f"/contexts/{RELEASE}/jobs", sql)
        text = reply.body.decode("utf-8", "replace").strip()
        if not text.isdecimal() or len(text) > 15:
            raise TransientError(f"CasJobs answered with {text[:80]!r} in place of the number of a job.")
        return int(text)

    def state(self, job: int) -> JobState:
        """State of a job; errors as `submit`."""

        def look() -> JobState:
            reply = self._send("GET", f"/jobs/{job:d}")
            try:
                found = json.loads(reply.body)
                return JobState(
                    STATES[int(re.fullmatch(r"\d", str(found["Status"]))[0])],
                    " ".join(str(found.get("Message") or "").split())[:200],
                )
            except (ValueError, TypeError, KeyError, IndexError, RecursionError):
                raise TransientError("CasJobs did not answer with the state of the job.", value=job) from None

        return self.retries.call(look)

    def wait(self, job: int, say: Callable[[str], None] = lambda state: None) -> None:
        """Wait until a job is finished; ``say`` is told its state at each look.

        Raises
        ------
        JobEndedError
            If it fails or was canceled.
        ArchiveError
            If CasJobs cannot be asked.
        """
        while True:
            state = self.state(job)
            say(state.name)
            if state.name == "finished":
                return
            if state.over:
                ended = "failed" if state.name == "failed" else "was canceled"
                raise JobEndedError(
                    f"The CasJobs job {job} {ended}: {state.message or 'no reason given'}.",
                    value=job,
                    remedy="The same command submits it anew.",
                )
            self.retries.sleep(POLL)

    def query(self, sql: str, columns: Sequence[str], check: Callable[[list], object] = lambda rows: None) -> Answer:
        """The rows of a short query on MyDB whose last column is `stellar_core.sdss.sql_response.TOTAL_SQL`.

        Parameters
        ----------
        sql : str
        columns : sequence of str
            Names of the other columns.
        check : callable, optional
            Raises `TransientError` on rows that cannot be the answer.

        Raises
        ------
        ArchiveError
            As `submit`.
        """

        def ask() -> Answer:
            answer = self._ask(sql, columns)
            check(answer.rows)
            if not answer.rows:
                confirm_nothing(self._ask(COUNT_SQL.format(sql), ["found"]).rows, "CasJobs")
            return answer

        return self.retries.call(ask)

    def _ask(self, sql: str, columns: Sequence[str]) -> Answer:
        reply = self._send("POST", f"/contexts/{OWN}/query", sql)
        return Answer(read_answer(reply.body, columns, reply.content_type, "CasJobs"), reply.body)

    def _send(self, method: str, path: str, sql: str = "") -> Reply:
        body = json.dumps({"Query": sql, "TaskName": "stellar-ages-explorer"}).encode() if sql else None
        headers = {
            "X-Auth-Token": self.token,
            "Content-Type": "application/json",
            "Accept": "text/plain" if sql else "application/json",
        }
        reply = send(self.url + path, timeout=self.timeout, limit=MAX_ANSWER, method=method, body=body, headers=headers)
        if reply.status in (401, 403):
            raise ArchiveError(
                "CasJobs does not accept the token.",
                remedy="Put a fresh one into STELLAR_CASJOBS_TOKEN, or leave it out.",
            )
        if reply.status in ABSENT:
            raise NoJobError(f"CasJobs at {self.url} knows no {path} (status {reply.status}).")
        if reply.status == 400:
            words = " ".join(reply.body.decode("utf-8", "replace").split())[:200]
            raise RefusedError(f"CasJobs refused the query: {words}", value=sql)
        reply.refuse_failures()
        return reply
