"""SQL answers of SkyServer and CasJobs, validated before anything is made of them.

Every query asks for the number of its rows as a last column, `TOTAL`, with `BASE` added so that it has
seven digits. An answer that was cut short anywhere, even within that number, is thereby told from a
whole one: CSV itself has no end.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from stellar_core.errors import ArchiveError
from stellar_core.network.retries import TransientError

#: Name of the last column: `BASE` and how many rows the query found, which are 500,000 at most.
TOTAL, BASE = "n_rows", 1_000_000
#: The last column itself.
TOTAL_SQL = f"{BASE} + COUNT(*) OVER () AS {TOTAL}"
#: Largest answer, bytes: 500,000 rows of 600 characters.
MAX_ANSWER = 300_000_000
#: Counts the rows of a query that gave none: an answer of titles alone may be one that was cut short.
COUNT_SQL = f"SELECT COUNT(*) AS found, {TOTAL_SQL} FROM ({{}}) AS rows_of_it"
#: Seconds to leave SkyServer alone after it said that there were too many queries in the last minute.
THROTTLE_WAIT = 15.0
#: What SkyServer says in place of a table without rows.
NOTHING_FOUND = ("no objects have been found", "no entries have been found", "no rows returned")

_THROTTLED = re.compile(r"queries allowed per minute", re.IGNORECASE)
_PASSING = re.compile(r"time-?out|timed out|deadlock|temporarily|try again|too many connections", re.IGNORECASE)
_PAGE = re.compile(rb"\s*(<!doctype|<\?xml|<html|<)", re.IGNORECASE)


def read_answer(
    data: bytes, columns: Sequence[str], content_type: str = "", service: str = "SkyServer"
) -> list[tuple[str, ...]]:
    """Rows of a CSV answer.

    Parameters
    ----------
    data : bytes
    columns : sequence of str
        Those asked for, in order, without `TOTAL`; databases answer in any case.
    content_type : str
        As declared by the server.
    service : str
        Who answered, for the sentences.

    Returns
    -------
    list of tuple of str
        The cells of ``columns``, stripped; empty where the query found nothing.

    Raises
    ------
    TransientError
        If this is no whole table of these columns: a web page, a refusal for too many queries,
        an empty or shortened answer.
    ArchiveError
        If the service refuses the query itself.
    """
    if not data.strip():
        raise TransientError(f"{service} answered with nothing.")
    if _PAGE.match(data) or content_type in ("text/html", "application/xhtml+xml"):
        raise TransientError(f"{service} answered with a web page in place of a table; it may be out of service.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TransientError(f"{service} answered with bytes that are no text.") from None
    if text.strip().rstrip(".!").lower() in NOTHING_FOUND:
        return []
    try:
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(io.StringIO(text, newline=None))
            if any(cell.strip() for cell in row)
        ]
    except csv.Error:
        raise TransientError(f"{service} answered with what is no table.") from None
    if rows and len(rows[0]) == 1 and rows[0][0].startswith("#"):
        rows = rows[1:]
    titles = [cell.lower() for cell in rows[0]] if rows else []
    if "error_message" in titles:
        raise _refusal(" ".join(cell for row in rows[1:] for cell in row), service)
    if titles != [column.lower() for column in (*columns, TOTAL)]:
        said = " ".join(text.split())[:80]
        raise TransientError(f"{service} did not answer with the columns asked for but with {said!r}.")
    found = rows[1:]
    if any(len(row) != len(titles) or row[-1] != str(BASE + len(found)) for row in found):
        raise TransientError(f"The answer of {service} was cut short after row {len(found)}.")
    return [tuple(row[:-1]) for row in found]


def confirm_nothing(counted: Sequence[Sequence[str]], service: str = "SkyServer") -> None:
    """Raise `TransientError` unless ``counted``, the answer to `COUNT_SQL`, says that there is nothing to be found."""
    if [tuple(row) for row in counted] != [("0",)]:
        raise TransientError(
            f"{service} answered without rows, then with a count of {counted[0][0] if counted else 'nothing'}."
        )


def _refusal(said: str, service: str) -> ArchiveError:
    """The error for what stands in a row named error_message."""
    words = " ".join(said.split())
    if _THROTTLED.search(words):
        return TransientError(f"{service} says that there were too many queries in the last minute.", wait=THROTTLE_WAIT)
    if _PASSING.search(words):
        return TransientError(f"{service} could not carry out the query: {words[:120]}")
    return ArchiveError(f"{service} refused the query: {words[:200]}", value=said)


def number(cell: str) -> float:
    """A number of an answer; NaN where it is missing.

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
        raise TransientError(f"SkyServer answered with {cell[:40]!r} in place of a number.") from None


def whole_number(cell: str) -> int:
    """A whole number of an answer, such as an id of 64 bits; never by way of a float.

    Raises
    ------
    TransientError
        If the cell holds none.
    """
    if not re.fullmatch(r"-?\d{1,20}", cell):
        raise TransientError(f"SkyServer answered with {cell[:40]!r} in place of a whole number.")
    return int(cell)
