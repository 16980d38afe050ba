"""Read CSV and ASCII tables with any delimiter into a `Table` of columns.

Texts are read in a single pass and their size is limited before they are parsed, so that the time grows only linearly
with the size of the file, also for hostile files.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.sdss.readers.column_aliases import ALIASES, MAX_ROWS, Table, brackets, plain
from stellar_core.spectrum import MAX_PIXELS

#: Characters that begin a comment line.
COMMENT_MARKS = ("#", "!", "%", "//", "\\", "|-")
#: Largest text, number of lines, line length, and length of all comments: many times those of a good file.
MAX_TEXT, MAX_LINES, MAX_LINE, MAX_COMMENTS = 20_000_000, 200_000, 100_000, 1_000_000
#: Largest number of columns, and of cells of all rows.
MAX_COLUMNS, MAX_CELLS = 1000, 2_000_000
#: Characters of the longest number.
MAX_NUMBER = 400

_KNOWN = frozenset(alias for aliases in ALIASES.values() for alias in aliases)
_NAME, _UNIT = re.compile("name:", re.IGNORECASE), re.compile("unit:", re.IGNORECASE)
_VALUE_END = re.compile("[,}]")
_REDSHIFT = re.compile(r"[#!%/\s]*(?:z|redshift)\s*[:=]\s*([-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?)", re.IGNORECASE)


def read_text(data: bytes, columns: Mapping[str, str | int] | None = None) -> tuple[Table, float | None]:
    """Read the columns of a text table.

    Parameters
    ----------
    data : bytes
        Rows of numbers separated by commas, semicolons, tabs or blanks; lines that begin
        with one of `COMMENT_MARKS` are comments; column titles are optional.
    columns : mapping, optional
        The caller's choice of columns: titles are then not required.

    Returns
    -------
    table : Table
    redshift : float or None
        From a comment such as ``# z = 0.0003``.

    Raises
    ------
    SpectrumError
        If this is not a text with a table of numbers.
    """
    if b"\0" in data:
        raise SpectrumError("The file is neither FITS nor a text table.")
    if len(data) > MAX_TEXT:
        raise SpectrumError(f"The text is larger than {MAX_TEXT // 1_000_000} MB; a spectrum takes a few hundred kB.")
    try:
        comments, rows = _lines(data, "utf-8-sig")
    except UnicodeDecodeError:
        comments, rows = _lines(data, "latin-1")
    if not rows:
        raise SpectrumError("The file holds no rows.")
    delimiter = _delimiter(rows)
    titles, rows, notes = _titles(rows, comments, delimiter, bool(columns))
    if len(rows) * len(titles) > MAX_CELLS:
        raise SpectrumError(
            f"The file has {len(rows)} rows of {len(titles)} columns, too many for a spectrum.",
            remedy="Keep only the wavelength, the flux and its error.",
        )
    numbers = _numbers(rows, delimiter, len(titles))
    broken = int(np.count_nonzero(~np.isfinite(numbers).any(axis=1)))
    if broken > 0.5 * len(numbers):
        raise SpectrumError(f"{broken} of the file's {len(numbers)} rows hold no numbers; this is not a spectrum.")
    units = {title: unit for title in titles if (unit := _bracketed(title)) is not None}
    units.update(filter(None, map(_ecsv_unit, comments)))
    redshift = next((float(found[1]) for comment in comments if (found := _REDSHIFT.fullmatch(comment))), None)
    table = Table(
        columns={title: numbers[:, i] for i, title in enumerate(titles)},
        units=units,
        notes=tuple(notes),
        text=" ".join(comments + titles)[:5000],
    )
    return table, redshift


def _lines(data: bytes, encoding: str) -> tuple[list[str], list[str]]:
    """Return comments and rows, stripped."""
    comments, rows, letters = [], [], 0
    with io.TextIOWrapper(io.BytesIO(data), encoding) as text:
        for count in range(MAX_LINES + 1):
            line = text.readline(MAX_LINE + 1)
            if not line:
                break
            if count == MAX_LINES or len(line) > MAX_LINE:
                excess = f"{MAX_LINES} lines" if count == MAX_LINES else f"{MAX_LINE} characters in a line"
                raise SpectrumError(f"The file has more than {excess}; a spectrum has at most {MAX_PIXELS} rows.")
            stripped = line.strip()
            if stripped.startswith(COMMENT_MARKS):
                comments.append(stripped)
                letters += len(stripped)
            elif stripped:
                rows.append(stripped)
    if len(rows) > MAX_ROWS:
        raise SpectrumError(f"The file has {len(rows)} rows; a spectrum may have at most {MAX_PIXELS} pixels.")
    if letters > MAX_COMMENTS:
        raise SpectrumError(f"The file's comments have {letters} characters; at most {MAX_COMMENTS} are read.")
    return comments, rows


def _bracketed(title: str) -> str | None:
    """Return the text in the first brackets of a title, which is a unit; None where there is none."""
    return next(
        (title[opening + 1 : closing].strip() or " " for opening, closing in brackets(title) if closing > opening + 1),
        None,
    )


def _ecsv_unit(comment: str) -> tuple[str, str] | None:
    """Return column and unit of a line such as ``# - {name: wave, unit: nm, datatype: float64}``, or None."""
    for label in _NAME.finditer(comment):
        end = _VALUE_END.search(comment, label.end())
        if end is None:
            return None
        name = comment[label.end() : end.start()]
        if not name or end[0] != ",":
            continue
        for label in _UNIT.finditer(comment, end.end()):
            last = _VALUE_END.search(comment, label.end())
            unit = comment[label.end() : last.start() if last else None]
            if unit:
                return name.strip(), unit.strip()
        return None
    return None


def _delimiter(rows: list[str]) -> str | None:
    """Return the delimiter of the first rows; None for blanks."""
    sample = rows[1:20] or rows
    for mark in (";", "\t", ","):
        if all(mark in row for row in sample):
            return mark
    return None


def _split(row: str, delimiter: str | None, most: int = -1) -> list[str]:
    """Return the cells of a row; the rest after ``most`` cells is one more."""
    cells = row.split(delimiter, most) if delimiter else row.replace(",", " ").split(None, most)
    cells = [cell.strip().strip("\"'").strip() for cell in cells]
    if delimiter == ";":
        # Between semicolons, a comma is a decimal comma.
        cells = [re.sub(r"^([-+]?\d+),(\d+)", r"\1.\2", cell) for cell in cells]
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    return cells


def _number(cell: str) -> float | None:
    """Return the number in a cell; None where it holds something else."""
    if len(cell) > MAX_NUMBER:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _titles(
    rows: list[str], comments: list[str], delimiter: str | None, chosen: bool
) -> tuple[list[str], list[str], list[str]]:
    """Return column titles, the rows without them, and notes on assumptions."""
    first = _split(rows[0], delimiter)
    width = len(first)
    if width > MAX_COLUMNS:
        raise SpectrumError(f"The file has {width} columns; at most {MAX_COLUMNS} are read.")
    if any(cell and _number(cell) is None for cell in first):
        titles = [cell or f"column {i}" for i, cell in enumerate(first)]
        if len(set(titles)) < len(titles):
            titles = [f"{title} {i}" if title in titles[:i] else title for i, title in enumerate(titles)]
        if len(rows) == 1:
            raise SpectrumError("The file holds column titles, or a line of text, but no rows of numbers.")
        return titles, rows[1:], []
    for comment in reversed(comments):
        bare = comment.lstrip("#!%/\\| ")
        for titles in (_split(bare, delimiter), re.split(r"[,;\t]\s*|\s{2,}", bare), bare.split()):
            if len(titles) == width and {plain(title) for title in titles} & _KNOWN and len(set(titles)) == width:
                return titles, rows, []
    if width < 2:
        raise SpectrumError("The file has one column; a spectrum needs wavelength and flux.")
    titles = ["wavelength", "flux", "error", *(f"column {i}" for i in range(3, width))][:width]
    if chosen:
        return titles, rows, []
    named = "wavelength, flux" + (" and error" if width > 2 else "")
    return titles, rows, [f"The file has no column titles; its first columns are assumed to be {named}."]


def _numbers(rows: list[str], delimiter: str | None, width: int) -> np.ndarray:
    """Return the cells as (n, width) float64; NaN where a cell is missing or not a number."""
    out = np.full((len(rows), width), np.nan)
    for i, row in enumerate(rows):
        for j, cell in enumerate(_split(row, delimiter, width)[:width]):
            if (number := _number(cell)) is not None:
                out[i, j] = number
    return out
