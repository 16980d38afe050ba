"""Sources in the replies and files of the Gaia archive, validated before they are used."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stellar_core.errors import ArchiveError, ParameterError, StorageError
from stellar_core.gaia.source import COLUMNS, CROSS_MATCH, WHOLE, GaiaSource
from stellar_core.gaia.tables import MAX_BYTES, is_votable, read_table, reply_columns
from stellar_core.network.retries import TransientError

#: Columns that a file needs; others that it lacks count as missing numbers.
NEEDED = ("source_id", "ra", "dec")

_HTML = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)


def parse_reply(
    data: bytes, content_type: str = "", extra: Sequence[str] = ()
) -> list[tuple[GaiaSource, list[object]]]:
    """Parse the reply to a query of `stellar_core.gaia.adql`.

    Parameters
    ----------
    data : bytes
        VOTable.
    content_type : str
        As declared by the server.
    extra : sequence of str
        Columns beside those of `GaiaSource`.

    Returns
    -------
    list of (GaiaSource, list)
        The source and the values of the ``extra`` columns of each row.

    Raises
    ------
    OverflowedError
        If the archive cut the table at a number of rows.
    TransientError
        If this is not a complete table of these columns, or a number in it is impossible.
    ArchiveError
        If the archive refuses the query.
    """
    if not data.strip():
        raise TransientError("The Gaia archive sent an empty response.")
    if _HTML.match(data) or content_type in ("text/html", "application/xhtml+xml"):
        raise TransientError("The Gaia archive sent a web page instead of a table; it may be out of service.")
    if not is_votable(data):
        start = " ".join(data[:80].decode("utf-8", "replace").split())
        raise TransientError(f"The Gaia archive did not send a VOTable but {start!r}.")
    columns = reply_columns(data)
    lacking = [name for name in (*COLUMNS, CROSS_MATCH, *extra) if name not in columns]
    if lacking:
        raise TransientError(f"The Gaia archive did not send the column {lacking[0]}.")
    beside = [list(values) for values in zip(*(columns[name] for name in extra))]
    found = []
    for number, row in enumerate(_rows(columns)):
        try:
            found.append((_source(row), beside[number] if extra else []))
        except (ParameterError, ValueError) as error:
            raise TransientError(f"The Gaia archive sent a damaged row: {error}") from None
    return found


def refusal_of(data: bytes) -> ArchiveError | None:
    """Return the error that a VOTable reports; None where it reports none, or is no VOTable."""
    if not is_votable(data):
        return None
    try:
        reply_columns(data)
    except ArchiveError as error:
        return error
    return None


def read_sources(file: str | Path | bytes) -> list[GaiaSource]:
    """Read the sources in a VOTable or JSON file of the Gaia archive.

    Parameters
    ----------
    file : path, or bytes
        A file, or its content, with the columns of `NEEDED`. All others of `GaiaSource` are used where present.

    Returns
    -------
    list of GaiaSource
        In the order of the file.

    Raises
    ------
    StorageError
        If the file cannot be read.
    ArchiveError
        If it is no such table.
    """
    if isinstance(file, bytes):
        data, name = file, "The table"
    else:
        data, name = _content(Path(file)), Path(file).name
    columns = read_table(data, name)
    lacking = [column for column in NEEDED if column not in columns]
    if lacking:
        raise ArchiveError(
            f"{name} has no column {lacking[0]}.", value=name, remedy=f"A table of sources has {', '.join(NEEDED)}."
        )
    found = []
    for number, row in enumerate(_rows(columns), 1):
        try:
            found.append(_source(row))
        except (ParameterError, ValueError) as error:
            raise ArchiveError(f"Row {number} of {name} is damaged: {error}", value=name) from None
    return found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            return handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.", value=str(path)) from None


def _rows(columns: Mapping[str, list[object]]) -> Iterator[dict[str, object]]:
    known = [name for name in (*COLUMNS, CROSS_MATCH) if name in columns]
    for values in zip(*(columns[name] for name in known)):
        yield dict(zip(known, values))


def _source(row: Mapping[str, object]) -> GaiaSource:
    """Return the source of a row; ValueError where a cell holds something else than it should."""
    values: dict[str, object] = {}
    for name, cell in row.items():
        if name == CROSS_MATCH:
            values[name] = _object_number(cell)
        elif name not in WHOLE:
            values[name] = math.nan if cell is None else _number(name, cell)
        elif cell is not None:
            values[name] = _whole_number(name, cell)
    if "source_id" not in values:
        raise ValueError("it has no source_id.")
    if "parallax_error" not in row:  # the kind of solution cannot be compared with a parallax that is not there
        values.pop("astrometric_params_solved", None)
    return GaiaSource(**values)


def _whole_number(name: str, cell: object) -> int:
    """Return a whole number; a float would have lost the last digits of an identifier."""
    if isinstance(cell, str) and re.fullmatch(r"[0-9]{1,19}", cell.strip()):
        return int(cell)
    if isinstance(cell, bool) or not isinstance(cell, int):
        raise ValueError(f"{name} is {str(cell)[:40]!r} instead of a whole number.")
    return cell


def _number(name: str, cell: object) -> float:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not abs(cell) < 1e300 and cell == cell:
        raise ValueError(f"{name} is {str(cell)[:40]!r} instead of a number.")
    return float(cell)


def _object_number(cell: object) -> str:
    """Return the number of an SDSS object, which the archive stores as text; empty where there is none."""
    text = "" if cell is None else (cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)).strip()
    return text if text.isdecimal() and text != "0" else ""
