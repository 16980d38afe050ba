"""The table of a batch as Parquet, FITS, VOTable, CSV or ECSV, written a chunk at a time, whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import escape

import numpy as np

from stellar_core.batch.columns import schema
from stellar_core.csv_cells import harmless
from stellar_core.errors import ParameterError
from stellar_core.files import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows of a row group of Parquet, whatever the chunks were.
ROWS = 16_384
#: FITS: code of a column and NumPy type of its cells, by Arrow type; text is as wide as the longest.
_FITS = {
    "int64": ("K", ">i8"),
    "int32": ("J", ">i4"),
    "double": ("D", ">f8"),
    "float": ("E", ">f4"),
    "bool": ("L", "u1"),
}
_BLOCK = 2880
#: FITS: stands for a whole number that is not known.
_UNKNOWN = -1
_KINDS = {"int64": np.int64, "int32": np.int32, "double": np.float64, "float": np.float32, "bool": bool}

#: Gives the chunks of a table, from the first, as often as it is called.
Chunks = Callable[[], Iterable["pa.Table"]]


def check_ending(path: Path) -> None:
    """Raise `ParameterError` unless the ending of ``path`` is that of a format that can be written."""
    if path.suffix.lower() not in _WRITERS:
        raise ParameterError(
            f"{path.name} is none of the tables that can be written: {', '.join(_WRITERS)}.", value=str(path)
        )


def write_answers(path: Path, chunks: Chunks, facts: Mapping[str, object]) -> None:
    """Write the table to ``path`` in the format of its ending.

    Parameters
    ----------
    path : Path
        .parquet, .fits, .vot, .votable, .xml, .csv or .ecsv.
    chunks : callable
    facts : mapping
        Goes into the table's metadata.

    Raises
    ------
    OSError
        If the disk does not allow it.
    """
    check_ending(path)
    with atomic_path(path, sync=True) as draft, draft.open("wb") as out:
        _WRITERS[path.suffix.lower()](out, chunks, facts)


def answers_as(ending: str, tables: Iterable[pa.Table], facts: Mapping[str, object]) -> bytes:
    """A small table as the file that `write_answers` would write, with an ending such as ".fits"."""
    kept, out = list(tables), io.BytesIO()
    _WRITERS[ending](out, lambda: kept, facts)
    return out.getvalue()


def _write_parquet(out: BinaryIO, chunks: Chunks, facts: Mapping[str, object]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = schema().with_metadata({"stellar_ages": json.dumps(dict(facts), sort_keys=True)})
    with pq.ParquetWriter(out, columns, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for chunk in chunks():
            waiting.append(chunk)
            while sum(table.num_rows for table in waiting) >= ROWS:
                table = pa.concat_tables(waiting)
                writer.write_table(table.slice(0, ROWS).combine_chunks().cast(columns), row_group_size=ROWS)
                waiting = [table.slice(ROWS)]
        table = pa.concat_tables([columns.empty_table(), *(part.cast(columns) for part in waiting)])
        if table.num_rows:
            writer.write_table(table.combine_chunks(), row_group_size=ROWS)


def _write_fits(out: BinaryIO, chunks: Chunks, facts: Mapping[str, object]) -> None:
    from astropy.io import fits

    rows, widths = 0, {field.name: 1 for field in schema() if str(field.type) == "string"}
    for chunk in chunks():
        rows += chunk.num_rows
        for name in widths:
            widths[name] = max(widths[name], *(len(_ascii(text)) for text in chunk.column(name).to_pylist()))
    columns, cells = [], []
    for field in schema():
        code, kind = _FITS.get(str(field.type), (f"{widths.get(field.name)}A", f"S{widths.get(field.name)}"))
        columns.append(fits.Column(field.name, code, unit=_plain_unit(field), null=_UNKNOWN if code == "J" else None))
        cells.append((field.name, kind))
    header = fits.BinTableHDU.from_columns(columns, nrows=0, name="STARS").header
    header["NAXIS2"] = rows
    header["LONGSTRN"] = ("OGIP 1.0", "some comments go on in CONTINUE cards")
    for number, field in enumerate(schema(), 1):
        header[f"TCOMM{number}"] = _description(field)
    logarithms = {field.name: _unit(field) for field in schema() if _unit(field) and not _plain_unit(field)}
    for name, value in {**facts, **{f"unit of {column}": unit for column, unit in logarithms.items()}}.items():
        header["HISTORY"] = f"{name}: {json.dumps(value)}"
    out.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    out.write(header.tostring().encode("ascii"))
    size = 0
    for chunk in chunks():
        block = np.zeros(chunk.num_rows, dtype=cells)
        for name, kind in cells:
            block[name] = _fits_cells(chunk.column(name).to_pylist(), kind)
        size += out.write(block.tobytes())
    out.write(b"\0" * (-size % _BLOCK))


def _fits_cells(values: list[object], kind: str) -> list[object]:
    if kind == "u1":
        return [0 if value is None else ord("T" if value else "F") for value in values]
    if kind.startswith("S"):
        return [_ascii(value) for value in values]
    empty = _UNKNOWN if kind == ">i4" else np.nan
    return [empty if value is None else value for value in values]


def _ascii(text: object) -> bytes:
    return b"" if text is None else str(text).encode("ascii", "replace")


def _write_votable(out: BinaryIO, chunks: Chunks, facts: Mapping[str, object]) -> None:
    before, after = _votable_frame(facts)
    out.write(before)
    for chunk in chunks():
        for row in chunk.to_pylist():
            cells = "".join(f"<TD>{_votable_cell(value)}</TD>" for value in row.values())
            out.write(f"<TR>{cells}</TR>\n".encode())
    out.write(after)


def _write_csv(out: BinaryIO, chunks: Chunks, facts: Mapping[str, object]) -> None:
    import pyarrow as pa
    from pyarrow import csv

    csv.write_csv(schema().empty_table(), out)
    for chunk in chunks():
        for at, field in enumerate(chunk.schema):
            if str(field.type) == "string":
                cells = [harmless(cell) for cell in chunk.column(at).to_pylist()]
                chunk = chunk.set_column(at, field, pa.array(cells, field.type))
        csv.write_csv(chunk, out, csv.WriteOptions(include_header=False))


def _write_ecsv(out: BinaryIO, chunks: Chunks, facts: Mapping[str, object]) -> None:
    """CSV with a head of names, units and facts that Astropy reads."""
    import pyarrow as pa
    from astropy.table import Column, Table
    from pyarrow import csv

    columns = [
        Column(
            np.zeros(0, _KINDS.get(str(field.type), str)),
            field.name,
            unit=_plain_unit(field),
            description=_description(field),
        )
        for field in schema()
    ]
    head = io.StringIO()
    Table(columns, meta=dict(facts)).write(head, format="ascii.ecsv", delimiter=",")
    out.write(head.getvalue().encode())
    for chunk in chunks():
        for at, field in enumerate(chunk.schema):
            if str(field.type) == "bool":
                words = [None if value is None else str(value) for value in chunk.column(at).to_pylist()]
                chunk = chunk.set_column(at, field.name, pa.array(words, pa.string()))
        csv.write_csv(chunk, out, csv.WriteOptions(include_header=False, quoting_style="needed"))


def _votable_frame(facts: Mapping[str, object]) -> tuple[bytes, bytes]:
    """What stands before the first and after the last row of a VOTable of these columns."""
    from astropy.io.votable import from_table
    from astropy.table import Table

    table = Table({field.name: np.zeros(1, _KINDS.get(str(field.type), "U1")) for field in schema()})
    file = from_table(table, table_id="stars")
    file.description = json.dumps(dict(facts), sort_keys=True)
    for field, column in zip(file.get_first_table().fields, schema(), strict=True):
        if str(column.type) == "string":
            field.datatype, field.arraysize = "unicodeChar", "*"
        elif str(column.type) == "bool":
            field.datatype = "boolean"
        field.unit = _plain_unit(column)
        field.description = _description(column)
    text = io.BytesIO()
    file.to_xml(text, tabledata_format="tabledata")
    before, _, rest = text.getvalue().partition(b"<TABLEDATA>")
    return before + b"<TABLEDATA>\n", b"</TABLEDATA>" + rest.partition(b"</TABLEDATA>")[2]


def _votable_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    return "NaN" if value != value else escape(str(value))


def _unit(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"unit", b"").decode()


def _description(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"description", b"").decode()


def _plain_unit(field: pa.Field) -> str | None:
    """The unit where FITS knows it; logarithms have none there."""
    return _unit(field) if _unit(field) in ("K", "deg") else None


def read_chunks(paths: list[Path]) -> Iterator[pa.Table]:
    """The tables in some Parquet files, one after another."""
    import pyarrow.parquet as pq

    for path in paths:
        yield pq.read_table(path, use_threads=False)


_WRITERS = {
    ".parquet": _write_parquet,
    ".fits": _write_fits,
    **dict.fromkeys((".vot", ".votable", ".xml"), _write_votable),
    ".csv": _write_csv,
    ".ecsv": _write_ecsv,
}
