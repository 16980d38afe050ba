"""Write CSV, with harmless formulas, and ECSV.

A text that begins with ``= + - @``, a tab or a carriage return runs as a formula when a spreadsheet opens a CSV file,
and names of stars and files may come from anyone. Such texts get an apostrophe in front, as OWASP advises (CSV
injection), in every CSV file that is written. Numbers stay, also in text, so that positions and identifiers are not
changed; the readers of lists remove the apostrophe. ECSV is read by programs and keeps its texts.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from stellar_core.export.table import NUMPY_TYPES, ExportTable, astropy_unit, description_of

if TYPE_CHECKING:
    import pandas as pd

#: An angle of two or three numbers, as positions are often written.
_SIXTIETHS = re.compile(r"[+-]?\d{1,3}([: ]\d{1,2}){1,2}(\.\d{1,12})?", re.ASCII)
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> object:
    """Return a cell as it goes into CSV: an apostrophe before a formula; other cells unchanged."""
    if not isinstance(cell, str):
        return cell
    risky = cell.startswith(_RISKY) and not _is_number(cell)
    # CSV writers do not quote a carriage return, and readers begin a row at it.
    plain = cell.replace("\r", " ") if "\r" in cell else cell
    return f"'{plain}" if risky else plain


def _is_number(text: str) -> bool:
    """Return whether a text is a number, or an angle in sixtieths such as -00:00:24.5."""
    try:
        float(text)
    except ValueError:
        return _SIXTIETHS.fullmatch(text) is not None
    return True


def frame_to_csv(frame: pd.DataFrame) -> str:
    """Return a pandas table as CSV without its index."""
    plain = frame.copy(deep=False)
    for at, kind in enumerate(plain.dtypes):
        if kind.kind not in "biufcmM":
            plain.isetitem(at, plain.iloc[:, at].map(harmless))
    plain.columns = [harmless(str(name)) for name in plain.columns]
    return plain.to_csv(index=False)


def write_csv(out: BinaryIO, table: ExportTable) -> None:
    """Write a table as CSV; units, descriptions and facts have no place in it."""
    import pyarrow as pa
    from pyarrow import csv

    csv.write_csv(table.schema.empty_table(), out)
    for chunk in table.chunks():
        for at, field in enumerate(chunk.schema):
            if str(field.type) == "string":
                cells = [harmless(cell) for cell in chunk.column(at).to_pylist()]
                chunk = chunk.set_column(at, field, pa.array(cells, field.type))
        csv.write_csv(chunk, out, csv.WriteOptions(include_header=False))


def write_ecsv(out: BinaryIO, table: ExportTable) -> None:
    """Write a table as ECSV: CSV with names, units, descriptions and facts in its head."""
    import pyarrow as pa
    from astropy.table import Column, Table
    from pyarrow import csv

    columns = [
        Column(
            np.zeros(0, NUMPY_TYPES.get(str(field.type), str)),
            field.name,
            unit=astropy_unit(field),
            description=description_of(field),
        )
        for field in table.schema
    ]
    head = io.StringIO()
    Table(columns, meta=dict(table.facts)).write(head, format="ascii.ecsv", delimiter=",")
    out.write(head.getvalue().encode())
    for chunk in table.chunks():
        for at, field in enumerate(chunk.schema):
            if str(field.type) == "bool":
                words = [None if value is None else str(value) for value in chunk.column(at).to_pylist()]
                chunk = chunk.set_column(at, field.name, pa.array(words, pa.string()))
        csv.write_csv(chunk, out, csv.WriteOptions(include_header=False, quoting_style="needed"))
