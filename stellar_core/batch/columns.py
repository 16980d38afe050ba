"""The table of a batch: the columns of a result, and the place and the error of each input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from stellar_core.export.table import ExportTable, typed_schema
from stellar_core.inference.result_columns import QUALITY, ResultColumn, result_columns

if TYPE_CHECKING:
    import pyarrow as pa

_ROW = ResultColumn("row", "int64", "", "position in the list of inputs, from 0")
_ERROR = ResultColumn("error", "string", "", "reason why there is no result; empty with a result")


def batch_table(
    chunks: Callable[[], Iterable[pa.Table]], facts: Mapping[str, object], gaia: bool = False
) -> ExportTable:
    """Return the table of a batch for `stellar_core.export`; ``chunks`` and ``facts`` as of `ExportTable`."""
    return ExportTable("STARS", schema(gaia), chunks, facts)


def schema(gaia: bool = False) -> pa.Schema:
    """Return names and Arrow types in their order, with "unit" and "description" in each field's metadata.

    With ``gaia``, the columns of the parallax are the last.
    """
    columns = list(result_columns(gaia))
    columns.insert(columns.index(QUALITY[-1]) + 1, _ERROR)
    return typed_schema([_ROW, *columns])
