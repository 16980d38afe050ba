"""The catalogue as a table to ask: ranges, boxes, densities, and SQL that can only read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError, StorageError
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

#: Most rows of an answer to SQL.
MAX_ROWS = 10_000
#: Memory that a query may take.
MEMORY = "1GB"

#: Nothing spills to a disk, and no extension is fetched or loaded.
_SETTINGS = {
    "memory_limit": MEMORY,
    "threads": 2,
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_NUMBERS = ("FLOAT", "DOUBLE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_PLAIN = ("BOOLEAN", "VARCHAR", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_STAGE = "CASE stage " + " ".join(f"WHEN '{name}' THEN {at}" for at, name in enumerate(STAGES)) + " END AS stage"

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """A table of stars in memory; no query can change it or reach a file.

    Attributes
    ----------
    columns : dict of str to str
        Name -> type in DuckDB.
    """

    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    columns: dict[str, str]

    @classmethod
    def open(cls, path: Path) -> Catalogue:
        """Read a Parquet file as the table ``stars``.

        Raises
        ------
        StorageError
            If it is missing or damaged.
        """
        import duckdb

        connection = duckdb.connect(":memory:", config=_SETTINGS)
        try:
            connection.execute("CREATE TABLE stars AS SELECT * FROM read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise StorageError(
                f"The catalogue {Path(path).name} cannot be read ({type(error).__name__}).", value=str(path)
            ) from None
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        listed = connection.execute("DESCRIBE stars").fetchall()
        return cls(connection, {row[0]: row[1] for row in listed})

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that hold numbers."""
        return tuple(name for name, kind in self.columns.items() if kind in _NUMBERS)

    def count(self, ranges: Ranges | None = None, stages: tuple[str, ...] = ()) -> int:
        """Stars within ``ranges`` (column -> least, greatest) and of one of ``stages``; none given means all."""
        where, values = self._where(ranges or {}, stages)
        return int(self._run(f"SELECT count(*) FROM stars WHERE {where}", values).fetchone()[0])

    def limits(self, column: str) -> tuple[float, float]:
        """Least and greatest value of a column."""
        self._known(column)
        low, high = self._run(f'SELECT min("{column}"), max("{column}") FROM stars', []).fetchone()
        return float(low), float(high)

    def rows(self, ranges: Ranges, stages: tuple[str, ...] = (), most: int = 500) -> pd.DataFrame:
        """Up to ``most`` stars, those of the highest S/N."""
        where, values = self._where(ranges, stages)
        return self._run(
            f"SELECT * FROM stars WHERE {where} ORDER BY snMedian DESC, specObjID LIMIT {int(most)}", values
        ).df()

    def arrays(self, names: tuple[str, ...], ranges: Ranges, stages: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
        """Columns of numbers as arrays, NaN where unknown; of ``stage`` its place in `STAGES`."""
        for name in names:
            self._known(name)
        where, values = self._where(ranges, stages)
        listed = ", ".join(_STAGE if name == "stage" else f'"{name}"' for name in names)
        found = self._run(f"SELECT {listed} FROM stars WHERE {where}", values).fetchnumpy()
        return {name: np.ma.filled(np.ma.asarray(found[name]).astype(float), np.nan) for name in names}

    def sql(self, text: str) -> pa.Table:
        """The answer to one SELECT, at most `MAX_ROWS` rows, however long it takes.

        Dates, lists, records, bytes and what else is neither number nor text comes as DuckDB's text: pandas and
        Arrow do not hold all that DuckDB does, such as the year 290000.

        What a visitor asks goes to `stellar_core.catalogue.query.ask`, which does this in a process with limits.

        Raises
        ------
        ParameterError
            If it is more than one statement, anything but a SELECT, or wrong.
        """
        import duckdb

        remedy = "Ask one SELECT of the table stars."
        try:
            statements = duckdb.extract_statements(text)
        except duckdb.Error as error:
            raise ParameterError(f"The SQL cannot be read: {_first_line(error)}", remedy=remedy) from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ParameterError("Only one SELECT at a time is answered.", remedy=remedy)
        query = statements[0].query.strip().rstrip(";")
        try:
            found = self._connection.cursor().sql(f"SELECT * FROM ({query}\n) LIMIT {MAX_ROWS}")
            listed = enumerate(zip(found.columns, found.types, strict=True), 1)
            return found.project(", ".join(_shown(at, name, str(kind)) for at, (name, kind) in listed)).to_arrow_table()
        except duckdb.Error as error:
            raise ParameterError(f"The SQL cannot be answered: {_first_line(error)}", remedy=remedy) from None

    def _run(self, query: str, values: list[object]) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor().execute(query, values)

    def _where(self, ranges: Ranges, stages: tuple[str, ...]) -> tuple[str, list[object]]:
        parts, values = ["true"], []
        for name, (low, high) in ranges.items():
            self._known(name)
            parts.append(f'"{name}" BETWEEN ? AND ?')
            values += [float(low), float(high)]
        if stages:
            parts.append(f"stage IN ({', '.join('?' * len(stages))})")
            values += list(stages)
        return " AND ".join(parts), values

    def _known(self, name: str) -> None:
        if name not in self.columns:
            raise ParameterError(
                f"The catalogue has no column {name!r}.", value=name, remedy=f"It has {', '.join(self.columns)}."
            )


def _shown(at: int, name: str, kind: str) -> str:
    """The column of a number as it is if it is a number, a text or a boolean, otherwise as text."""
    title = name.replace('"', '""')
    return f'#{at} AS "{title}"' if kind in (*_NUMBERS, *_PLAIN) else f'CAST(#{at} AS VARCHAR) AS "{title}"'


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
