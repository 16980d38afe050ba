"""CSV and ASCII tables of any delimiter -> a `Table` of columns."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.sdss.columns import ALIASES, Table, plain
from stellar_core.spectrum import MAX_PIXELS

#: What begins a comment line.
COMMENT_MARKS = ("#", "!", "%", "//", "\\", "|-")
#: Rows read at most: those of the longest spectrum accepted, and some to say that there are more.
MAX_ROWS = MAX_PIXELS + 1000

_KNOWN = frozenset(alias for aliases in ALIASES.values() for alias in aliases)
_ECSV = re.compile(r"name:\s*([^,}]+),.*?unit:\s*([^,}]+)", re.IGNORECASE)
_REDSHIFT = re.compile(r"^[#!%/\s]*(?:z|redshift)\s*[:=]\s*([-+]?\d*\.?\d+(?:e[-+]?\d+)?)\s*$", re.IGNORECASE)


def read_text(data: bytes, columns: Mapping[str, str | int] | None = None) -> tuple[Table, float | None]:
    """Columns of a text table.

    Parameters
    ----------
    data : bytes
        Rows of numbers separated by commas, semicolons, tabs or blanks; lines that begin
        with one of `COMMENT_MARKS` are comments; column titles are optional.
    columns : mapping, optional
        The caller's choice of columns: titles are not demanded where it is given.

    Returns
    -------
    table : Table
    redshift : float or None
        From a comment such as ``# z = 0.0003``.

    Raises
    ------
    SpectrumError
        If this is no text or holds no table of numbers.
    """
    if b"\0" in data:
        raise SpectrumError("The file is neither FITS nor a text table.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    comments, rows = [], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith(COMMENT_MARKS):
            comments.append(stripped)
        elif stripped:
            rows.append(stripped)
    if not rows:
        raise SpectrumError("The file holds no rows.")
    if len(rows) > MAX_ROWS:
        raise SpectrumError(f"The file has {len(rows)} rows; a spectrum may have at most {MAX_PIXELS} pixels.")
    delimiter = _delimiter(rows)
    cells = [_split(row, delimiter) for row in rows]
    titles, cells, notes = _titles(cells, comments, delimiter, bool(columns))
    numbers = _numbers(cells, len(titles))
    broken = int(np.count_nonzero(~np.isfinite(numbers).any(axis=1)))
    if broken > 0.5 * len(numbers):
        raise SpectrumError(f"{broken} of the file's {len(numbers)} rows hold no numbers; this is no table of a spectrum.")
    units = {title: match.group(1) for title in titles if (match := re.search(r"[\[(]\s*([^\])]+?)\s*[\])]", title))}
    for comment in comments:
        found = _ECSV.search(comment)
        if found:
            units[found.group(1).strip()] = found.group(2).strip()
    redshifts = [float(match.group(1)) for comment in comments if (match := _REDSHIFT.match(comment))]
    table = Table(
        columns={title: numbers[:, i] for i, title in enumerate(titles)},
        units=units,
        notes=tuple(notes),
        text=" ".join(comments + titles)[:5000],
    )
    return table, redshifts[0] if redshifts else None


def _delimiter(rows: list[str]) -> str | None:
    """The delimiter of the first rows; None is any run of blanks."""
    sample = rows[1:20] or rows
    for mark in (";", "\t", ","):
        if all(mark in row for row in sample):
            return mark
    return None


def _split(row: str, delimiter: str | None) -> list[str]:
    cells = row.split(delimiter) if delimiter else row.replace(",", " ").split()
    cells = [cell.strip().strip("\"'").strip() for cell in cells]
    if delimiter == ";":
        # Where ";" separates, "," is a decimal comma.
        cells = [re.sub(r"^([-+]?\d+),(\d+)", r"\1.\2", cell) for cell in cells]
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    return cells


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _titles(
    cells: list[list[str]], comments: list[str], delimiter: str | None, chosen: bool
) -> tuple[list[str], list[list[str]], list[str]]:
    """Column titles, the rows without them, and what was assumed."""
    first = cells[0]
    if not all(_is_number(cell) for cell in first if cell):
        titles = [cell or f"column {i}" for i, cell in enumerate(first)]
        if len(set(titles)) < len(titles):
            titles = [f"{title} {i}" if title in titles[:i] else title for i, title in enumerate(titles)]
        if len(cells) == 1:
            raise SpectrumError("The file holds column titles, or a line of text, but no rows of numbers.")
        return titles, cells[1:], []
    width = len(first)
    for comment in reversed(comments):
        bare = comment.lstrip("#!%/\\| ")
        for titles in (_split(bare, delimiter), re.split(r"[,;\t]\s*|\s{2,}", bare), bare.split()):
            if len(titles) == width and {plain(title) for title in titles} & _KNOWN and len(set(titles)) == width:
                return titles, cells, []
    if width < 2:
        raise SpectrumError("The file has one column; a spectrum needs wavelength and flux.")
    titles = ["wavelength", "flux", "error", *(f"column {i}" for i in range(3, width))][:width]
    if chosen:
        return titles, cells, []
    named = "wavelength, flux" + (" and error" if width > 2 else "")
    return titles, cells, [f"The file has no column titles; its first columns were taken to be {named}."]


def _numbers(cells: list[list[str]], width: int) -> np.ndarray:
    """(n, width) float64; NaN where a cell is missing or is no number."""
    out = np.full((len(cells), width), np.nan)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row[:width]):
            if _is_number(cell):
                out[i, j] = float(cell)
    return out
