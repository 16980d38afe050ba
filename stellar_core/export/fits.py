"""Write FITS, one binary table for each table.

Astropy makes the headers. The rows are written here, chunk by chunk, for two reasons: astropy would hold the whole
table in memory (20,000 rows of a batch: 129 MB, here 28 MB of any number of rows), and it does not write undefined
logical cells.

FITS has no unit dex(yr), and readers complain of it in TUNIT. Such units are where programs look for them: astropy in
its own block of COMMENT cards, as `astropy.table.QTable` writes it, TOPCAT in the VOTable of the primary HDU
("FITS-plus", Starlink User Note 252).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from stellar_core.export.table import NUMPY_TYPES, ExportTable, astropy_unit, description_of, is_logarithmic
from stellar_core.export.votable import describe_tables

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
#: Characters of a COMMENT card that astropy fills, and the first and last line of its block.
_COMMENT = 70
_BEGIN, _END = (f"--{word}-ASTROPY-SERIALIZED-COLUMNS--" for word in ("BEGIN", "END"))


def write_fits(out: BinaryIO, *tables: ExportTable) -> None:
    """Write tables; facts with names in capitals become keywords, others HISTORY cards."""
    out.write(_primary(describe_tables(*tables), len(tables)))
    for table in tables:
        _write_hdu(out, table)


def _primary(document: bytes, number: int) -> bytes:
    """Primary HDU with a VOTable; the order of the first cards is how TOPCAT recognises it."""
    from astropy.io import fits

    cards = [
        ("SIMPLE", True, "Standard FITS format"),
        ("BITPIX", 8, "Character data"),
        ("NAXIS", 1, "Text string"),
        ("NAXIS1", len(document), "Number of characters"),
        ("VOTMETA", True, "Table metadata in VOTable format"),
        ("EXTEND", True, "There are standard extensions"),
        ("NTABLE", number, "Number of tables"),
    ]
    header = fits.Header([fits.Card(*card) for card in cards])
    return header.tostring().encode("ascii") + document + b"\0" * (-len(document) % _BLOCK)


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

    columns = []
    for field in table.schema:
        unit, code = None if is_logarithmic(field) else astropy_unit(field), kinds[field.name][0]
        columns.append(
            fits.Column(field.name, code, unit=unit and unit.to_string("fits"), null=_UNKNOWN if code == "J" else None)
        )
    header = fits.BinTableHDU.from_columns(columns, nrows=0, name=table.name).header
    header["NAXIS2"] = rows
    header["LONGSTRN"] = ("OGIP 1.0", "some comments go on in CONTINUE cards")
    for number, field in enumerate(table.schema, 1):
        header[f"TCOMM{number}"] = description_of(field)
    for name, value in table.facts.items():
        if name.isupper():
            header[name] = _ascii(value).decode() if isinstance(value, str) else value
        else:
            header["HISTORY"] = f"{name}: {json.dumps(value)}"
    if any(map(is_logarithmic, table.schema)):
        for line in (_BEGIN, *_astropy_columns(table), _END):
            header["COMMENT"] = line
    return header


def _astropy_columns(table: ExportTable) -> list[str]:
    """Lines of YAML with the units and descriptions of the columns, as `astropy.table.QTable` writes them."""
    from astropy.table import Column, QTable
    from astropy.table.meta import get_yaml_from_table
    from astropy.table.serialize import represent_mixins_as_columns
    from astropy.units import Dex

    columns = QTable()
    for field in table.schema:
        empty = np.zeros(0, NUMPY_TYPES.get(str(field.type), "U1"))
        columns[field.name] = Dex(empty, astropy_unit(field)) if is_logarithmic(field) else Column(empty)
        columns[field.name].info.description = description_of(field)
    lines = []
    for line in get_yaml_from_table(represent_mixins_as_columns(columns)):
        parts = [line[at : at + _COMMENT] for at in range(0, len(line), _COMMENT)] or [""]
        lines += [*(f"{part}\\" for part in parts[:-1]), parts[-1]]
    return lines


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
