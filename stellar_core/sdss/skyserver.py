"""SQL on SkyServer through astroquery: polite, patient, and only what was asked for comes back.

Queries are put together from the columns named in this package and from numbers that pass `integer`
or `real`; nothing that a user typed gets into them.
"""

from __future__ import annotations

import math
import operator
import os
import re
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.network.circuit_breaker import CircuitBreaker
from stellar_core.network.http import ABSENT, CHUNK, OFFLINE_REMEDY, Reply, seconds, too_large, within
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError, UnreachableError
from stellar_core.paths import cache_folder
from stellar_core.sdss.sql_response import COUNT_SQL, MAX_ANSWER, TOTAL_SQL, confirm_nothing, read_answer

if TYPE_CHECKING:
    import requests

#: Base URL of the catalogue service; environment STELLAR_SKYSERVER_URL sets another.
SKYSERVER_URL = "https://skyserver.sdss.org"
DATA_RELEASE = 17
#: Longest query string sent, characters: the web servers of SkyServer refuse those above 2048.
MAX_QUERY = 2000
#: File beside the cache in which all processes of a machine count their queries.
TOKENS = "skyserver-queries.json"


def skyserver_url() -> str:
    """Environment STELLAR_SKYSERVER_URL, else `SKYSERVER_URL`; a path such as /dr17/SkyServerWS is left out."""
    return re.sub(
        r"/dr\d+(/.*)?$", "", (os.environ.get("STELLAR_SKYSERVER_URL") or SKYSERVER_URL).rstrip("/"), flags=re.I
    )


def integer(value: int, low: int, high: int) -> str:
    """A whole number from ``low`` to ``high`` as SQL.

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
        raise ParameterError(f"{str(value)[:40]!r} is no whole number from {low} to {high}.", value=value)
    return str(number)


def real(value: float, low: float, high: float) -> str:
    """A number from ``low`` to ``high`` as SQL, without exponent, to 1e-10.

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
        raise ParameterError(f"{str(value)[:40]!r} is no number from {low:g} to {high:g}.", value=value)
    return f"{number:.10f}"


#: Raises `TransientError` on rows that cannot be the answer.
Check = Callable[[list[tuple[str, ...]]], object]


def _accept(rows: list[tuple[str, ...]]) -> None:
    """Every answer will do."""


class Answer(NamedTuple):
    """Rows as cells of text, and the bytes that they were read from."""

    rows: list[tuple[str, ...]]
    data: bytes


@dataclass(frozen=True)
class SkyServer:
    """The SQL service of one data release.

    Attributes
    ----------
    url : str
        Base URL, as in ``astroquery.sdss.conf.skyserver_baseurl``.
    timeout : float
        Seconds until it must have answered, and again for the answer to arrive.
    limit : RateLimit
    retries : Retries
    breaker : CircuitBreaker, optional
        Stops further queries once the server cannot be reached.
    """

    url: str = field(default_factory=skyserver_url)
    timeout: float = 20.0
    limit: RateLimit = field(default_factory=lambda: RateLimit(cache_folder() / TOKENS))
    retries: Retries = field(default_factory=Retries)
    breaker: CircuitBreaker | None = None

    def select(self, columns: Sequence[str], source: str, check: Check = _accept) -> Answer:
        """``SELECT columns source``.

        Parameters
        ----------
        columns : sequence of str
            Such as "s.plate"; the part after the point is the column's name in the answer.
        source : str
            FROM, JOIN and WHERE.
        check : callable, optional
            Raises `TransientError` on rows that cannot be the answer, which is then asked for again.

        Returns
        -------
        Answer
            Every row that there is; none only where a second query agrees.

        Raises
        ------
        ArchiveError
            In one sentence, if there is no valid answer after all attempts.
        """
        return self.query(f"SELECT {', '.join(columns)}, {TOTAL_SQL} {source}", columns, check)

    def query(self, sql: str, columns: Sequence[str], check: Check = _accept) -> Answer:
        """As `select`, for a whole statement whose last column is `TOTAL_SQL`; it may hold comments and newlines."""
        names = [column.rpartition(".")[2] for column in columns]
        flat = flatten(sql)

        def ask() -> Answer:
            answer = self._ask(flat, names, check)
            if not answer.rows:
                confirm_nothing(self._ask(COUNT_SQL.format(flat), ["found"]).rows)
            return answer

        if self.breaker is not None:
            return self.breaker.call(lambda: self.retries.call(ask))
        return self.retries.call(ask)

    def _ask(self, sql: str, names: Sequence[str], check: Check = _accept) -> Answer:
        self.limit.wait(self.retries.patience)
        reply = self._send(sql)
        if reply.status in ABSENT:
            raise TransientError(f"There is no SkyServer at {self.url} (status {reply.status}).", value=reply.url)
        reply.refuse_failures()
        rows = read_answer(reply.body, names, reply.content_type)
        check(rows)
        return Answer(rows, reply.body)

    def _send(self, sql: str) -> Reply:
        import requests
        from astroquery.sdss import SDSSClass
        from urllib3.exceptions import NewConnectionError

        length = len(urllib.parse.urlencode({"cmd": f" {sql}", "format": "csv", "searchtool": "SQL"}))
        if length > MAX_QUERY:
            raise ParameterError(
                f"The query takes {length} characters in a URL; SkyServer accepts {MAX_QUERY}.", value=sql
            )
        service = SDSSClass()
        page = self.url.rstrip("/") + service.QUERY_URL_SUFFIX_DR_NEW.format(dr=DATA_RELEASE)
        # astroquery's own setting of the base URL is one for the whole process; this one is this object's.
        service._get_query_url = lambda release: page
        service._session.hooks["response"].append(_read_up_to_the_limit)
        host = page.split("/")[2] if page.count("/") > 2 else page

        def ask() -> requests.Response:
            return service.query_sql_async(sql, timeout=self.timeout, data_release=DATA_RELEASE, cache=False)

        try:
            answer = within(ask, 2 * self.timeout)
        except (TimeoutError, requests.Timeout):
            raise TransientError(
                f"{host} did not answer within {self.timeout:g} s.", value=page, remedy=OFFLINE_REMEDY
            ) from None
        except requests.ConnectionError as error:
            if isinstance(getattr(next(iter(error.args), None), "reason", None), NewConnectionError):
                raise UnreachableError(f"{host} cannot be reached.", value=page, remedy=OFFLINE_REMEDY) from None
            raise TransientError(f"The connection to {host} broke off.", value=page, remedy="Try again.") from None
        except ArchiveError:
            raise
        except requests.exceptions.InvalidProxyURL:
            raise ArchiveError(
                f"{host} could not be asked: the proxy that the environment names is none.", value=page
            ) from None
        except ValueError:  # an address that is none, of ours or of a redirect
            remedy = f"STELLAR_SKYSERVER_URL is an address such as {SKYSERVER_URL}."
            raise ArchiveError(
                f"{self.url[:100]!r} names no server, or sends on to none.", value=page, remedy=remedy
            ) from None
        except requests.RequestException as error:
            raise TransientError(f"{host} could not be asked ({type(error).__name__}).", value=page) from None
        except OSError as error:  # such as certificates that are not there
            raise ArchiveError(f"{host} could not be asked: {error}.", value=page) from None
        finally:
            service._session.close()
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        return Reply(page, answer.status_code, kind, answer.content, seconds(answer.headers.get("Retry-After")))


def _read_up_to_the_limit(response: requests.Response, **_: object) -> requests.Response:
    """Read an answer, unpacked, as requests itself would do next, but no more than `MAX_ANSWER` of it."""
    chunks, size = [], 0
    for chunk in () if response.is_redirect else response.iter_content(CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            response.close()
            raise too_large(response.url, MAX_ANSWER)
    response._content = b"".join(chunks)
    return response


def flatten(sql: str) -> str:
    """A statement on one line, without comments and without blanks after commas: URLs have a limit."""
    return " ".join(" ".join(line.partition("--")[0] for line in sql.splitlines()).split()).replace(", ", ",")
