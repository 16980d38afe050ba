"""A table to be written: columns with units and descriptions, rows in chunks, facts about the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.units import UnitBase

#: Arrow type -> NumPy type; columns of text have none.
NUMPY_TYPES = {"int64": np.int64, "int32": np.int32, "double": np.float64, "float": np.float32, "bool": bool}


@dataclass(frozen=True)
class ExportTable:
    """A table of any size in Arrow's types.

    Attributes
    ----------
    name : str
        Name of the table in FITS and VOTable, in capitals.
    schema : pyarrow.Schema
        Columns of type int64, int32, double, float, bool or string; "unit", as astropy spells it, and "description" in
        the metadata of each.
    chunks : callable
        Returns the rows, a `pyarrow.Table` at a time, from the first; writers may call it twice.
    facts : mapping
        Plain values for the metadata of the table.
    """

    name: str
    schema: pa.Schema
    chunks: Callable[[], Iterable[pa.Table]]
    facts: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_columns(
        cls, name: str, columns: Sequence[tuple[str, object, str, str]], facts: Mapping[str, object]
    ) -> ExportTable:
        """Make a table in memory from (name, values, unit, description) of each column."""
        import pyarrow as pa

        native = [np.asarray(values) for _, values, _, _ in columns]
        arrays = [pa.array(values.astype(values.dtype.newbyteorder("="))) for values in native]
        schema = pa.schema(
            [
                describe_field(pa.field(title, array.type), unit, description)
                for (title, _, unit, description), array in zip(columns, arrays, strict=True)
            ]
        )
        rows = [pa.Table.from_arrays(arrays, schema=schema)]
        return cls(name, schema, lambda: rows, facts)

    @classmethod
    def from_rows(
        cls,
        name: str,
        columns: Sequence[tuple[str, str, str, str]],
        rows: Sequence[Mapping[str, object]],
        facts: Mapping[str, object],
    ) -> ExportTable:
        """Make a table in memory from (name, type, unit, description) of each column, and rows by name."""
        import pyarrow as pa

        schema = typed_schema(columns)
        table = pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in rows], schema)
        return cls(name, schema, lambda: [table], facts)


def typed_schema(columns: Sequence[tuple[str, str, str, str]]) -> pa.Schema:
    """Return the schema of columns given by name, type (as of `NUMPY_TYPES`, or "string"), unit and description."""
    import pyarrow as pa

    types = {"double": pa.float64(), "float": pa.float32(), "bool": pa.bool_()}
    return pa.schema(
        [
            describe_field(pa.field(name, types.get(kind) or getattr(pa, kind)()), unit, words)
            for name, kind, unit, words in columns
        ]
    )


def describe_field(field: pa.Field, unit: str, description: str) -> pa.Field:
    """Return the field with its unit, unless it has none, and its description as metadata."""
    return field.with_metadata({"unit": unit, "description": description} if unit else {"description": description})


def unit_of(field: pa.Field) -> str:
    """Unit of a column as its metadata states it."""
    return (field.metadata or {}).get(b"unit", b"").decode()


def description_of(field: pa.Field) -> str:
    """Description of a column."""
    return (field.metadata or {}).get(b"description", b"").decode()


def is_logarithmic(field: pa.Field) -> bool:
    """Return whether the unit of a column is dex of something, which FITS cannot express."""
    return unit_of(field).startswith("dex")


def astropy_unit(field: pa.Field) -> UnitBase | None:
    """Unit of a column for astropy; None if it has none."""
    from astropy.units import Unit

    return Unit(unit_of(field)) if unit_of(field) else None
