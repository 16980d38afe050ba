"""Write JSON: a Table Schema with its rows, which ``pandas.read_json(path, orient="table")`` reads.

See https://specs.frictionlessdata.io/table-schema. "unit" and "description" are properties of a field.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, BinaryIO

from stellar_core.export.table import ExportTable, description_of, unit_of

if TYPE_CHECKING:
    import pyarrow as pa

#: Arrow type -> type of a field, and the pandas type that may hold an empty cell.
_TYPES = {
    "int64": ("integer", "Int64"),
    "int32": ("integer", "Int32"),
    "double": ("number", None),
    "float": ("number", None),
    "bool": ("boolean", "boolean"),
    "string": ("string", None),
}


def write_json(out: BinaryIO, table: ExportTable) -> None:
    """Write a table; its facts are under "stellar_ages", empty cells are null."""
    head = {
        "stellar_ages": dict(table.facts),
        # pandas 1.4 is the version of the schema, not of the library
        "schema": {"fields": [_field(column) for column in table.schema], "pandas_version": "1.4.0"},
    }
    out.write(json.dumps(head, indent=1, allow_nan=False).removesuffix("\n}").encode() + b',\n "data": [')
    between = b"\n  "
    for chunk in table.chunks():
        kinds = {column.name: str(column.type) for column in chunk.schema}
        for row in chunk.to_pylist():
            cells = {name: _cell(value, kinds[name]) for name, value in row.items()}
            out.write(between + json.dumps(cells, allow_nan=False).encode())
            between = b",\n  "
    out.write(b"\n ]\n}\n")


def _field(column: pa.Field) -> dict[str, str]:
    kind, extended = _TYPES[str(column.type)]
    words = {"extDtype": extended, "unit": unit_of(column), "description": description_of(column)}
    return {"name": column.name, "type": kind, **{key: word for key, word in words.items() if word}}


def _cell(value: object, kind: str) -> object:
    """A cell as JSON holds it; a float32 with the digits that give it again."""
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.9g}") if kind == "float" else value
    return value
