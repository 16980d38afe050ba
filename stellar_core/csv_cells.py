"""Texts of a CSV table that a spreadsheet would take for a formula, made harmless.

A text that begins with ``= + - @``, a tab or a carriage return runs as a formula where a CSV is opened in a spreadsheet,
and the names of stars and files come from anybody. Such texts get an apostrophe in front, as OWASP advises (CSV
injection), in every CSV that is given out: the batch table, the export of a star, the rows of a catalogue and answers
to SQL. Numbers stay, columns of numbers and texts that are one alike, so that positions and ids are not touched; the
lists that this project reads take the apostrophe away again. ECSV, which programs read, keeps its texts as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> object:
    """A cell as it goes into a CSV; anything but a text as it is."""
    if not isinstance(cell, str):
        return cell
    risky = cell.startswith(_RISKY) and not _is_number(cell)
    plain = (
        cell.replace("\r", " ") if "\r" in cell else cell
    )  # which would begin a row, as no writer of CSV puts it in quotes
    return f"'{plain}" if risky else plain


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def frame_to_csv(frame: pd.DataFrame) -> str:
    """A table of pandas as CSV, without its index."""
    plain = frame.copy(deep=False)
    for at, kind in enumerate(plain.dtypes):
        if kind.kind not in "biufcmM":
            plain.isetitem(at, plain.iloc[:, at].map(harmless))
    plain.columns = [harmless(str(name)) for name in plain.columns]
    return plain.to_csv(index=False)
