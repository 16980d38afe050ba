"""CSV responses of SkyServer and CasJobs, validated before they are used.

CSV has no end mark. Every query therefore requests its number of rows as a last column, `TOTAL`, with `BASE` added
so that it always has seven digits: a response cut short anywhere, even within that number, is recognised.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stellar_core.errors import ArchiveError
from stellar_core.network.retries import TransientError

#: Name of the last column: `BASE` plus the number of rows, which are 500,000 at most.
TOTAL, BASE = "n_rows", 1_000_000
#: The last column itself.
TOTAL_SQL = f"{BASE} + COUNT(*) OVER () AS {TOTAL}"
#: Largest response, bytes: 500,000 rows of 600 characters.
MAX_RESPONSE = 300_000_000
#: Counts the rows of a query that returned none: a header line alone may be a response cut short.
COUNT_SQL = f"SELECT COUNT(*) AS found, {TOTAL_SQL} FROM ({{}}) AS rows_of_it"
#: Seconds to wait after SkyServer has reported too many queries in the last minute.
THROTTLE_WAIT = 15.0
#: SkyServer's texts in place of a table without rows.
EMPTY_TEXTS = ("no objects have been found", "no entries have been found", "no rows returned")

_THROTTLED = re.compile(r"queries allowed per minute", re.IGNORECASE)
_TRANSIENT = re.compile(r"time-?out|timed out|deadlock|temporarily|try again|too many connections", re.IGNORECASE)
_WEB_PAGE = re.compile(rb"\s*(<!doctype|<\?xml|<html|<)", re.IGNORECASE)

#: Raises `TransientError` on rows that cannot be right.
Check = Callable[[list[tuple[str, ...]]], object]


class SqlResponse(NamedTuple):
    """Rows as cells of text, and the bytes that they were parsed from."""

    rows: list[tuple[str, ...]]
    data: bytes


def accept(rows: list[tuple[str, ...]]) -> None:
    """Accept any rows: the default `Check`."""


def parse_rows(
    data: bytes, columns: Sequence[str], content_type: str = "", service: str = "SkyServer"
) -> list[tuple[str, ...]]:
    """Parse the rows of a CSV response.

    Parameters
    ----------
    data : bytes
    columns : sequence of str
        Those requested, in order, without `TOTAL`; upper and lower case are the same.
    content_type : str
        As declared by the server.
    service : str
        Name of the server, for error messages.

    Returns
    -------
    list of tuple of str
        The cells of ``columns``, stripped; empty where the query found nothing.

    Raises
    ------
    TransientError
        If this is not a complete table of these columns: a web page, a refusal for too many queries,
        an empty or shortened response.
    ArchiveError
        If the server refuses the query itself.
    """
    if not data.strip():
        raise TransientError(f"{service} sent an empty response.")
    if _WEB_PAGE.match(data) or content_type in ("text/html", "application/xhtml+xml"):
        raise TransientError(f"{service} sent a web page instead of a table; it may be out of service.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TransientError(f"{service} sent bytes that are not text.") from None
    if text.strip().rstrip(".!").lower() in EMPTY_TEXTS:
        return []
    try:
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(io.StringIO(text, newline=None))
            if any(cell.strip() for cell in row)
        ]
    except csv.Error:
        raise TransientError(f"{service} sent text that is not a table.") from None
    if rows and len(rows[0]) == 1 and rows[0][0].startswith("#"):
        rows = rows[1:]
    titles = [cell.lower() for cell in rows[0]] if rows else []
    if "error_message" in titles:
        raise _refusal(" ".join(cell for row in rows[1:] for cell in row), service)
    if titles != [column.lower() for column in (*columns, TOTAL)]:
        start = " ".join(text.split())[:80]
        raise TransientError(f"{service} did not send the columns requested but {start!r}.")
    found = rows[1:]
    if any(len(row) != len(titles) or row[-1] != str(BASE + len(found)) for row in found):
        raise TransientError(f"The response of {service} was cut short after row {len(found)}.")
    return [tuple(row[:-1]) for row in found]


def confirm_empty(counted: Sequence[Sequence[str]], service: str = "SkyServer") -> None:
    """Raise `TransientError` unless ``counted``, the response to `COUNT_SQL`, is a count of zero."""
    if [tuple(row) for row in counted] != [("0",)]:
        count = counted[0][0] if counted else "nothing"
        raise TransientError(f"{service} sent no rows, then a count of {count}.")


def _refusal(message: str, service: str) -> ArchiveError:
    """Return the error for the text in a row named error_message."""
    words = " ".join(message.split())
    if _THROTTLED.search(words):
        return TransientError(f"{service} reports too many queries in the last minute.", wait=THROTTLE_WAIT)
    if _TRANSIENT.search(words):
        return TransientError(f"{service} could not run the query: {words[:120]}")
    return ArchiveError(f"{service} refused the query: {words[:200]}", value=message)


def number(cell: str) -> float:
    """Parse a number; NaN where it is missing.

    Raises
    ------
    TransientError
        If the cell holds something else.
    """
    if cell.lower() in ("", "null", "nan", "none"):
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise TransientError(f"SkyServer sent {cell[:40]!r} instead of a number.") from None


def whole_number(cell: str) -> int:
    """Parse a whole number, such as an id of 64 bits, without a detour by float.

    Raises
    ------
    TransientError
        If the cell holds none.
    """
    if not re.fullmatch(r"-?\d{1,20}", cell):
        raise TransientError(f"SkyServer sent {cell[:40]!r} instead of a whole number.")
    return int(cell)
