"""Read lists of stars in text: one star on each line, CSV and similar tables, ECSV with its units."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import BinaryIO

from stellar_core.batch.coordinates import scales
from stellar_core.batch.input_lists.column_units import MAX_HEAD, units_of
from stellar_core.batch.input_lists.star_columns import MAX_CELL, Columns, find_columns, identifier, no_columns
from stellar_core.errors import ParameterError
from stellar_core.text_lines import bounded_lines

_DELIMITERS = (",", "\t", ";", "|", " ")
#: Pattern of column titles, which no identifier matches.
_TITLE = re.compile(r"[A-Za-z_][\w.()\[\]/%]*")
_FILES = (".fits", ".fit", ".gz", ".csv", ".txt", ".dat")


def read_text_list(file: BinaryIO, name: str, encoding: str) -> Iterator[str]:
    """Yield the inputs in a text; see `stellar_core.batch.input_lists.read_list`."""
    text = io.TextIOWrapper(file, encoding, errors="strict" if encoding == "utf-16" else "replace", newline="")
    lines = bounded_lines(text, name)
    try:
        remark, first, head, room = "", "", [], MAX_HEAD
        for line in lines:
            bare = line.strip()
            if bare and not bare.startswith("#"):
                first = line
                break
            remark = line.lstrip()[1:] if bare else remark
            room -= len(line)
            if room > 0:
                head.append(line.lstrip()[1:])
        for titles, rows in ((first, lines), (remark, chain([first], lines))):
            for delimiter in _DELIMITERS:
                cells = _cells(titles, delimiter)
                # A comment that mentions such columns need not be the line of titles.
                titled = titles == first or len(cells) == len(_cells(first, delimiter))
                if titled and (columns := find_columns(cells)):
                    units = _units_of_ecsv(head, {role: cells[at].strip() for role, at in columns.items()}, name)
                    yield from _rows_of(rows, delimiter, columns, scales(units))
                    return
        for delimiter in _DELIMITERS[:-1]:
            cells = _cells(first, delimiter)
            if len(cells) > 1 and all(
                _TITLE.fullmatch(cell.strip()) and not cell.lower().rstrip().endswith(_FILES) for cell in cells
            ):
                raise no_columns(name, cells)
        yield from (
            line.strip() for line in chain([first], lines) if line.strip() and not line.lstrip().startswith("#")
        )
    except csv.Error:
        raise ParameterError(
            f"The list {name} cannot be read: a cell has more than {csv.field_size_limit():,} characters.",
            value=name,
            remedy="Look for a quote that is not closed.",
        ) from None
    except (OSError, UnicodeError) as error:
        raise ParameterError(
            f"The list {name} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}."
        ) from None
    finally:
        text.detach()


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.strip()], delimiter=delimiter, skipinitialspace=True), [])


def _units_of_ecsv(head: Sequence[str], titles: Mapping[str, str], name: str) -> dict[str, str]:
    """Return units by role from the header of an ECSV table; empty for other texts."""
    if not any(line.strip().startswith("%ECSV") for line in head[:2]):
        return {}
    return units_of(
        [line.rstrip("\r\n").removeprefix(" ") for line in head if not line.strip().startswith("%")], titles, name
    )


def _rows_of(lines: Iterator[str], delimiter: str, columns: Columns, scale: Mapping[str, float]) -> Iterator[str]:
    for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
        if any(cell.strip() for cell in row) and not row[0].startswith("#"):
            cells = {role: row[at].strip().strip("'")[:MAX_CELL] for role, at in columns.items() if at < len(row)}
            yield identifier(cells, scale)
