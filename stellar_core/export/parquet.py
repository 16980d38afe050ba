"""Write Parquet, with units and descriptions in the metadata of the columns."""

from __future__ import annotations

import json
from typing import BinaryIO

from stellar_core.export.table import ExportTable

#: Rows of a row group, whatever the chunks are.
ROWS = 16_384


def write_parquet(out: BinaryIO, table: ExportTable) -> None:
    """Write a table; its facts go into the metadata of the file as JSON under "stellar_ages"."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = table.schema.with_metadata({"stellar_ages": json.dumps(dict(table.facts), sort_keys=True)})
    with pq.ParquetWriter(out, columns, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for chunk in table.chunks():
            waiting.append(chunk)
            while sum(part.num_rows for part in waiting) >= ROWS:
                rows = pa.concat_tables(waiting)
                writer.write_table(rows.slice(0, ROWS).combine_chunks().cast(columns), row_group_size=ROWS)
                waiting = [rows.slice(ROWS)]
        rows = pa.concat_tables([columns.empty_table(), *(part.cast(columns) for part in waiting)])
        if rows.num_rows:
            writer.write_table(rows.combine_chunks(), row_group_size=ROWS)
