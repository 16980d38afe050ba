"""Read lists of stars in Parquet: only the columns that identify stars, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from stellar_core.batch.coordinates import scales
from stellar_core.batch.input_lists.column_units import MAX_HEAD, units_of
from stellar_core.batch.input_lists.parquet_layout import damaged, read_layout
from stellar_core.batch.input_lists.star_columns import MAX_CELL, ROWS, Columns, find_columns, identifiers, no_columns
from stellar_core.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet_list(file: BinaryIO, name: str) -> Iterator[str]:
    """Yield the inputs in a Parquet file; see `stellar_core.batch.input_lists.read_list`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    layout = read_layout(file, name)
    titles = layout.titles
    columns = find_columns(titles)
    if not columns:
        raise no_columns(name, titles)
    if len(set(titles)) < len(titles):
        raise ParameterError(f"Columns of {name} have the same name.", value=name, remedy="Rename them.")
    wanted = [titles[at] for at in columns.values()]
    for title in wanted:
        layout.check_column(title)
    try:
        # Dictionaries of texts are kept: ten thousand equal cells are one in memory too.
        table = pq.ParquetFile(
            file, read_dictionary=[title for title in wanted if layout.is_text(title)], pre_buffer=False
        )
        scale = scales(_units(table.schema_arrow, columns, titles, name))
        for group in range(table.num_row_groups):
            for title in wanted:
                layout.check_pages(file, group, title)
            for batch in table.iter_batches(ROWS, row_groups=[group], columns=wanted, use_threads=False):
                yield from identifiers(
                    {role: _cells(batch.column(titles[at]), name) for role, at in columns.items()}, scale
                )
    except (pa.ArrowException, OSError, ValueError, OverflowError, TypeError, KeyError) as error:
        if isinstance(error, ParameterError):
            raise
        raise damaged(name) from None


def _units(schema: pa.Schema, columns: Columns, titles: Sequence[str], name: str) -> dict[str, str]:
    """Return units by role, from the metadata of the field, or as Astropy writes them."""
    words = (schema.metadata or {}).get(b"table_meta_yaml", b"")[:MAX_HEAD].decode("utf-8", "replace").splitlines()
    described = units_of(words, {role: titles[at] for role, at in columns.items()}, name)
    own = {role: _unit(schema.field(at).metadata or {}) for role, at in columns.items()}
    return {role: unit or described.get(role, "") for role, unit in own.items()}


def _unit(metadata: Mapping[bytes, bytes]) -> str:
    return metadata.get(b"unit", b"")[:MAX_CELL].decode("utf-8", "replace")


def _cells(column: pa.Array, name: str) -> Sequence[object]:
    """Return the cells of a column; float32 is kept, so that a rounded identifier is noticed."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_dictionary(kind):
        used, places = np.unique(column.indices.fill_null(-1).to_numpy(), return_inverse=True)
        words = [None, *_cells(column.dictionary.take(pa.array(used[used >= 0])), name)]
        return [words[at] for at in (places + (used.size == 0 or used[0] >= 0)).tolist()]
    if kinds.is_string_view(kind):
        return _cells(column.cast(pa.large_string()), name)
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind):
        return _texts(column)
    if kinds.is_floating(kind):
        return list(column.to_numpy(zero_copy_only=False))
    if kinds.is_integer(kind) or kinds.is_decimal(kind) or kinds.is_boolean(kind) or kinds.is_null(kind):
        return column.to_pylist()
    if kinds.is_fixed_size_binary(kind) and kind.byte_width <= MAX_CELL:
        return column.to_pylist()
    raise pa.ArrowTypeError(f"a column of {name} is of the type {kind}")


def _texts(column: pa.Array) -> list[bytes | None]:
    """Return the first characters of each cell, without copying long cells."""
    import pyarrow.types as kinds

    wide = kinds.is_large_string(column.type) or kinds.is_large_binary(column.type)
    _, offsets, letters = column.buffers()
    if not len(column) or offsets is None:
        return []
    places = np.frombuffer(offsets, np.int64 if wide else np.int32)[
        column.offset : column.offset + len(column) + 1
    ].astype(np.int64)
    ends = np.minimum(places[1:], places[:-1] + 4 * MAX_CELL)
    data = memoryview(letters if letters is not None else b"")
    known = column.is_valid().to_pylist()
    return [
        bytes(data[start:end]) if there else None
        for start, end, there in zip(places[:-1].tolist(), ends.tolist(), known, strict=True)
    ]
