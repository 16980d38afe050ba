"""A table to be written: columns with units and descriptions, rows in chunks, facts about the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.quantities import QUANTITIES

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.units import UnitBase

#: Arrow type -> NumPy type; columns of text have none.
NUMPY_TYPES = {"int64": np.int64, "int32": np.int32, "double": np.float64, "float": np.float32, "bool": bool}
#: Unit in plain text -> as astropy spells it.
_ASTROPY_UNITS = {one.column_unit: one.astropy_unit for one in QUANTITIES.values()}


@dataclass(frozen=True)
class ExportTable:
    """A table of any size in Arrow's types.

    Attributes
    ----------
    name : str
        Name of the table in FITS and VOTable, in capitals.
    schema : pyarrow.Schema
        Columns of type int64, int32, double, float, bool or string; "unit" and "description" in the metadata of each.
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


def describe_field(field: pa.Field, unit: str, description: str) -> pa.Field:
    """Return the field with its unit, unless it has none, and its description as metadata."""
    return field.with_metadata({"unit": unit, "description": description} if unit else {"description": description})


def unit_of(field: pa.Field) -> str:
    """Unit of a column as its metadata states it."""
    return (field.metadata or {}).get(b"unit", b"").decode()


def description_of(field: pa.Field) -> str:
    """Description of a column."""
    return (field.metadata or {}).get(b"description", b"").decode()


def astropy_unit(field: pa.Field, logarithms: bool = False) -> UnitBase | None:
    """Unit of a column for astropy; None if astropy does not know it.

    ECSV has units for logarithms, such as dex(yr). FITS and VOTable do not: None unless ``logarithms``.
    """
    from astropy.units import FunctionUnitBase, Unit, dex

    if not unit_of(field):
        return None
    try:
        unit = Unit(_ASTROPY_UNITS.get(unit_of(field), unit_of(field)))
    except ValueError:
        return None
    return None if not logarithms and (isinstance(unit, FunctionUnitBase) or unit == dex) else unit
