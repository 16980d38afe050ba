"""Write FITS, one binary table for each table.

Astropy makes the headers. The rows are written here, chunk by chunk, for two reasons: astropy would hold the whole
table in memory (20,000 rows of a batch: 129 MB, here 28 MB of any number of rows), and it does not write undefined
logical cells.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from stellar_core.export.table import ExportTable, astropy_unit, description_of, unit_of

if TYPE_CHECKING:
    from astropy.io import fits

#: Arrow type -> code of a FITS column and NumPy type of its cells. Text is as wide as its longest cell.
_KINDS = {
    "int64": ("K", ">i8"),
    "int32": ("J", ">i4"),
    "double": ("D", ">f8"),
    "float": ("E", ">f4"),
    "bool": ("L", "u1"),
}
_BLOCK = 2880
#: TNULL: the whole number that means "unknown".
_UNKNOWN = -1


def write_fits(out: BinaryIO, *tables: ExportTable) -> None:
    """Write tables; facts with names in capitals become keywords, others and units of logarithms HISTORY cards."""
    from astropy.io import fits

    out.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    for table in tables:
        _write_hdu(out, table)


def _write_hdu(out: BinaryIO, table: ExportTable) -> None:
    rows, kinds = _measure(table)
    out.write(_header(table, rows, kinds).tostring().encode("ascii"))
    cells = [(name, kind) for name, (_, kind) in kinds.items()]
    size = 0
    for chunk in table.chunks():
        block = np.zeros(chunk.num_rows, dtype=cells)
        for name, kind in cells:
            block[name] = _cells(chunk.column(name).to_pylist(), kind)
        size += out.write(block.tobytes())
    out.write(b"\0" * (-size % _BLOCK))


def _measure(table: ExportTable) -> tuple[int, dict[str, tuple[str, str]]]:
    """Number of rows, and code and NumPy type of each column."""
    rows, widths = 0, {field.name: 1 for field in table.schema if str(field.type) == "string"}
    for chunk in table.chunks():
        rows += chunk.num_rows
        for name in widths:
            widths[name] = max(widths[name], *(len(_ascii(text)) for text in chunk.column(name).to_pylist()))
    texts = {name: (f"{width}A", f"S{width}") for name, width in widths.items()}
    return rows, {field.name: texts.get(field.name) or _KINDS[str(field.type)] for field in table.schema}


def _header(table: ExportTable, rows: int, kinds: dict[str, tuple[str, str]]) -> fits.Header:
    from astropy.io import fits

    columns, logarithms = [], {}
    for field in table.schema:
        unit, code = astropy_unit(field), kinds[field.name][0]
        columns.append(
            fits.Column(field.name, code, unit=unit and unit.to_string("fits"), null=_UNKNOWN if code == "J" else None)
        )
        if unit is None and unit_of(field):
            logarithms[f"unit of {field.name}"] = unit_of(field)
    header = fits.BinTableHDU.from_columns(columns, nrows=0, name=table.name).header
    header["NAXIS2"] = rows
    header["LONGSTRN"] = ("OGIP 1.0", "some comments go on in CONTINUE cards")
    for number, field in enumerate(table.schema, 1):
        header[f"TCOMM{number}"] = description_of(field)
    for name, value in {**table.facts, **logarithms}.items():
        if name.isupper():
            header[name] = _ascii(value).decode() if isinstance(value, str) else value
        else:
            header["HISTORY"] = f"{name}: {json.dumps(value)}"
    return header


def _cells(values: list[object], kind: str) -> list[object]:
    """Cells as NumPy takes them; an undefined logical is a zero byte."""
    if kind == "u1":
        return [0 if value is None else ord("T" if value else "F") for value in values]
    if kind.startswith("S"):
        return [_ascii(value) for value in values]
    empty = _UNKNOWN if kind == ">i4" else np.nan
    return [empty if value is None else value for value in values]


def _ascii(text: object) -> bytes:
    """Text in ASCII, the only characters of FITS; others become question marks."""
    return b"" if text is None else str(text).encode("ascii", "replace")
