"""The catalogue as a table to query: limits, stages, columns, and read-only SQL."""

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

#: Most rows of the result of a query.
MAX_ROWS = 10_000
#: Memory of a query.
MEMORY = "1GB"

#: Nothing is written to disk, and no extension is loaded.
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

#: Part of a quantity in Gyr -> parts of its logarithm that may give it, the best one first.
_PARTS = {"": ("median", "mean"), "_p16": ("p16",), "_p84": ("p84",)}

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """A table of stars in memory; a query can neither change it nor read a file.

    Attributes
    ----------
    columns : dict of str to str
        Name -> DuckDB type.
    """

    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    columns: dict[str, str]

    @classmethod
    def open(cls, path: Path) -> Catalogue:
        """Read a Parquet file as the table ``stars``, and add ages and lifetimes in Gyr.

        ``age_gyr`` is the median, ``age_gyr_p16`` and ``age_gyr_p84`` are the 68 % limits; the same for
        ``lifetime_gyr``. In a file without medians the mean of the logarithm takes their place.

        Raises
        ------
        StorageError
            If it is missing or damaged.
        """
        import duckdb

        connection = duckdb.connect(":memory:", config=_SETTINGS)
        try:
            names = [
                row[0] for row in connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            ]
            listed = ", ".join(["*", *_in_gyr(names)])
            connection.execute(f"CREATE TABLE stars AS SELECT {listed} FROM read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise StorageError(
                f"The catalogue {Path(path).name} cannot be read ({type(error).__name__}).", value=str(path)
            ) from None
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        described = connection.execute("DESCRIBE stars").fetchall()
        return cls(connection, {row[0]: row[1] for row in described})

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numerical columns."""
        return tuple(name for name, kind in self.columns.items() if kind in _NUMBERS)

    def count(self, ranges: Ranges | None = None, stages: tuple[str, ...] = ()) -> int:
        """Return the number of stars within ``ranges`` (column -> lower, upper limit) and ``stages`` (empty: all)."""
        where, values = self._where(ranges or {}, stages)
        return int(self._run(f"SELECT count(*) FROM stars WHERE {where}", values).fetchone()[0])

    def limits(self, column: str) -> tuple[float, float]:
        """Return minimum and maximum of a column."""
        self._known(column)
        low, high = self._run(f'SELECT min("{column}"), max("{column}") FROM stars', []).fetchone()
        return float(low), float(high)

    def rows(self, ranges: Ranges, stages: tuple[str, ...] = (), most: int = 500) -> pd.DataFrame:
        """Return up to ``most`` stars, those of highest S/N first."""
        where, values = self._where(ranges, stages)
        return self._run(
            f"SELECT * FROM stars WHERE {where} ORDER BY snMedian DESC, specObjID LIMIT {int(most)}", values
        ).df()

    def arrays(self, names: tuple[str, ...], ranges: Ranges, stages: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
        """Return columns as float arrays, NaN where unknown; ``stage`` is its index in `STAGES`."""
        for name in names:
            self._known(name)
        where, values = self._where(ranges, stages)
        listed = ", ".join(_STAGE if name == "stage" else f'"{name}"' for name in names)
        found = self._run(f"SELECT {listed} FROM stars WHERE {where}", values).fetchnumpy()
        return {name: np.ma.filled(np.ma.asarray(found[name]).astype(float), np.nan) for name in names}

    def sql(self, text: str) -> pa.Table:
        """Return the result of one SELECT, at most `MAX_ROWS` rows, without a time limit.

        Values that are neither numbers nor texts, such as dates and lists, are returned as text: pandas and Arrow
        cannot hold all values of DuckDB, such as the year 290000.

        Queries of visitors go through `stellar_core.catalogue.query.run_query`, which calls this in a limited process.

        Raises
        ------
        ParameterError
            If it is not a single valid SELECT.
        """
        import duckdb

        remedy = "Write one SELECT from the table stars."
        try:
            statements = duckdb.extract_statements(text)
        except duckdb.Error as error:
            raise ParameterError(f"The SQL cannot be read: {_first_line(error)}", remedy=remedy) from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ParameterError("Only a single SELECT is allowed.", remedy=remedy)
        query = statements[0].query.strip().rstrip(";")
        try:
            found = self._connection.cursor().sql(f"SELECT * FROM ({query}\n) LIMIT {MAX_ROWS}")
            listed = enumerate(zip(found.columns, found.types, strict=True), 1)
            return found.project(", ".join(_shown(at, name, str(kind)) for at, (name, kind) in listed)).to_arrow_table()
        except duckdb.Error as error:
            raise ParameterError(f"The SQL failed: {_first_line(error)}", remedy=remedy) from None

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


def _in_gyr(names: list[str]) -> list[str]:
    """SQL of the columns in Gyr that a file with columns ``names`` allows and does not have."""
    found = []
    for quantity in ("age", "lifetime"):
        for part, sources in _PARTS.items():
            known = [f"log_{quantity}_{source}" for source in sources if f"log_{quantity}_{source}" in names]
            if known and f"{quantity}_gyr{part}" not in names:
                found.append(f"CAST(pow(10, {known[0]} - 9) AS FLOAT) AS {quantity}_gyr{part}")
    return found


def _shown(at: int, name: str, kind: str) -> str:
    """Return the SQL of a result column: numbers, texts and booleans unchanged, others as text."""
    title = name.replace('"', '""')
    return f'#{at} AS "{title}"' if kind in (*_NUMBERS, *_PLAIN) else f'CAST(#{at} AS VARCHAR) AS "{title}"'


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
