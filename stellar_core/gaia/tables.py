"""Tables of the Gaia archive: VOTable (BINARY2 or TABLEDATA) and JSON, into columns.

The archive reports refusals, and tables that it cut at a number of rows, in the VOTable itself (``QUERY_STATUS``), also
with status 200. JSON holds no such report. Neither can be parsed where its end is missing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

from stellar_core.errors import ArchiveError
from stellar_core.files import parse_json
from stellar_core.network.retries import TransientError

#: Largest reply or file, bytes.
MAX_BYTES = 50_000_000

# A document type, which could declare entities, does not match.
_VOTABLE = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<([\w-]+:)?VOTABLE\b")
_REFUSED = re.compile(r"pars|syntax|unknown|unresolved|not found|not allowed|incorrect|permission", re.IGNORECASE)
_PASSING = re.compile(r"time-?out|timed out|temporar|try again|too many|cancel|connection|unavailable", re.IGNORECASE)


class OverflowedError(ArchiveError):
    """A table that the archive cut at a number of rows."""


def read_table(data: bytes, name: str = "The table") -> dict[str, list[object]]:
    """Parse a VOTable or JSON table of the archive.

    Parameters
    ----------
    data : bytes
    name : str
        For error messages.

    Returns
    -------
    dict
        Values by column name in lower case; None where missing.

    Raises
    ------
    ArchiveError
        If it is no such table, is cut short, or reports an error.
    """

    def failed(words: str) -> ArchiveError:
        return ArchiveError(f"{name} is not a table of the Gaia archive: {words}.", value=name)

    if len(data) > MAX_BYTES:
        raise ArchiveError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB.", value=name)
    if data.lstrip()[:1] in (b"{", b"["):
        return _json(data, failed)
    if not is_votable(data):
        raise failed("it is neither VOTable nor JSON")
    return _votable(data, failed)


def reply_columns(data: bytes) -> dict[str, list[object]]:
    """Parse the VOTable that answers a query, as `read_table`.

    Raises
    ------
    OverflowedError
        If the archive cut it at a number of rows.
    TransientError
        If it is cut short or damaged, or does not report success.
    ArchiveError
        If the archive refuses the query.
    """

    def failed(words: str) -> ArchiveError:
        return TransientError(f"The Gaia archive sent a table that cannot be read: {words}.")

    return _votable(data, failed, successful=True)


def is_votable(data: bytes) -> bool:
    """Whether ``data`` begins as a VOTable."""
    return _VOTABLE.match(data) is not None


def _votable(data: bytes, failed: Callable[[str], ArchiveError], successful: bool = False) -> dict[str, list[object]]:
    """Return the columns of the first table; ``successful`` requires that the archive reports that it is whole."""
    from astropy.io import votable
    from astropy.io.votable.exceptions import VOWarning

    try:  # "ignore": Gaia writes some units in its own way
        document = votable.parse(io.BytesIO(data), verify="ignore")
    except (VOWarning, ValueError, IndexError, TypeError, KeyError, EOFError) as error:
        raise failed(f"it is cut short or damaged ({' '.join(str(error).split())[:80]})") from None
    states = [(str(info.value).upper(), info.content) for info in _infos(document) if info.name == "QUERY_STATUS"]
    for state, words in states:
        if state == "ERROR":
            raise _refusal(" ".join((words or "no reason given").split()))
    if successful and any(state == "OVERFLOW" for state, _ in states):
        raise OverflowedError("The Gaia archive cut the table at its limit of rows.")
    if successful and [state for state, _ in states] != ["OK"]:
        raise failed("it does not report success")
    table = next(document.iter_tables(), None)
    if table is None or not table.fields:
        raise failed("there is no table in it")
    return {item.name.lower(): table.array[item.ID].tolist() for item in table.fields}


def _infos(document: object) -> Iterator[object]:
    yield from document.infos
    for resource in document.resources:
        yield from resource.infos
        for table in resource.tables:
            yield from table.infos


def _refusal(words: str) -> ArchiveError:
    """Return the error for the text of a QUERY_STATUS of ERROR."""
    if _REFUSED.search(words) and not _PASSING.search(words):
        return ArchiveError(f"The Gaia archive refused the query: {words[:200]}", value=words)
    return TransientError(f"The Gaia archive could not run the query: {words[:120]}")


def _json(data: bytes, failed: Callable[[str], ArchiveError]) -> dict[str, list[object]]:
    try:
        found = parse_json(data)
        names = [str(item["name"]).lower() for item in found["metadata"]]
        rows = [list(row) for row in found["data"]]
    except (ValueError, TypeError, KeyError):
        raise failed("it is cut short, or JSON of another kind") from None
    if not names or any(len(row) != len(names) for row in rows):
        raise failed("its rows and columns do not agree")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
