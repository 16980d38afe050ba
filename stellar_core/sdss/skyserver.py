"""SQL queries on SkyServer, the catalogue service of SDSS, in the form that astroquery gives them.

Queries consist of the columns named in this package and of numbers that pass `integer` or `real`;
nothing that a user typed gets into them.
"""

from __future__ import annotations

import math
import operator
import os
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.network.circuit_breaker import CircuitBreaker
from stellar_core.network.http import ABSENT, send
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError
from stellar_core.paths import cache_folder
from stellar_core.sdss.sql_response import (
    COUNT_SQL,
    MAX_RESPONSE,
    TOTAL_SQL,
    Check,
    SqlResponse,
    accept,
    confirm_empty,
    parse_rows,
)

#: Base URL of the catalogue service; environment STELLAR_SKYSERVER_URL sets another.
SKYSERVER_URL = "https://skyserver.sdss.org"
#: The data release that is queried.
DATA_RELEASE = 17
#: Longest query string sent, characters: the web servers of SkyServer refuse those above 2048.
MAX_QUERY = 2000
#: SkyServer accepts 60 queries per minute from one address; a few are left to the user's browser.
QUERIES_PER_MINUTE = 50


def skyserver_url() -> str:
    """Return STELLAR_SKYSERVER_URL, else `SKYSERVER_URL`; a path such as /dr17/SkyServerWS is left out."""
    return re.sub(
        r"/dr\d+(/.*)?$", "", (os.environ.get("STELLAR_SKYSERVER_URL") or SKYSERVER_URL).rstrip("/"), flags=re.I
    )


def skyserver_rate_limit(folder: Path | None = None) -> RateLimit:
    """Return the limit on queries of all processes of this machine, counted in ``folder`` (default: the cache)."""
    return RateLimit((folder or cache_folder()) / "skyserver-queries.json", QUERIES_PER_MINUTE)


def integer(value: int, low: int, high: int) -> str:
    """Return a whole number from ``low`` to ``high`` as SQL.

    Raises
    ------
    ParameterError
        If it is anything else.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        raise ParameterError(f"{str(value)[:40]!r} is not a whole number from {low} to {high}.", value=value)
    return str(number)


def real(value: float, low: float, high: float) -> str:
    """Return a number from ``low`` to ``high`` as SQL, without exponent, to 1e-10.

    Raises
    ------
    ParameterError
        If it is anything else.
    """
    try:
        number = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise ParameterError(f"{str(value)[:40]!r} is not a number from {low:g} to {high:g}.", value=value)
    return f"{number:.10f}"


@dataclass(frozen=True)
class SkyServer:
    """The SQL service of DR17.

    Attributes
    ----------
    url : str
        Base URL, without the data release.
    timeout : float
        Seconds until it must have replied, and again for the reply to arrive.
    limit : RateLimit or None
    retries : Retries
    breaker : CircuitBreaker, optional
        Stops further queries once the server cannot be reached.
    """

    url: str = field(default_factory=skyserver_url)
    timeout: float = 20.0
    limit: RateLimit | None = field(default_factory=skyserver_rate_limit)
    retries: Retries = field(default_factory=Retries)
    breaker: CircuitBreaker | None = None

    def select(self, columns: Sequence[str], source: str, check: Check = accept) -> SqlResponse:
        """Query ``SELECT columns source``.

        Parameters
        ----------
        columns : sequence of str
            Such as "s.plate"; the part after the point is the column's name in the response.
        source : str
            FROM, JOIN and WHERE.
        check : callable, optional
            Raises `TransientError` on rows that cannot be right; the query is then repeated.

        Returns
        -------
        SqlResponse
            All rows; none only where a second query confirms that there are none.

        Raises
        ------
        ArchiveError
            If there is no valid response after all attempts.
        """
        return self.query(f"SELECT {', '.join(columns)}, {TOTAL_SQL} {source}", columns, check)

    def query(self, sql: str, columns: Sequence[str], check: Check = accept) -> SqlResponse:
        """Query a whole statement whose last column is `TOTAL_SQL`, otherwise as `select`.

        It may contain comments and line breaks.
        """
        names = [column.rpartition(".")[2] for column in columns]
        flat = flatten(sql)

        def ask() -> SqlResponse:
            response = self._ask(flat, names, check)
            if not response.rows:
                confirm_empty(self._ask(COUNT_SQL.format(flat), ["found"]).rows)
            return response

        if self.breaker is not None:
            return self.breaker.call(lambda: self.retries.call(ask))
        return self.retries.call(ask)

    def _ask(self, sql: str, names: Sequence[str], check: Check = accept) -> SqlResponse:
        from astroquery.sdss import SDSSClass

        # astroquery knows the form of a query; it is sent by the one HTTP client, which limits time and size.
        form = SDSSClass().query_sql_async(sql, data_release=DATA_RELEASE, get_query_payload=True)
        page = self.url.rstrip("/") + SDSSClass.QUERY_URL_SUFFIX_DR_NEW.format(dr=DATA_RELEASE)
        query = urllib.parse.urlencode(form)
        if len(query) > MAX_QUERY:
            raise ParameterError(
                f"The query takes {len(query)} characters in a URL; SkyServer accepts {MAX_QUERY}.", value=sql
            )
        if self.limit is not None:
            self.limit.wait(self.retries.patience)
        reply = send(f"{page}?{query}", timeout=self.timeout, limit=MAX_RESPONSE)
        if reply.status in ABSENT:
            raise TransientError(f"There is no SkyServer at {self.url} (status {reply.status}).", value=reply.url)
        reply.raise_for_status()
        rows = parse_rows(reply.body, names, reply.content_type)
        check(rows)
        return SqlResponse(rows, reply.body)


def flatten(sql: str) -> str:
    """Return a statement on one line, without comments or blanks after commas: URLs have a limit."""
    return " ".join(" ".join(line.partition("--")[0] for line in sql.splitlines()).split()).replace(", ", ",")
