"""The catalogue of the stand-in: SDSS's tables in DuckDB, queried in SkyServer's dialect of SQL."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.mock.catalogue_writer import catalogue_columns
from stellar_core.mock.database import write_database
from stellar_core.mock.plates import make_plate
from stellar_core.sdss.specobjid import FIRST_BOSS_PLATE
from stellar_core.sdss.star_id import StarId

_NUMBERS = ("z", "sn", "ra", "dec", "sspp_teff", "sspp_logg", "sspp_feh")
_MACROS = """
CREATE SCHEMA dbo;
CREATE SCHEMA mydb;
CREATE VIEW SpecObjAll AS SELECT * FROM SpecObj;
CREATE VIEW PhotoObjAll AS SELECT *, (objID >> 32) & 65535 AS run, (objID >> 48) & 2047 AS rerun,
  (objID >> 29) & 7 AS camcol, (objID >> 16) & 4095 AS field FROM PhotoObj;
CREATE MACRO dbo.fGetNearbySpecObjEq(ra0, dec0, r) AS TABLE
  SELECT specObjID, distance FROM (
    SELECT specObjID, 60.0 * degrees(2.0 * asin(sqrt(least(1.0,
      pow(sin(radians(dec - dec0) / 2.0), 2)
      + cos(radians(dec)) * cos(radians(dec0)) * pow(sin(radians(ra - ra0) / 2.0), 2))))) AS distance FROM SpecObj)
  WHERE distance <= r ORDER BY distance;
"""


class Refusal(Exception):
    """An error that SkyServer sends in a row named error_message."""


class Catalogue:
    """SpecObj, sppParams and PhotoObj of some MOCK plates and of real spectra.

    Parameters
    ----------
    folder : Path
        The database file goes here.
    plates : iterable of int
        MOCK plates, at least one.
    seed : int
        Of the MOCK survey.
    real : iterable of (StarId, dict)
        Real spectra with kind, z, sn, ra, dec, sspp_teff, sspp_logg, sspp_feh; empty where unknown.

    Attributes
    ----------
    damaged : dict
        Text in place of a cell's own, by specObjID and column.
    """

    def __init__(
        self, folder: Path, plates: Iterable[int], seed: int, real: Iterable[tuple[StarId, dict[str, str]]] = ()
    ) -> None:
        frames = [pd.DataFrame(catalogue_columns(make_plate(seed, plate), seed)) for plate in plates]
        self.mock = pd.concat(frames, ignore_index=True)
        path = write_database(self.mock, folder / "standin.duckdb", seed)
        self._connection = duckdb.connect(str(path), config={"threads": 1})
        self._connection.execute(_MACROS)
        self._connection.execute("ALTER TABLE sppParams ADD COLUMN elodieRVFinal FLOAT")
        self._connection.execute(
            f"UPDATE sppParams SET elodieRVFinal = {SPEED_OF_LIGHT} * s.z FROM SpecObj s "
            "WHERE s.specObjID = sppParams.specObjID"
        )
        self._real = list(real)
        for star, known in self._real:
            self._add(star, known)
        self.damaged: dict[tuple[int, str], str] = {}
        self._mutex = threading.Lock()
        self._answers: dict[str, tuple[list[str], list[list[str]]]] = {}

    def close(self) -> None:
        self._connection.close()

    def real_stars(self) -> pd.DataFrame:
        """Return the positions of real stars and their magnitudes from the spectra, where both are known."""
        rows = [
            {
                **{name: float(known[name] or "nan") for name in ("ra", "dec")},
                **{f"psfMag_{band}": float(known[f"sm_{band}"] or "nan") for band in "gri"},
                "bestObjID": "",
            }
            for _, known in self._real
            if known["kind"] == "STAR"
        ]
        columns = ["ra", "dec", "psfMag_g", "psfMag_r", "psfMag_i", "bestObjID"]
        return pd.DataFrame(rows, columns=columns).dropna().reset_index(drop=True)

    def ask(self, sql: str) -> tuple[list[str], list[list[str]]]:
        """Return column names and rows of text for one SELECT.

        Raises
        ------
        Refusal
            With SkyServer's message.
        """
        flat = " ".join(sql.split())
        if not flat.lower().startswith("select ") or ";" in flat or re.search(r"\binto\b", flat, re.I):
            raise Refusal(f"error: must be a select statement: {flat}")
        with self._mutex:
            if flat not in self._answers or "mydb" in flat.lower():
                self._answers[flat] = self._run(flat)
            return self._damage(*self._answers[flat])

    def into(self, sql: str) -> int:
        """Run a SELECT ... INTO MyDB.name; return the number of rows.

        Raises
        ------
        Refusal
            If the table exists, or the SQL is invalid.
        """
        flat = " ".join(line for line in " ".join(line.partition("--")[0] for line in sql.splitlines()).split())
        target = re.search(r"\bINTO\s+(MyDB\.\w+)\s", flat, re.I)
        if not target:
            raise Refusal("A job needs INTO MyDB.name.")
        with self._mutex:
            query = flat.replace(target.group(0), "", 1)
            try:
                self._connection.execute(f"CREATE TABLE {target.group(1)} AS {_duck(query)}")
            except duckdb.Error as error:
                raise Refusal(str(error).splitlines()[0]) from None
            return self._connection.execute(f"SELECT COUNT(*) FROM {target.group(1)}").fetchone()[0]

    def clear_mydb(self) -> None:
        """Drop the tables made by jobs."""
        with self._mutex:
            self._connection.execute("DROP SCHEMA mydb CASCADE; CREATE SCHEMA mydb")

    def columns_of(self, table: str) -> list[str]:
        """Return the column names of a table, as dbo.fDocColumns does."""
        return [row[0] for row in self._run(f"SELECT column_name FROM (DESCRIBE {table})")[1]]

    def _run(self, sql: str) -> tuple[list[str], list[list[str]]]:
        try:
            result = self._connection.execute(_duck(sql))
            names = [item[0] for item in result.description]
            arrays = result.fetchnumpy()
        except duckdb.Error as error:
            raise Refusal(str(error).splitlines()[0]) from None
        columns = [_texts(arrays[name]) for name in arrays]
        return names, [list(row) for row in zip(*columns)]

    def _damage(self, names: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
        """Put the texts of `damaged` into the cells."""
        if not self.damaged or "specObjID" not in names:
            return names, rows
        place = names.index("specObjID")
        return names, [
            [self.damaged.get((int(row[place]), name), cell) for name, cell in zip(names, row)] for row in rows
        ]

    def _add(self, star: StarId, known: dict[str, str]) -> None:
        """Add a real star without imaging photometry, with labels where known."""
        value = {name: float(text) if text else None for name, text in known.items() if name in _NUMBERS}
        kind = "STAR" if known["kind"] == "WHITE_DWARF" else known["kind"]
        self._connection.execute(
            "INSERT INTO SpecObj (specObjID, programname, instrument, plate, mjd, fiberID, run2d, ra, dec, "
            "class, subClass, z, zWarning, snMedian) VALUES (?, 'legacy', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            [
                *(
                    star.specobjid,
                    "BOSS" if star.plate >= FIRST_BOSS_PLATE else "SDSS",
                    star.plate,
                    star.mjd,
                    star.fiber,
                ),
                *(star.run2d, value["ra"], value["dec"], kind, known["sub"], value["z"], value["sn"]),
            ],
        )
        if value["sspp_teff"] is not None:
            labels = [
                -9999.0 if value[f"sspp_{name}"] is None else value[f"sspp_{name}"] for name in ("teff", "logg", "feh")
            ]
            self._connection.execute(
                "INSERT INTO sppParams "
                "(specObjID, teffadop, loggadop, fehadop, teffadopunc, loggadopunc, fehadopunc, flag) "
                "VALUES (?, ?, ?, ?, -9999, -9999, -9999, 'nnnnn')",
                [star.specobjid, *labels],
            )


def as_csv(names: list[str], rows: list[list[str]], title: bool = True) -> bytes:
    """Format rows as SkyServer does, with or without the first line ``#Table1``."""
    out = io.StringIO()
    if title:
        out.write("#Table1\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue().encode()


def _duck(sql: str) -> str:
    """Translate SkyServer's dialect to DuckDB's: TOP becomes LIMIT."""
    top = re.match(r"\s*SELECT\s+(DISTINCT\s+)?TOP\s+(\d+)\s", sql, re.I)
    if not top:
        return sql
    return f"SELECT {top.group(1) or ''}{sql[top.end() :]} LIMIT {top.group(2)}"


def _texts(values: np.ndarray) -> list[str]:
    """Format cells: REAL with all its digits, NULL as SkyServer does."""
    missing = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.zeros(len(values), bool)
    return ["null" if gone or value is None else str(value) for value, gone in zip(np.asarray(values), missing)]
